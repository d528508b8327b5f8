"""Fine-tuning jobs: each is bought exactly once."""

from collections.abc import Sequence
from datetime import timedelta

from prefect import get_run_logger, task

from cloud.clock import wait
from cloud.errors import CloudError, CloudRefused, CloudUnavailable, LeaseLost, OutcomeUnknown, QueueFull
from data_contracts.ledger import (
    CostBooked,
    TrainingIntended,
    TrainingSubmitted,
)
from data_contracts.policies import TrainingPolicy
from data_contracts.prices import current_prices
from data_contracts.training import JobStatus, TrainingJob, TrainingRequest
from decisions.costs import training_cost
from decisions.loop_state import Iteration
from decisions.training.tiers import tiers_left
from decisions.training.training_plan import hyperparameters
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect
from tasks.pausing import check_may_act, check_not_paused
from tasks.retrying import PATIENTLY
from tasks.training.training_files import TrainingFiles

LISTING_PAUSE = 1.0


@task(**PATIENTLY)
def submit_training(turn: Turn, files: TrainingFiles, policy: TrainingPolicy) -> TrainingSubmitted:
    """Make sure that the job of the iteration's attempt exists exactly once.

    The intent goes into the ledger before the purchase. A job whose purchase was interrupted is found by its
    suffix; only when Azure's list has not shown it for the settling time is it bought again.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.submitted is not None and not iteration.may_be_bought_again(policy.attempts):
        return iteration.submitted
    if iteration.intended is not None and iteration.finished is None:
        found = _settled(loop, turn, policy)
        if found is not None:
            return _submitted(loop, turn, found, found_again=True)
    job = _bought_in_a_tier(loop, turn, files, policy)
    try:
        return _submitted(loop, turn, job, found_again=False)
    except LeaseLost:
        listed = loop.foundry.find_jobs(str(job.suffix))  # may lag; the run that took over looks again at its end
        if listed and listed[0].id != job.id:
            loop.foundry.cancel(job.id)
        raise


def _request(loop: Loop, iteration: Iteration, policy: TrainingPolicy) -> TrainingRequest:
    finished = iteration.finished
    intended = iteration.intended
    attempt = finished.attempt + 1 if finished else intended.request.attempt if intended else 1
    assert iteration.dataset is not None
    return TrainingRequest(
        loop=loop.name,
        model=iteration.opened.parent,
        dataset=iteration.dataset.dataset,
        contract=loop.contract.digest,
        prompt=loop.prompt,
        detail=policy.detail,
        training_type=intended.request.training_type if intended and not finished else policy.training_type,
        hyperparameters=hyperparameters(policy, iteration.opened.mode or "restart", _rate_of_restart(loop, iteration)),
        seed=policy.seed,
        attempt=attempt,
        augmentation=policy.augmentation if policy.augmentation.copies else None,
        largest_repeat=policy.largest_repeat if policy.balance == "repeat" else 1,
    )


def _bought_in_a_tier(loop: Loop, turn: Turn, files: TrainingFiles, policy: TrainingPolicy) -> TrainingJob:
    """The job, bought in the first tier that takes it; the next is asked only where one surely did not."""
    loop.foundry.check_account()
    request = _request(loop, loop.iteration(turn.iteration), policy)
    tiers = tiers_left(policy.training_types, request.training_type)
    for tier in tiers:
        try:
            return _bought(loop, turn, request.model_copy(update={"training_type": tier}), files, policy)
        except _NotTaken as refusal:
            if tier == tiers[-1]:
                raise refusal.why from refusal
            get_run_logger().warning("The tier %s did not take the job: %s", tier, refusal.why)
    raise AssertionError("a policy has at least one tier")


class _NotTaken(Exception):
    """The service surely did not buy the job."""

    def __init__(self, why: CloudError) -> None:
        super().__init__(str(why))
        self.why = why


def _rate_of_restart(loop: Loop, iteration: Iteration) -> float | None:
    """The learning rate multiplier with which the parent's chain began, as the service reported it."""
    made = loop.state().lineage(iteration.opened.parent)
    finished = made[0].finished if made else None
    return finished.hyperparameters.learning_rate_multiplier if finished else None


def _bought(
    loop: Loop, turn: Turn, request: TrainingRequest, files: TrainingFiles, policy: TrainingPolicy
) -> TrainingJob:
    """The job, submitted once per intent; a lost answer is looked for before anything is submitted again."""
    for _ in range(policy.attempts):
        check_not_paused(loop)
        loop.record(turn, _intent(request, files))
        check_may_act(loop, turn.fence)
        known = the_older(loop, turn, loop.foundry.find_jobs(request.suffix))
        if known is not None:
            return known
        try:
            return loop.foundry.submit(request, files.training, files.validation)
        except (CloudRefused, QueueFull) as error:
            raise _NotTaken(error) from error
        except OutcomeUnknown as error:
            get_run_logger().warning("%s; looking whether the job exists", error)
            found = _settled(loop, turn, policy)
            if found is not None:
                return found
    raise CloudUnavailable(f"Azure lost the answer to {request.suffix} {policy.attempts} times and has no such job")


def _intent(request: TrainingRequest, files: TrainingFiles) -> TrainingIntended:
    return TrainingIntended(
        suffix=request.suffix,
        request=request,
        training_file=files.training,
        validation_file=files.validation,
        examples=files.examples,
        sent=files.sent,
        exact_tokens=files.exact_tokens,
    )


def _settled(loop: Loop, turn: Turn, policy: TrainingPolicy) -> TrainingJob | None:
    """The job of the latest intent, or None once Azure's list has not shown it for the settling time."""
    iteration = loop.iteration(turn.iteration)
    assert iteration.intended is not None
    # Counted from now: between the intent and the purchase may lie minutes of slow answers.
    over = loop.now() + timedelta(minutes=policy.settling_minutes)
    while True:
        late = loop.now() >= over
        jobs = loop.foundry.find_jobs(iteration.intended.suffix)
        if jobs:
            return the_older(loop, turn, jobs)
        if late:
            return None
        wait(LISTING_PAUSE)


def _submitted(loop: Loop, turn: Turn, job: TrainingJob, *, found_again: bool) -> TrainingSubmitted:
    intended = loop.iteration(turn.iteration).intended
    assert intended is not None
    submitted = TrainingSubmitted(suffix=intended.suffix, job=job.id, found=found_again)
    loop.record(turn, submitted)
    return submitted


def the_older(loop: Loop, turn: Turn, jobs: Sequence[TrainingJob]) -> TrainingJob | None:
    """The oldest of *jobs* that did not fail; the others are cancelled and booked."""
    fruitless = (JobStatus.FAILED, JobStatus.CANCELLED)
    kept = min(jobs, key=lambda job: (job.status in fruitless, job.created_at, job.id), default=None)
    if kept is not None:
        cancel_others(loop, turn, jobs, kept.id)
    return kept


def cancel_others(loop: Loop, turn: Turn, jobs: Sequence[TrainingJob], kept: str) -> None:
    """Cancel and book all *jobs* but the one *kept*, by id: they were bought by mistake."""
    for extra in (job for job in jobs if job.id != kept):
        get_run_logger().warning("%s was bought twice; cancelling %s", extra.suffix, extra.id)
        if extra.status is JobStatus.UNDER_WAY:
            loop.foundry.cancel(extra.id)
        book_training(loop, turn, loop.foundry.job(extra.id))


def book_training(loop: Loop, turn: Turn, job: TrainingJob) -> None:
    """Book what the job cost in the tier in which it was intended, once."""
    intended = loop.iteration(turn.iteration).intended
    assert intended is not None
    training_type = intended.request.training_type
    prices = current_prices()
    tokens = job.trained_tokens or 0
    basis = f"{tokens:,} trained tokens, {training_type}, prices of {prices.as_of}"
    usd = training_cost(tokens, training_type, prices)
    book(loop, turn, CostBooked(what="training", subject=job.id, usd=usd, basis=basis))
