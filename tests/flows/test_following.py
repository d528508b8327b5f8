"""Following a job: told once, waited for, and handed to a person when it is late."""

import logging

import pytest

from data_contracts.ledger import CostBooked
from data_contracts.policies import TrainingPolicy
from flows.improve_model import Result, improve_model
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


def improved(folder: LoopFolder, *, deadline_hours: float = 72, attempts: int = 1) -> Result:
    policy = TrainingPolicy(
        smallest_addition=20, settling_minutes=0.02, attempts=attempts, deadline_hours=deadline_hours
    )
    return improve_model(folder.name, training=policy)


def faulty(foundry: EmulatorProcess, **fault: object) -> None:
    """Nothing but this fault from now on."""
    foundry.ask("DELETE", "/emulator/faults")
    foundry.fault(**fault)


def test_a_preempted_job_is_waited_for_and_then_handed_to_a_person_without_an_end(
    ready: LoopFolder, foundry: EmulatorProcess, caplog: pytest.LogCaptureFixture
) -> None:
    faulty(foundry, job_preempted=8, count=1)
    with caplog.at_level(logging.INFO):
        late = improved(ready, deadline_hours=0.0005)
        still_late = late.status
        done = improved(ready)
    said = [record.getMessage() for record in caplog.records]
    foundry.ask("DELETE", "/emulator/faults")

    assert (still_late, done.iteration) == ("waits for a person", 1)
    assert "or raise deadline_hours in the training policy; the next run looks at it again" in late.reason
    assert sum("Job preempted" in line for line in said) == 1
    assert ready.loop().state().iterations[0].decided


def test_a_failed_job_closes_the_iteration_with_the_services_reason_and_what_to_do(
    ready: LoopFolder, foundry: EmulatorProcess
) -> None:
    faulty(foundry, job_fails="data_check", count=1)
    result = improved(ready)
    foundry.ask("DELETE", "/emulator/faults")

    booked = [entry.event for entry in ready.loop().ledger.read() if isinstance(entry.event, CostBooked)]
    assert result.status == "training failed"
    assert "failed RAI checks" in result.reason
    assert "it is not billed; find the images that show what is named" in result.reason
    assert [each.usd for each in booked] == [0]


def test_an_outage_while_a_job_is_followed_is_waited_out(ready: LoopFolder, foundry: EmulatorProcess) -> None:
    faulty(foundry, method="GET", path="/openai/v1/fine_tuning/jobs/*", status=503, count=12)
    result = improved(ready)
    foundry.ask("DELETE", "/emulator/faults")

    assert result.iteration == 1
    assert ready.loop().state().iterations[0].decided


def test_the_run_shows_one_progress_that_ends_at_a_hundred_percent(ready: LoopFolder) -> None:
    improved(ready)

    name = ready.loop().name
    shown = [each for each in artifacts_of(name) if each.key == f"{name}-training"]
    assert [each.data for each in shown] == [100]
