"""What befalls a job is decided once and kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundry_emulator.controls.faults import SCHEMA, Faults
from foundry_emulator.state import State

FACTS = {"account": ("local",), "model": ("gpt-4o-2024-08-06",), "suffix": ("mine",), "training_file": ("file-1",)}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path)
    opened.define(SCHEMA)
    yield opened
    opened.close()


def test_a_job_that_runs_again_meets_the_same_fate_though_the_fault_is_gone(state: State) -> None:
    faults = Faults(state)
    faults.add([{"suffix": "mine", "people_share": 0.25, "count": 1}])
    first = faults.fate("ftjob-1", FACTS, "people_share")
    faults.remove_all()
    again = Faults(state).fate("ftjob-1", FACTS, "people_share")

    assert first is not None
    assert again is not None
    assert first.value == again.value == 0.25
    assert faults.fate("ftjob-2", FACTS, "people_share") is None


def test_a_fault_looks_at_a_job_once(state: State) -> None:
    faults = Faults(state)
    faults.add([{"suffix": "mine", "job_fails": "data_check", "after": 1}])
    looks = [faults.fate("ftjob-1", FACTS, "job_fails", "data_check") for _ in range(3)]

    assert looks == [None, None, None]
    assert faults.fate("ftjob-2", FACTS, "job_fails", "data_check") is not None


def test_a_job_is_preempted_once_by_each_fault(state: State) -> None:
    faults = Faults(state)
    faults.add([{"job_preempted": 60}, {"job_preempted": 120, "at_step": 5}])
    felt = [faults.preemption("ftjob-1", FACTS, faults.preempting(step)) for step in (1, 2, 5, 6)]

    assert [fault.value if fault else None for fault in felt] == [60, None, 120, None]


def test_another_suffix_is_left_alone(state: State) -> None:
    faults = Faults(state)
    faults.add([{"suffix": "theirs", "job_fails": "data_check"}])

    assert faults.fate("ftjob-1", FACTS, "job_fails", "data_check") is None
