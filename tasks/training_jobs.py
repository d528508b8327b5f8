"""Fine-tuning jobs: each is bought exactly once."""

from collections.abc import Sequence
from datetime import timedelta

from prefect import get_run_logger, task

from cloud import lease
from cloud.clock import wait
from cloud.errors import CloudUnavailable, LeaseLost, OutcomeUnknown
from data_contracts.ledger import (
    CostBooked,
    TrainingIntended,
    TrainingSubmitted,
)
from data_contracts.policies import TrainingPolicy
from data_contracts.prices import current_prices
from data_contracts.training import Hyperparameters, JobStatus, TrainingJob, TrainingRequest
from decisions.costs import training_cost
from decisions.loop_state import Iteration
from tasks.iterations import book
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.training_files import TrainingFiles

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
LISTING_PAUSE = 1.0


@task(**PATIENTLY)
def submit_training(turn: Turn, files: TrainingFiles, policy: TrainingPolicy) -> TrainingSubmitted:
    """Make sure that the job of the iteration's attempt exists exactly once.

    The intent goes into the ledger before the purchase. A job whose purchase was interrupted is found by its
    suffix; only when Azure's list has not shown it for the settling time is it bought again.
    """
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.submitted is not None and not _another_attempt(iteration, policy):
        return iteration.submitted
    if iteration.intended is not None and iteration.finished is None:
        found = _settled(loop, turn, policy)
        if found is not None:
            return _submitted(loop, turn, found, found_again=True)
    job = _bought(loop, turn, _request(loop, iteration, policy), files, policy)
    try:
        return _submitted(loop, turn, job, found_again=False)
    except LeaseLost:
        listed = loop.foundry.find_jobs(str(job.suffix))  # may lag; the run that took over looks again at its end
        if listed and listed[0].id != job.id:
            loop.foundry.cancel(job.id)
        raise


def _another_attempt(iteration: Iteration, policy: TrainingPolicy) -> bool:
    finished = iteration.finished
    return finished is not None and finished.status is not JobStatus.SUCCEEDED and finished.attempt < policy.attempts


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
        training_type=policy.training_type,
        hyperparameters=Hyperparameters(
            n_epochs=policy.n_epochs,
            batch_size=policy.batch_size,
            learning_rate_multiplier=policy.learning_rate_multiplier,
        ),
        seed=policy.seed,
        attempt=attempt,
        augmentation=policy.augmentation if policy.augmentation.copies else None,
        largest_repeat=policy.largest_repeat if policy.balance == "repeat" else 1,
    )


def _bought(
    loop: Loop, turn: Turn, request: TrainingRequest, files: TrainingFiles, policy: TrainingPolicy
) -> TrainingJob:
    """The job, submitted once per intent; a lost answer is looked for before anything is submitted again."""
    loop.foundry.check_account()
    for _ in range(policy.attempts):
        loop.record(turn, _intent(request, files))
        lease.check(loop.store, loop.name, turn.fence)
        known = the_older(loop, turn, loop.foundry.find_jobs(request.suffix), policy)
        if known is not None:
            return known
        try:
            return loop.foundry.submit(request, files.training, files.validation)
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
    """The job of the latest intent, or None once the settling time since that intent is over."""
    iteration = loop.iteration(turn.iteration)
    assert iteration.intended is not None
    assert iteration.intended_at is not None
    over = iteration.intended_at + timedelta(minutes=policy.settling_minutes)
    while True:
        late = loop.now() >= over
        jobs = loop.foundry.find_jobs(iteration.intended.suffix)
        if jobs:
            return the_older(loop, turn, jobs, policy)
        if late:
            return None
        wait(LISTING_PAUSE)


def _submitted(loop: Loop, turn: Turn, job: TrainingJob, *, found_again: bool) -> TrainingSubmitted:
    intended = loop.iteration(turn.iteration).intended
    assert intended is not None
    submitted = TrainingSubmitted(suffix=intended.suffix, job=job.id, found=found_again)
    loop.record(turn, submitted)
    return submitted


def the_older(loop: Loop, turn: Turn, jobs: Sequence[TrainingJob], policy: TrainingPolicy) -> TrainingJob | None:
    """The oldest of *jobs*; the others were bought by mistake and are cancelled and booked."""
    for extra in jobs[1:]:
        get_run_logger().warning("%s was bought twice; cancelling %s", extra.suffix, extra.id)
        if extra.status is JobStatus.UNDER_WAY:
            loop.foundry.cancel(extra.id)
        book_training(loop, turn, loop.foundry.job(extra.id), policy.training_type)
    return jobs[0] if jobs else None


def book_training(loop: Loop, turn: Turn, job: TrainingJob, training_type: str) -> None:
    prices = current_prices()
    tokens = job.trained_tokens or 0
    basis = f"{tokens:,} trained tokens, {training_type}, prices of {prices.as_of}"
    usd = training_cost(tokens, training_type, prices)
    book(loop, turn, CostBooked(what="training", subject=job.id, usd=usd, basis=basis))
