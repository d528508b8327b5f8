"""`kaizen check-images --metadata-only`: a quick look at headers that says what it did not look at."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from deployments.check_images import check_headers_of
from deployments.cli import cli


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sound images, one that is too small, one that is none."""
    for label in ("crazing", "scratches"):
        (tmp_path / label).mkdir()
        Image.new("RGB", (200, 200)).save(tmp_path / label / "a.jpg")
    Image.new("RGB", (20, 200)).save(tmp_path / "crazing" / "thin.png")
    (tmp_path / "crazing" / "page.jpg").write_bytes(b"<html></html>")
    return tmp_path


def test_the_first_line_says_that_pixels_were_not_looked_at(folder: Path) -> None:
    lines, _ = check_headers_of(folder, None, None)

    assert lines[0].startswith("Headers only: pixels were not looked at")
    assert any(line.split() == ["crazing", "1"] for line in lines)


def test_rules_that_need_no_pixels_are_applied(folder: Path) -> None:
    refused = check_headers_of(folder, None, None)[1]["quarantined"]  # type: ignore[index]

    assert [(each["file"], each["code"]) for each in refused] == [
        ("crazing/page.jpg", "not_an_image"),
        ("crazing/thin.png", "wrong_width"),
    ]


def test_pixels_cannot_be_asked_for_without_a_look_at_them(folder: Path) -> None:
    asked = CliRunner().invoke(cli, ["check-images", str(folder), "--metadata-only", "--calibrate"])

    assert (asked.exit_code, "look at pixels" in asked.output) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="names that are no UTF-8 exist where names are bytes")
@pytest.mark.parametrize("options", [(), ("--metadata-only",)])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_name_that_is_no_text_is_spelled_out(folder: Path, options: tuple[str, ...], form: tuple[str, ...]) -> None:
    (folder / "crazing" / os.fsdecode(b"\xff\x1b[2J\n.jpg")).write_bytes((folder / "crazing" / "a.jpg").read_bytes())

    asked = CliRunner().invoke(cli, ["check-images", str(folder), "--no-cache", *options, *form])

    assert asked.exit_code == 0
    assert r"\udcff\x1b[2J\n.jpg" in asked.output.replace(r"\\", "\\")
    assert "the file's name is no text in UTF-8; rename it" in asked.output
