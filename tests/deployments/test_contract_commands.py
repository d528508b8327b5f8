"""`kaizen contract`: what a person or a pipeline sees of a contract."""

import json
from pathlib import Path

import pytest

from tests.support.commands import kaizen
from tests.support.contracts import SHIPPED, changed, with_class


@pytest.fixture
def contracts(tmp_path: Path) -> tuple[Path, Path]:
    """The shipped contract, and one with another class that has the same version."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_bytes(SHIPPED)
    new.write_bytes(changed(with_class("dents")))
    return old, new


def test_a_change_that_breaks_ends_with_one_and_the_version_needed(contracts: tuple[Path, Path]) -> None:
    done = kaizen("contract", "diff", *contracts)

    assert done.returncode == 1
    assert "breaks  class added, dents" in done.stdout
    assert "set version to 2.0.0" in done.stdout.splitlines()[-1]


def test_programs_get_the_changes_as_json(contracts: tuple[Path, Path]) -> None:
    diff = json.loads(kaizen("contract", "diff", *contracts, "--json").stdout)

    assert [change["about"] for change in diff["changes"]] == ["dents"]
    assert (diff["step"], diff["needed"], diff["enough"]) == ("major", "2.0.0", False)


def test_a_contract_compared_with_itself_has_no_changes(contracts: tuple[Path, Path]) -> None:
    done = kaizen("contract", "diff", contracts[0], contracts[0])

    assert (done.returncode, done.stdout) == (0, "Nothing that is read changed; version 1.0.0 may stay\n")


def test_a_contract_that_is_not_there_is_named(contracts: tuple[Path, Path]) -> None:
    done = kaizen("contract", "diff", contracts[0], "missing.yaml")

    assert (done.returncode, done.stderr) == (
        1,
        "kaizen: The data contract missing.yaml cannot be read: No such file or directory\n",
    )


def test_the_guideline_of_a_loop_names_its_rules_and_classes(tmp_path: Path) -> None:
    kaizen("init", tmp_path / "loop")
    done = kaizen("contract", "guideline", "--loop", tmp_path / "loop")

    assert "  File format must be: JPEG or PNG or BMP or WEBP. Save the image as JPEG or PNG." in done.stdout
    assert "  crazing: A network of fine cracks all over the surface." in done.stdout


def test_the_page_to_print_shows_what_a_contract_says_as_text(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_bytes(SHIPPED.replace(b"Steel is grey; use a white light.", b"Use <b>white</b> light."))
    done = kaizen("contract", "guideline", file, "--html")

    assert done.stdout.startswith("<!doctype html>")
    assert "Use &lt;b&gt;white&lt;/b&gt; light." in done.stdout


def test_a_program_gets_the_guideline_as_json(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_bytes(SHIPPED)
    page = json.loads(kaizen("contract", "guideline", file, "--json").stdout)

    assert page["smallest_class"] == 20
