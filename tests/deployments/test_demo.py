"""`kaizen demo` from outside: the whole journey, run again, interrupted and killed."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.folder_store import FolderStore
from deployments.demo_loop import SETTINGS
from tests.support.commands import KAIZEN, clean_environment, kaizen
from tests.support.loops import images_to_learn_from

PATIENCE_SECONDS = 120
FIELDS = {
    *("number", "dataset", "parent", "model", "base_accuracy", "champion_accuracy", "challenger_accuracy"),
    *("interval", "wins", "losses", "verdict", "reason", "cost"),
}


def kinds(folder: Path) -> list[str]:
    """The kinds of the ledger's entries so far."""
    store = FolderStore(folder / "store")
    return [json.loads(store.get(path).content)["event"]["kind"] for path in store.list("ledger/demo/")]


def still_running(folder: Path) -> list[str]:
    """Which of the servers that a demo started are alive."""
    alive = []
    for file in folder.glob("*.pid"):
        try:
            os.kill(int(file.read_text()), 0)
        except ProcessLookupError:
            continue
        alive.append(file.stem)
    return alive


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def started(folder: Path, images: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([*KAIZEN, "demo", "--folder", folder, "--images", images], env=clean_environment())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of which some are delivered later."""
    return images_to_learn_from(tmp_path_factory.mktemp("pictures"), 50)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a demo that ran through, and what it printed with --json."""
    folder = tmp_path_factory.mktemp("demo")
    done = kaizen("demo", "--folder", folder, "--images", pictures, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_two_iterations_are_reported_with_all_their_figures(journey: tuple[Path, dict[str, Any]]) -> None:
    _, summary = journey
    first, second = summary["iterations"]

    assert first.keys() >= FIELDS
    assert first["base_accuracy"] < 0.45 < first["challenger_accuracy"] < second["challenger_accuracy"]
    assert second["parent"] == first["model"]
    assert second["champion_accuracy"] == first["challenger_accuracy"]
    assert second["interval"][0] < second["challenger_accuracy"] <= second["interval"][1]
    assert second["cost"] > first["cost"] > 0


def test_the_ledger_holds_and_the_report_is_one_page(journey: tuple[Path, dict[str, Any]]) -> None:
    _, summary = journey
    report = Path(summary["report"]).read_text("utf-8")

    assert summary["ledger_ok"] is True
    assert report.count('<img src="data:image/png;base64,') == 6
    assert 'src="http' not in report


def test_a_demo_leaves_no_server_behind(journey: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = journey

    assert len(list(folder.glob("*.pid"))) == 2
    assert still_running(folder) == []


@pytest.mark.slow
def test_run_again_it_learns_only_from_new_images(
    journey: tuple[Path, dict[str, Any]], pictures: Path, tmp_path: Path
) -> None:
    folder, before = journey
    again = kaizen("demo", "--folder", folder, "--images", pictures, "--json")
    more = tmp_path / "more"
    shutil.copytree(pictures, more)
    images_to_learn_from(more, 75)
    third = kaizen("demo", "--folder", folder, "--images", more, "--json")

    assert again.returncode == 0
    assert "Nothing new to learn from: 0 new training images; the policy asks for 10" in again.stderr
    assert json.loads(again.stdout)["iterations"] == before["iterations"]
    assert len(json.loads(third.stdout)["iterations"]) == 3


@pytest.fixture
def slow_learner(tmp_path: Path) -> Path:
    """A demo's folder whose training takes long enough to be interrupted."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "kaizen.toml").write_text(SETTINGS.replace("n_epochs = 5", "n_epochs = 10\nbatch_size = 1"))
    return folder


@pytest.mark.slow
def test_killed_in_the_middle_of_training_it_continues_with_the_same_job(slow_learner: Path, pictures: Path) -> None:
    killed = started(slow_learner, pictures)
    wait_for(lambda: emulator_of(slow_learner) is not None)
    hold_back_the_end_of_training(str(emulator_of(slow_learner)))
    wait_for(lambda: "training submitted" in kinds(slow_learner))
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert "training finished" not in kinds(slow_learner)
    wait_for(lambda: still_running(slow_learner) == [])

    done = kaizen("demo", "--folder", slow_learner, "--images", pictures, "--json")

    assert done.returncode == 0, done.stderr
    seen = kinds(slow_learner)
    assert len(json.loads(done.stdout)["iterations"]) == 2
    assert seen.count("training intended") == seen.count("training submitted") == 2
    assert jobs_of_emulator(slow_learner) == 2


def emulator_of(folder: Path) -> str | None:
    """The address of the demo's emulator, None while it is not up."""
    log = folder / "emulator.log"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return next((str(json.loads(line)["address"]) for line in lines if line.startswith("{")), None)


def hold_back_the_end_of_training(emulator: str) -> None:
    """Let the first look at a job take so long that the demo cannot see it end before it is killed."""
    fault = {"method": "GET", "path": "/openai/v1/fine_tuning/jobs/ftjob-*", "slow": 10, "count": 1}
    httpx.post(f"{emulator}/emulator/faults", json=fault).raise_for_status()


def jobs_of_emulator(folder: Path) -> int:
    """How many jobs the demo's emulator has, asked through the official client."""
    from tests.foundry_emulator.support import running

    with running(folder / "emulator") as emulator, emulator.client() as client:
        return len(list(client.fine_tuning.jobs.list()))


@pytest.mark.slow
def test_interrupted_by_the_keyboard_it_says_so_and_cleans_up(tmp_path: Path, pictures: Path) -> None:
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [*KAIZEN, "demo", "--folder", folder, "--images", pictures],
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: "iteration opened" in kinds(folder))
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "kaizen: stopped; the same command continues where this one was"
    assert "Traceback" not in said
    assert still_running(folder) == []


@pytest.mark.slow
def test_the_drawn_images_make_two_champions_without_a_person(tmp_path: Path) -> None:
    done = kaizen("demo", "--folder", tmp_path / "demo", "--json")
    first, second = json.loads(done.stdout)["iterations"]

    assert first["held_out"] >= 200
    assert [first["verdict"], second["verdict"]] == ["PROMOTE", "PROMOTE"]
    assert first["base_accuracy"] < 0.35
    assert second["challenger_accuracy"] > first["challenger_accuracy"] + 0.05


@pytest.mark.slow
def test_real_photographs_make_a_second_champion_above_nine_in_ten(tmp_path: Path) -> None:
    photographs = os.environ.get("KAIZEN_TEST_IMAGES")
    if photographs is None:
        pytest.skip("set KAIZEN_TEST_IMAGES to a folder of class folders with some 900 photographs")
    done = kaizen("demo", "--folder", tmp_path / "demo", "--images", photographs, "--json")
    first, second = json.loads(done.stdout)["iterations"]

    assert first["base_accuracy"] < 0.35
    assert [first["outcome"], second["outcome"]] == ["promoted", "promoted"]
    assert second["challenger_accuracy"] > 0.9
