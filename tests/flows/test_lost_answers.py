"""Whatever happens to the answer, an iteration has exactly one job: the client's own retries can buy nothing."""

import pytest
from prefect import flow

from cloud import lease
from data_contracts.ledger import TrainingFinished, TrainingIntended, TrainingSubmitted
from data_contracts.policies import TrainingPolicy
from tasks.datasets import freeze_dataset
from tasks.iterations import take_up_iteration
from tasks.loop import Turn, connect
from tasks.training.following import Overdue, follow_training
from tasks.training.training_files import upload_training_files
from tasks.training.training_jobs import submit_training
from tests.foundry_emulator.support import EmulatorProcess, ended
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")

JOBS = "/openai/v1/fine_tuning/jobs"
ASKED_AGAIN = 2


@flow(name="buy")
def buy(folder: str, policy: TrainingPolicy) -> TrainingSubmitted:
    """The part of a turn that buys."""
    loop = connect(folder)
    with lease.held(loop.store, loop.name, "buy") as held:
        taken = take_up_iteration(folder, held.fence, policy)
        assert taken.iteration is not None
        turn = Turn(folder=folder, iteration=taken.iteration, fence=held.fence)
        freeze_dataset(turn, policy)
        return submit_training(turn, upload_training_files(turn, policy), policy)


@pytest.mark.parametrize(
    ("seed", "fault", "intents"),
    [
        pytest.param(1, {"status": 500, "after_work": True}, 1, id="created, then answered 500"),
        pytest.param(2, {"status": 503, "after_work": True}, 1, id="created, then answered 503"),
        pytest.param(3, {"reset": True, "after_work": True}, 1, id="created, then the connection was dropped"),
        pytest.param(4, {"truncate": 20}, 1, id="created, then the answer was cut off"),
        pytest.param(5, {"reset": True}, ASKED_AGAIN, id="never arrived"),
        pytest.param(6, {"status": 500}, ASKED_AGAIN, id="answered 500 without having worked"),
    ],
)
def test_exactly_one_job_exists(
    seed: int, fault: dict[str, object], intents: int, copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    foundry.fault(method="POST", path=JOBS, count=1, **fault)

    submitted = buy(copied.name, TrainingPolicy(smallest_addition=20, settling_minutes=0.02, seed=seed))

    with foundry.client() as client:
        jobs = [each.id for each in client.fine_tuning.jobs.list() if each.seed == seed]
    events = [entry.event for entry in copied.loop().ledger.read()]
    assert jobs == [submitted.job]
    assert sum(isinstance(each, TrainingIntended) for each in events) == intents


TIERS = TrainingPolicy(
    smallest_addition=20, settling_minutes=0.02, training_types=("Developer", "GlobalStandard", "Standard")
)


@pytest.mark.parametrize(
    ("seed", "refusal"),
    [
        pytest.param(11, {"status": 429, "code": "quotaExceeded"}, id="the queue is full"),
        pytest.param(12, {"status": 400, "code": "invalidPayload"}, id="the tier is refused"),
    ],
)
def test_the_next_tier_is_asked_after_a_definite_refusal_with_an_intent_of_its_own(
    seed: int, refusal: dict[str, object], copied: LoopFolder, foundry: EmulatorProcess
) -> None:
    foundry.fault(method="POST", path=JOBS, count=1, **refusal)

    submitted = buy(copied.name, TIERS.model_copy(update={"seed": seed}))

    intents = [each.event for each in copied.loop().ledger.read() if isinstance(each.event, TrainingIntended)]
    assert [each.request.training_type for each in intents] == ["Developer", "GlobalStandard"]
    assert submitted.suffix == intents[1].suffix != intents[0].suffix


def test_after_an_unknown_outcome_no_other_tier_is_asked(copied: LoopFolder, foundry: EmulatorProcess) -> None:
    foundry.fault(method="POST", path=JOBS, count=1, status=500)

    buy(copied.name, TIERS.model_copy(update={"seed": 13}))

    intents = [each.event for each in copied.loop().ledger.read() if isinstance(each.event, TrainingIntended)]
    assert {each.request.training_type for each in intents} == {"Developer"}


@flow(name="follow")
def follow(folder: str, submitted: TrainingSubmitted, policy: TrainingPolicy) -> TrainingFinished | Overdue:
    """The part of a turn that waits for the job."""
    loop = connect(folder)
    with lease.held(loop.store, loop.name, "follow") as held:
        return follow_training(Turn(folder=folder, iteration=1, fence=held.fence), submitted, policy)


def test_a_second_job_does_not_outlive_a_first_one_that_fails(copied: LoopFolder, foundry: EmulatorProcess) -> None:
    policy = TrainingPolicy(smallest_addition=20, settling_minutes=0.02, seed=7)
    submitted = buy(copied.name, policy)
    with foundry.client() as client:
        job = client.fine_tuning.jobs.retrieve(submitted.job)
        extra = client.fine_tuning.jobs.create(
            model=job.model,
            training_file=job.training_file,
            suffix=submitted.suffix,
            extra_body={"trainingType": "GlobalStandard"},
        )
        client.fine_tuning.jobs.cancel(job.id)

        finished = follow(copied.name, submitted, policy)

        assert ended(client, extra.id).status in ("cancelled", "succeeded")  # it may end before it is found
    assert finished.job == submitted.job
    assert {cost.subject for cost in copied.loop().iteration(1).costs} == {job.id, extra.id}
