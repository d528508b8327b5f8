"""Settings: one file and some variables, and one clear sentence when they are wrong."""

import os
from pathlib import Path

import pytest

from cloud.errors import SettingsUnreadable
from cloud.settings import load_settings

GOOD = """
loop = "steel"
[foundry]
endpoint = "https://res.openai.azure.com/openai/v1/"
subscription = "s"
resource_group = "g"
account = "a"
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set for a loop of her own says nothing here."""
    for name in [
        each for each in os.environ if each.startswith(("KAIZEN_FOUNDRY", "KAIZEN_API_KEY", "KAIZEN_WEBHOOK"))
    ]:
        monkeypatch.delenv(name)


def settings_file(folder: Path, text: str) -> Path:
    (folder / "kaizen.toml").write_text(text)
    return folder


def test_the_file_is_read_and_the_rest_has_defaults(tmp_path: Path) -> None:
    settings = load_settings(settings_file(tmp_path, GOOD))

    assert (settings.loop, settings.training.n_epochs) == ("steel", 3)


def test_variables_overrule_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIZEN_FOUNDRY__ENDPOINT", "http://127.0.0.1:9/openai/v1/")

    settings = load_settings(settings_file(tmp_path, GOOD))

    assert settings.foundry.endpoint is not None
    assert settings.foundry.endpoint.port == 9
    assert settings.foundry.account == "a"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("loop = ", "cannot be read: Invalid value"),
        ('loop = "Steel Plant"\n' + GOOD.split("\n", 2)[2], "loop: String should match pattern"),
        (GOOD + "[training]\nepochs = 3\n", "training.epochs: Extra inputs are not permitted"),
        (GOOD + "[training]\nn_epochs = 0\n", "training.n_epochs: Input should be greater than or equal to 1"),
        ('loop = "steel"\n', "foundry: Field required"),
        ('api_key = "abc"\n' + GOOD, "api_key is a secret; take it out and set KAIZEN_API_KEY instead"),
        ('webhook_secret = "abc"\n' + GOOD, "take it out and set KAIZEN_WEBHOOK_SECRET instead"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsUnreadable, match=problem) as raised:
        load_settings(settings_file(tmp_path, text))
    assert "\n" not in str(raised.value)
    assert "abc" not in str(raised.value)


def test_a_folder_without_settings_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadable, match=r"There is no kaizen.toml in .*--loop"):
        load_settings(tmp_path)


def test_secrets_are_neither_printed_nor_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_settings(settings_file(tmp_path, GOOD))
    monkeypatch.setenv("KAIZEN_API_KEY", "planted-secret")
    secret = load_settings(tmp_path)

    assert secret.api_key is not None
    assert "planted-secret" not in repr(secret)
    assert secret.digest == plain.digest


@pytest.mark.parametrize("secret", ["planted", "whsec_", "whsec_planted-secret", "", "d2hzZWM="])
def test_a_webhook_secret_of_another_form_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("KAIZEN_WEBHOOK_SECRET", secret)

    with pytest.raises(SettingsUnreadable, match=r"webhook_secret: .* has to be whsec_ and base64") as raised:
        load_settings(settings_file(tmp_path, GOOD))
    assert "planted" not in str(raised.value)


def test_a_webhook_secret_changes_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_settings(settings_file(tmp_path, GOOD))
    monkeypatch.setenv("KAIZEN_WEBHOOK_SECRET", "whsec_c2VjcmV0")
    secret = load_settings(tmp_path)

    assert secret.webhook_secret is not None
    assert "c2VjcmV0" not in repr(secret)
    assert secret.digest == plain.digest
