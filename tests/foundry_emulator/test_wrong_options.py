"""Options and folders that cannot be used: one line says why, and nothing that was there is touched."""

import sqlite3
from pathlib import Path

import pytest

from foundry_emulator.state import LAYOUT
from tests.foundry_emulator.support import EmulatorProcess, running, start_in_vain


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--port", "65536"), "'65536' is not a port from 0 to 65535"),
        (("--state", ""), "argument --state: it is empty"),
        (("--host", ""), "argument --host: it is empty"),
        (("--api-key", ""), "'' cannot be sent in a header"),
        (("--api-key", "two words"), "'two words' cannot be sent in a header"),
        (("--identity-header", "\u00e9"), "'\u00e9' cannot be sent in a header"),
        (("--filtered-phrase", ""), "argument --filtered-phrase: it is empty"),
        (("--fine-tune-files", "-1"), "'-1' is not a whole number from 0"),
        (("--speed", "quick"), "'quick' is not a number from 0"),
        (("--speed", "1e-300"), "--file-processing-seconds divided by --speed"),
        (("--rate-limit-factor", "1e308"), "'1e308' is not a number from 0"),
        (("--quota", "all"), "'all' is not NAME=LIMIT"),
    ],
)
def test_a_wrong_option_is_told_with_its_value(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    ended = start_in_vain("--port", "0", "--state", str(tmp_path), *options)

    assert ended.returncode != 0
    assert told in ended.stderr
    assert ended.stderr.count("\n") <= 2
    assert "Traceback" not in ended.stderr


def test_a_folder_that_holds_files_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "precious.txt").write_text("mine")
    ended = start_in_vain("--port", "0", "--state", str(tmp_path))

    assert ended.returncode == 1
    assert f"the state folder {tmp_path} holds files, and not the emulator's" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["files", "precious.txt"]


@pytest.mark.parametrize("name", ["state", "calls", "features"])
def test_a_damaged_database_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    for path in tmp_path.glob(f"{name}.sqlite*"):
        path.unlink()
    (tmp_path / f"{name}.sqlite").write_bytes(b"no database" * 1000)
    ended = start_in_vain("--port", "0", "--state", str(tmp_path))

    assert ended.returncode == 1
    assert f"cannot use the state folder {tmp_path}: file is not a database" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_folder_of_an_older_version_is_told_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "state.sqlite")
    database.execute(f"pragma user_version = {LAYOUT - 1}")
    database.close()
    ended = start_in_vain("--port", "0", "--state", str(tmp_path))

    assert ended.returncode == 1
    assert "was made by another version of the emulator" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_folder_among_its_files_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    (tmp_path / "files" / "folder").mkdir()
    with running(tmp_path) as restarted:
        assert isinstance(restarted, EmulatorProcess)
