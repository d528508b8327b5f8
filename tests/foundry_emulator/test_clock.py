"""The emulator's clock: read, set forward, run faster."""

import math
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.support import DAY, EmulatorProcess, running


@pytest.fixture
def process(tmp_path: Path) -> Iterator[EmulatorProcess]:
    with running(tmp_path) as started:
        yield started


def read(process: EmulatorProcess) -> float:
    return datetime.fromisoformat(process.clock()["now"]).timestamp()


def test_it_is_set_forward_by_days(process: EmulatorProcess) -> None:
    process.forward(40 * DAY)

    assert read(process) - time.time() == pytest.approx(40 * DAY, abs=10)


def test_it_is_set_to_a_moment(process: EmulatorProcess) -> None:
    assert process.set_clock("2031-01-01T00:00:00Z")["now"].startswith("2031-01-01T00:00:0")


def test_a_moment_without_a_time_zone_is_utc(process: EmulatorProcess) -> None:
    assert process.set_clock("2031-01-01T00:00:00")["now"].startswith("2031-01-01T00:00:0")


def test_it_runs_faster(process: EmulatorProcess) -> None:
    process.run(100_000)
    before, started = read(process), time.time()
    time.sleep(0.2)
    gone = read(process) - before

    assert gone / (time.time() - started) == pytest.approx(100_000, rel=0.2)


def test_a_setting_survives_the_process_being_killed(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path)
    killed.ask("PUT", "/emulator/clock", {"forward_seconds": 10 * DAY, "rate": 2})
    killed.kill()
    with running(tmp_path) as restarted:
        assert restarted.clock()["rate"] == 2
        assert read(restarted) - time.time() == pytest.approx(10 * DAY, abs=60)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"now": "2001-01-01T00:00:00Z"}, "cannot be set back"),
        ({"forward_seconds": -1}, "cannot be set back"),
        ({"forward_seconds": "10"}, "must be a number"),
        ({"forward_seconds": math.inf}, "not valid JSON"),
        ({"rate": math.nan}, "not valid JSON"),
        ({"forward_seconds": 10**400}, "must be a number"),
        ({"forward_seconds": 1e15}, "after the year 9999"),
        ({"rate": 0}, "rate must be above 0"),
        ({"rate": 1e12}, "rate must be above 0"),
        ({"rate": True}, "must be a number"),
        ({"now": "tomorrow"}, "ISO 8601"),
        ({"now": 5}, "ISO 8601"),
        ({"now": "2031-01-01T00:00:00Z", "forward_seconds": 1}, "Give the clock"),
        ({"later": 1}, "Give the clock"),
        ({}, "Give the clock"),
        ([1], "JSON object"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(process: EmulatorProcess, setting: object, told: str) -> None:
    with pytest.raises(ControlRefused, match=f": 400: .*{told}"):
        process.ask("PUT", "/emulator/clock", setting)

    assert abs(read(process) - time.time()) < 10
