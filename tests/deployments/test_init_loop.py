"""`kaizen init`: a folder that works at once, and in which nothing secret is written."""

import os
import re
from pathlib import Path

import pytest
from PIL import Image

from cloud.errors import SettingsUnreadable
from cloud.settings import load_settings
from data_contracts.contract_file import read_contract
from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract
from deployments.check_images import check_folder
from deployments.init_loop import init_loop
from deployments.notebook_env import read_env
from tests.support.commands import kaizen

SECRET = "planted-secret"
NOTEBOOK = f"""\
# settings of the notebook
export api_key="{SECRET}" # do not share
azure_endpoint='https://steel.openai.azure.com/openai/v1'

subscription_id = 1234-5678   # ours
resource_name=steel
rg_name="rg \\"one\\" #1"
"""


@pytest.fixture(autouse=True)
def _no_addresses_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("KAIZEN_FOUNDRY")]:
        monkeypatch.delenv(name)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    file.write_text(NOTEBOOK)
    return file


def contract_in(folder: Path) -> ImageContract:
    return read_contract((folder / "contract.odcs.yaml").read_bytes(), name="contract.odcs.yaml")


def class_folders(folder: Path, *classes: str) -> Path:
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        Image.effect_noise((120, 90), 40 + number).save(folder / name / "1.png")
    return folder


def test_a_new_loop_has_settings_and_a_contract_that_can_be_read(tmp_path: Path) -> None:
    init_loop(tmp_path / "Steel Line 2", None, None)

    assert load_settings(tmp_path / "Steel Line 2").loop == "steel-line-2"
    assert "crazing" in contract_in(tmp_path / "Steel Line 2").labels


def test_every_image_of_the_folder_passes_the_contract_made_from_it(tmp_path: Path, images: Path) -> None:
    init_loop(tmp_path / "loop", images, None)
    _, found = check_folder(images, tmp_path / "loop" / "contract.odcs.yaml", None, calibrate=False)

    assert isinstance(found, dict)
    assert (found["quarantined"], found["warned"]) == ([], [])


def test_class_folders_that_begin_alike_are_answered_by_codes(tmp_path: Path) -> None:
    told = init_loop(tmp_path / "loop", class_folders(tmp_path / "images", "patches", "pitted"), None)

    assert contract_in(tmp_path / "loop").answers() == {"patches": "A", "pitted": "B"}
    assert "A for patches, B for pitted" in told[1]


@pytest.mark.parametrize("names", [("no", "yes"), ("1", "2.0"), ("null", "~"), ('say "a"', "b: {c} # d")])
def test_class_folders_may_have_names_that_mean_something_in_yaml(tmp_path: Path, names: tuple[str, str]) -> None:
    init_loop(tmp_path / "loop", class_folders(tmp_path / "images", *names), None)

    assert sorted(contract_in(tmp_path / "loop").labels) == sorted(names)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "contract.odcs.yaml").write_text("mine")

    with pytest.raises(WrongInput, match="is there already"):
        init_loop(tmp_path, None, None)
    assert not (tmp_path / "kaizen.toml").exists()


def test_a_notebooks_addresses_are_taken_over(tmp_path: Path, notebook: Path) -> None:
    init_loop(tmp_path / "loop", None, notebook)
    foundry = load_settings(tmp_path / "loop").foundry

    assert str(foundry.endpoint) == "https://steel.openai.azure.com/openai/v1/"
    assert (foundry.subscription, foundry.resource_group, foundry.account) == ("1234-5678", 'rg "one" #1', "steel")


def test_a_notebooks_key_is_neither_written_nor_told(tmp_path: Path, notebook: Path) -> None:
    told = init_loop(tmp_path / "loop", None, notebook)
    written = [file.read_text() for file in (tmp_path / "loop").iterdir()]

    assert SECRET not in "\n".join([*told, *written])
    assert any("export KAIZEN_API_KEY" in line for line in told)


def test_what_a_notebook_lacks_is_named_at_once(tmp_path: Path, notebook: Path) -> None:
    notebook.write_text(f"api_key={SECRET}\nazure_endpoint=https://x.openai.azure.com\nrg_name=\n")

    with pytest.raises(WrongInput, match="lacks subscription_id, rg_name, resource_name"):
        init_loop(tmp_path / "loop", None, notebook)
    assert not (tmp_path / "loop").exists()


@pytest.mark.parametrize("line", [f"api_key {SECRET}", f'api_key="{SECRET}', f"api_key='{SECRET}' more"])
def test_a_broken_line_is_named_by_its_number_and_not_shown(notebook: Path, line: str) -> None:
    notebook.write_text(f"{NOTEBOOK}{line}\n")

    with pytest.raises(WrongInput, match="line 8 is not NAME=value") as caught:
        read_env(notebook)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("address", ["https://x.openai.azure.com", "https://x.openai.azure.com/openai/v1/"])
def test_an_endpoint_ends_as_the_data_plane_does(notebook: Path, address: str) -> None:
    notebook.write_text(NOTEBOOK.replace("https://steel.openai.azure.com/openai/v1", address))

    assert read_env(notebook).foundry["endpoint"] == "https://x.openai.azure.com/openai/v1/"


def test_the_command_says_what_comes_next(tmp_path: Path) -> None:
    done = kaizen("init", tmp_path / "loop")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Next: put images into ")


def test_comments_of_the_draft_are_terms_that_a_contract_may_have(tmp_path: Path) -> None:
    init_loop(tmp_path / "loop", class_folders(tmp_path / "images", "oxide", "pits"), None)
    file = tmp_path / "loop" / "contract.odcs.yaml"
    file.write_text(re.sub(r"(?m)^( *)# (team:|slaProperties:|- property:|  value:)", r"\1\2", file.read_text()))
    contract = contract_in(tmp_path / "loop")

    assert (contract.owner, contract.freshness_days) == ("Quality control", 30)
    assert contract.group is not None
    assert contract.balance is not None


def test_a_file_is_no_place_for_a_loop(tmp_path: Path) -> None:
    (tmp_path / "loop").write_text("mine")

    with pytest.raises(WrongInput, match="is no folder"):
        init_loop(tmp_path / "loop", None, None)


def test_what_a_variable_spoils_is_told_by_the_loops_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIZEN_LOOP", "Not A Name")

    with pytest.raises(SettingsUnreadable, match=re.escape(f"{tmp_path / 'loop' / 'kaizen.toml'}: loop: ")):
        init_loop(tmp_path / "loop", None, None)
    assert not (tmp_path / "loop").exists()
