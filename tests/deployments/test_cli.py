"""The command line's manners: one line for what is wrong, and an exit code."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cloud.clock import system_time
from cloud.folder_store import FolderStore
from cloud.ledger import Authorship, Ledger
from data_contracts.ledger import Actor, CostBooked
from deployments.cli import cli
from tests.support.commands import kaizen
from tests.support.loops import LoopFolder


def complaint(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and the one line on standard error; nothing may be on standard output."""
    done = kaizen(*arguments)
    assert done.stdout == ""
    return done.returncode, done.stderr.rstrip("\n")


@pytest.fixture
def written(tmp_path: Path) -> LoopFolder:
    """A loop with three entries in its ledger."""
    folder = LoopFolder.make(tmp_path / "loop")
    loop = folder.loop()
    author = Authorship(Actor(name="test", established="command line"), "c" * 64, "d" * 64)
    for number in range(3):
        cost = CostBooked(what="training", subject=f"job-{number}", usd=1.5, basis="a test")
        Ledger(loop.store, loop.name, system_time).write(author, None, cost)
    return folder


def commands(group: click.Group = cli, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command by its words, those of groups too."""
    found = []
    for name, command in group.commands.items():
        words = (*above, name)
        found += commands(command, words) if isinstance(command, click.Group) else [words]
    return found


def test_help_lists_the_commands() -> None:
    done = kaizen("--help")

    assert done.returncode == 0
    assert {"init", "ingest", "forget", "contract"} <= cli.commands.keys()
    assert [name for name in cli.commands if f"  {name} " not in done.stdout] == []


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_help_shows_an_example(words: tuple[str, ...]) -> None:
    done = kaizen(*words, "--help")

    assert done.returncode == 0
    assert f"Example: kaizen {' '.join(words)}" in " ".join(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom deployments.cli import cli\ncli.main(['--help'], standalone_mode=False)\n"
    heavy = "prefect great_expectations pandas numpy sklearn openai azure pydantic evidently PIL matplotlib"
    check = f"print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("imporve", "No such command 'imporve'. Did you mean 'improve'? See kaizen --help"),
        ("compare 1 x", "Invalid value for 'SECOND': 'x' is not a valid whole number. See kaizen compare --help"),
        ("compare 1", "Missing argument 'SECOND'. See kaizen compare --help"),
        ("evidence 0", "Invalid value for 'ITERATION': 0 is not in the range x>=1. See kaizen evidence --help"),
        ("approve 1 --why so --yes --no", "say --yes or --no, not both. See kaizen approve --help"),
        ("approve 1 --yes --no", "Missing option '--why'. See kaizen approve --help"),
        ("up --webhook-port x", "Invalid value for '--webhook-port': 'x' is not a valid whole number. See kaizen up"),
        ("plan --xyzzy", "No such option '--xyzzy'. See kaizen plan --help"),
        ("ledger log x", "Got unexpected extra argument (x). See kaizen ledger log --help"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments: str, told: str) -> None:
    code, said = complaint(*arguments.split())

    assert code == 2
    assert said.startswith(f"kaizen: {told}")
    assert "\n" not in said


@pytest.mark.parametrize("words", [(), ("contract",), ("ledger",)])
def test_without_a_command_the_help_is_shown(words: tuple[str, ...]) -> None:
    done = kaizen(*words)

    assert done.returncode == 2
    assert f"Usage: {' '.join(('kaizen', *words))} [OPTIONS] COMMAND" in done.stderr


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"

    assert complaint("demo", "--folder", tmp_path / "demo", "--images", missing) == (
        1,
        f"kaizen: There is no folder {missing}",
    )


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "crazing").mkdir(parents=True)
    (tmp_path / "pictures" / "crazing" / "notes.txt").write_text("none yet")
    code, said = complaint("demo", "--folder", tmp_path / "demo", "--images", tmp_path / "pictures")

    assert code == 1
    assert said == (
        f"kaizen: {tmp_path / 'pictures'} has no images in class folders; it needs CLASS/FILE.jpg for each class"
    )


def test_a_class_with_too_few_images_says_how_many_are_needed(tmp_path: Path, images: Path) -> None:
    pictures = tmp_path / "pictures"
    for kind, count in (("crazing", 25), ("scratches", 3)):
        (pictures / kind).mkdir(parents=True)
        for file in sorted((images / kind).iterdir())[:count]:
            (pictures / kind / file.name).write_bytes(file.read_bytes())
    code, said = complaint("demo", "--folder", tmp_path / "demo", "--images", pictures)

    assert code == 1
    assert said == f"kaizen: Each class in {pictures} needs at least 20 images; scratches has 3"
    assert not (tmp_path / "demo" / "store").exists()


def test_settings_that_cannot_be_read_are_named(tmp_path: Path, images: Path) -> None:
    (tmp_path / "kaizen.toml").write_text("loop = \n")
    code, said = complaint("demo", "--folder", tmp_path, "--images", images)

    assert code == 1
    assert said.startswith(f"kaizen: {tmp_path / 'kaizen.toml'} cannot be read: Invalid value")
    assert "\n" not in said


def test_a_busy_port_is_named(tmp_path: Path, images: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = kaizen("demo", "--folder", tmp_path, "--images", images, "--prefect-port", str(port))

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"kaizen: Port {port} cannot be used")


def test_a_place_that_is_no_folder_is_named(tmp_path: Path, images: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = complaint("demo", "--folder", tmp_path / "file", "--images", images)

    assert code == 1
    assert said.startswith("kaizen: ")
    assert "Traceback" not in said


def test_the_ledger_is_printed_and_verified(written: LoopFolder) -> None:
    log = kaizen("ledger", "log", "--loop", written.path).stdout.splitlines()
    verified = json.loads(kaizen("ledger", "verify", "--json", "--loop", written.path).stdout)

    assert len(log) == verified["entries"] == 3
    assert "cost booked" in log[1]
    assert "subject=job-1" in log[1]


def test_a_changed_ledger_fails_verification(written: LoopFolder) -> None:
    loop = written.loop()
    path = f"ledger/{loop.name}/00000001.json"
    assert isinstance(loop.store, FolderStore)
    loop.store.put(path, loop.store.get(path).content.replace(b"1.5", b"0.5"))

    code, said = complaint("ledger", "verify", "--loop", written.path)

    assert code == 1
    assert "Entry 2 does not follow" in said


def test_a_cut_off_tail_is_found_with_its_head(written: LoopFolder) -> None:
    head = json.loads(kaizen("ledger", "verify", "--json", "--loop", written.path).stdout)["head"]
    loop = written.loop()
    loop.store.delete(f"ledger/{loop.name}/00000002.json")

    assert kaizen("ledger", "verify", "--loop", written.path).returncode == 0
    assert complaint("ledger", "verify", "--head", head, "--loop", written.path)[0] == 1


def test_answering_where_nothing_is_asked_is_refused(written: LoopFolder) -> None:
    code, said = complaint("approve", "1", "--yes", "--why", "because", "--loop", written.path)

    assert code == 1
    assert said.startswith("kaizen: There is no iteration 1 of")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("9", "--yes", "--why", "because"), "There is no iteration 9"),
        (("1", "--yes", "--why", " "), "An answer needs a reason"),
        (("1", "--yes", "--why", "because", "--until", "soon"), "'soon' is no day; write it as 2027-01-31"),
        (("1", "--yes", "--why", "because", "--until", "2001-01-31"), "2001-01-31 is past"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_a_line(
    written: LoopFolder, options: tuple[str, ...], told: str
) -> None:
    code, said = complaint("approve", *options, "--loop", written.path)

    assert code == 1
    assert told in said


def test_an_answer_is_yes_or_no(written: LoopFolder) -> None:
    code, said = complaint("approve", "1", "--why", "because", "--loop", written.path)

    assert code == 2
    assert "say --yes or --no" in said


def test_there_is_no_evidence_of_an_iteration_that_never_was(written: LoopFolder) -> None:
    code, said = complaint("evidence", "7", "--loop", written.path)

    assert code == 1
    assert "There is no iteration 7" in said


def test_a_folder_is_checked_without_changing_anything(images: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in images.rglob("*") if file.is_file()}
    told = json.loads(kaizen("check-images", images, "--json").stdout)

    assert told["images"] == told["accepted"] + len(told["duplicates"]) == len(before)
    assert sum(each["count"] for each in told["classes"]) == told["accepted"]
    assert {file: file.read_bytes() for file in images.rglob("*") if file.is_file()} == before


def test_leaks_between_split_folders_are_named(images: Path, tmp_path: Path) -> None:
    for number, file in enumerate(sorted(images.glob("*/*"))):
        for side in ("train", "test") if number == 0 else ("train",):
            place = tmp_path / side / file.parent.name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    told = json.loads(kaizen("check-images", tmp_path, "--json").stdout)

    assert [leak["kind"] for leak in told["leaks"]] == ["exact"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "kaizen: There is no folder nowhere"),
        (["."], "kaizen: . has no files; it needs CLASS/FILE.jpg for each class"),
        ([".", "--contract", "none.yaml"], "kaizen: . has no files; it needs CLASS/FILE.jpg for each class"),
    ],
)
def test_a_folder_that_cannot_be_checked_is_told(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert complaint("check-images", *arguments) == (1, said)


def test_a_loop_or_contract_that_is_not_there_is_told(images: Path, tmp_path: Path) -> None:
    assert complaint("check-images", images, "--contract", tmp_path / "no.yaml")[0] == 1
    assert complaint("check-images", images, "--against", tmp_path) == (
        1,
        f"kaizen: {tmp_path} is no loop: it has no kaizen.toml",
    )
