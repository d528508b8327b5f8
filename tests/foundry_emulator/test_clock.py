"""The emulator's clock: read, set forward, run faster."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.foundry_emulator.support import EmulatorProcess, running

DAY = 86_400


@pytest.fixture
def process(tmp_path: Path) -> Iterator[EmulatorProcess]:
    with running(tmp_path) as started:
        yield started


def read(process: EmulatorProcess) -> float:
    with urllib.request.urlopen(f"{process.address}/emulator/clock") as answer:
        return datetime.fromisoformat(json.load(answer)["now"]).timestamp()


def put(process: EmulatorProcess, content: bytes) -> dict[str, Any]:
    request = urllib.request.Request(f"{process.address}/emulator/clock", data=content, method="PUT")
    with urllib.request.urlopen(request) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def turn(process: EmulatorProcess, **setting: object) -> dict[str, Any]:
    return put(process, json.dumps(setting).encode())


def test_it_is_set_forward_by_days(process: EmulatorProcess) -> None:
    turn(process, forward_seconds=40 * DAY)

    assert read(process) - time.time() == pytest.approx(40 * DAY, abs=10)


def test_it_is_set_to_a_moment(process: EmulatorProcess) -> None:
    assert turn(process, now="2031-01-01T00:00:00Z")["now"].startswith("2031-01-01T00:00:0")


def test_a_moment_without_a_time_zone_is_utc(process: EmulatorProcess) -> None:
    assert turn(process, now="2031-01-01T00:00:00")["now"].startswith("2031-01-01T00:00:0")


def test_it_runs_faster(process: EmulatorProcess) -> None:
    turn(process, rate=100_000)
    before, started = read(process), time.time()
    time.sleep(0.2)
    gone = read(process) - before

    assert gone / (time.time() - started) == pytest.approx(100_000, rel=0.2)


def test_a_setting_survives_the_process_being_killed(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path)
    turn(killed, forward_seconds=10 * DAY, rate=2)
    killed.kill()
    with running(tmp_path) as restarted:
        with urllib.request.urlopen(f"{restarted.address}/emulator/clock") as answer:
            told = json.load(answer)

        assert told["rate"] == 2
        assert read(restarted) - time.time() == pytest.approx(10 * DAY, abs=60)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"now": "2001-01-01T00:00:00Z"}', "cannot be set back"),
        (b'{"forward_seconds": -1}', "cannot be set back"),
        (b'{"forward_seconds": "10"}', "must be a number"),
        (b'{"forward_seconds": 1e400}', "must be a number"),
        (b'{"forward_seconds": 1' + b"0" * 400 + b"}", "must be a number"),
        (b'{"rate": NaN}', "not valid JSON"),
        (b'{"forward_seconds": 1e15}', "after the year 9999"),
        (b'{"rate": 0}', "rate must be above 0"),
        (b'{"rate": 1e12}', "rate must be above 0"),
        (b'{"rate": true}', "must be a number"),
        (b'{"now": "tomorrow"}', "ISO 8601"),
        (b'{"now": 5}', "ISO 8601"),
        (b'{"now": "2031-01-01T00:00:00Z", "forward_seconds": 1}', "Give the clock"),
        (b'{"later": 1}', "Give the clock"),
        (b"{}", "Give the clock"),
        (b"[1]", "JSON object"),
        (b"{", "not valid JSON"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(process: EmulatorProcess, content: bytes, told: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        put(process, content)

    assert refused.value.code == 400
    assert told in json.load(refused.value)["error"]["message"]
    assert abs(read(process) - time.time()) < 10
