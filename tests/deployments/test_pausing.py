"""`kaizen pause` and `kaizen resume`, as a person runs them."""

import getpass
import json
from pathlib import Path

import pytest

from tests.support.commands import kaizen
from tests.support.loops import LoopFolder


@pytest.fixture
def folder(tmp_path: Path) -> LoopFolder:
    return LoopFolder.make(tmp_path / "loop")


def test_a_pause_is_told_and_stands_in_the_ledger(folder: LoopFolder) -> None:
    done = kaizen("pause", "--why", "line 2 is rebuilt", "--until", "2999-01-31", "--loop", folder.path)
    told = done.stdout.splitlines()
    log = kaizen("ledger", "log", "--loop", folder.path).stdout

    assert f"was paused until the end of 2999-01-31 by {getpass.getuser()} (command line) on " in told[0]
    assert told[0].endswith(": line 2 is rebuilt")
    assert " paused " in log
    assert "why=line 2 is rebuilt, until=2999-01-31" in log


def test_the_same_pause_again_writes_nothing(folder: LoopFolder) -> None:
    again = [kaizen("pause", "--why", "so", "--json", "--loop", folder.path).stdout for _ in range(2)]

    assert [json.loads(each)["written"] for each in again] == [True, False]
    assert len(folder.loop().ledger.read()) == 1


def test_another_pause_takes_the_place_of_the_first_and_names_it(folder: LoopFolder) -> None:
    kaizen("pause", "--why", "first", "--loop", folder.path)
    told = kaizen("pause", "--why", "second", "--loop", folder.path).stdout.splitlines()

    assert told[0].endswith(": second")
    assert told[1].startswith("It takes the place of an earlier pause: ")
    assert told[1].endswith(": first")


def test_resuming_says_which_pause_is_over(folder: LoopFolder) -> None:
    kaizen("pause", "--why", "line 2 is rebuilt", "--loop", folder.path)
    told = kaizen("resume", "--why", "it runs again", "--loop", folder.path).stdout.splitlines()

    assert told[0].endswith(": line 2 is rebuilt")
    assert told[1] == "Next: kaizen improve"
    assert folder.loop().state().pause is None


def test_a_loop_that_is_not_paused_cannot_be_resumed(folder: LoopFolder) -> None:
    done = kaizen("resume", "--loop", folder.path)

    assert done.returncode == 1
    assert done.stderr == f"kaizen: {folder.loop().name} is not paused\n"
    assert folder.loop().ledger.read() == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--why", " "), "A pause needs a reason"),
        (("--why", "so", "--until", "soon"), "'soon' is no day; write it as 2027-01-31"),
        (("--why", "so", "--until", "2001-01-31"), "2001-01-31 is past"),
    ],
)
def test_a_pause_that_cannot_be_is_refused_in_a_line(folder: LoopFolder, options: tuple[str, ...], told: str) -> None:
    done = kaizen("pause", *options, "--loop", folder.path)

    assert done.returncode == 1
    assert told in done.stderr
    assert folder.loop().ledger.read() == ()
