"""Fine-tuning: bought exactly once, followed to its end, one checkpoint chosen."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect import get_run_logger, task

from cloud import lease
from cloud.clock import wait
from cloud.errors import CloudRefused, CloudUnavailable, LeaseLost, OutcomeUnknown, TrainingFailed
from data_contracts.ledger import (
    CheckpointChosen,
    CostBooked,
    TrainingFinished,
    TrainingIntended,
    TrainingSubmitted,
)
from data_contracts.policies import TrainingPolicy
from data_contracts.prices import current_prices
from data_contracts.training import Hyperparameters, JobStatus, TrainingJob, TrainingRequest
from decisions.checkpoints import choose_checkpoint
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


@task(**PATIENTLY)
def follow_training(turn: Turn, submitted: TrainingSubmitted, policy: TrainingPolicy) -> TrainingFinished:
    """Wait for the job to end, repeating in the run's log what it says; book what it cost."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.finished is not None and iteration.finished.job == submitted.job:
        return iteration.finished
    begun = iteration.submitted_at or loop.now()
    job = _ended(loop, submitted.job, begun + timedelta(hours=policy.deadline_hours))
    _the_older(loop, turn, loop.foundry.find_jobs(submitted.suffix), policy)
    _book_training(loop, turn, job, policy.training_type)
    for file in job.result_files:
        loop.store.put(loop.iteration_path(turn.iteration, "results.csv"), loop.foundry.content(file))
    finished = _finished(job, iteration)
    loop.record(turn, finished)
    return finished


@task(**PATIENTLY)
def choose_best_checkpoint(turn: Turn, job: str) -> CheckpointChosen:
    """Pick the one checkpoint of the job that goes to the gate."""
    loop = connect(turn.folder)
    chosen = loop.iteration(turn.iteration).checkpoint
    if chosen is not None:
        return chosen
    checkpoints = loop.foundry.checkpoints(job)
    if not checkpoints:
        raise TrainingFailed(f"{job} succeeded but left no checkpoint to deploy")
    choice = choose_checkpoint(checkpoints)
    get_run_logger().info("Checkpoint chosen: %s", choice.reason)
    chosen = CheckpointChosen(checkpoint=choice.checkpoint, reason=choice.reason, flags=choice.flags)
    loop.record(turn, chosen)
    return chosen


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
    )


def _bought(
    loop: Loop, turn: Turn, request: TrainingRequest, files: TrainingFiles, policy: TrainingPolicy
) -> TrainingJob:
    """The job, submitted once per intent; a lost answer is looked for before anything is submitted again."""
    loop.foundry.check_account()
    for _ in range(policy.attempts):
        loop.record(turn, _intent(request, files))
        lease.check(loop.store, loop.name, turn.fence)
        known = _the_older(loop, turn, loop.foundry.find_jobs(request.suffix), policy)
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
            return _the_older(loop, turn, jobs, policy)
        if late:
            return None
        wait(LISTING_PAUSE)


def _the_older(loop: Loop, turn: Turn, jobs: Sequence[TrainingJob], policy: TrainingPolicy) -> TrainingJob | None:
    """The oldest of *jobs*; the others were bought by mistake and are cancelled and booked."""
    for extra in jobs[1:]:
        get_run_logger().warning("%s was bought twice; cancelling %s", extra.suffix, extra.id)
        if extra.status is JobStatus.UNDER_WAY:
            loop.foundry.cancel(extra.id)
        _book_training(loop, turn, loop.foundry.job(extra.id), policy.training_type)
    return jobs[0] if jobs else None


def _submitted(loop: Loop, turn: Turn, job: TrainingJob, *, found_again: bool) -> TrainingSubmitted:
    intended = loop.iteration(turn.iteration).intended
    assert intended is not None
    submitted = TrainingSubmitted(suffix=intended.suffix, job=job.id, found=found_again)
    loop.record(turn, submitted)
    return submitted


def _ended(loop: Loop, id_: str, deadline: datetime) -> TrainingJob:
    """The job once it has ended; raises CloudRefused when the policy's *deadline* passes first."""
    log, said, pause = get_run_logger(), 0, FIRST_PAUSE
    while True:
        job = loop.foundry.job(id_)
        messages = loop.foundry.messages(id_)
        for message in messages[said:]:
            log.info("%s: %s", id_, message)
        said = len(messages)
        if job.status is not JobStatus.UNDER_WAY:
            return job
        if loop.now() > deadline:
            late = f"{id_} is still {job.reported_status} at its deadline, {deadline:%Y-%m-%d %H:%M} UTC"
            raise CloudRefused(f"{late}; cancel it, or raise deadline_hours in the training policy")
        wait(pause)
        pause = min(LONGEST_PAUSE, pause * 1.2)


def _finished(job: TrainingJob, iteration: Iteration) -> TrainingFinished:
    assert iteration.intended is not None
    return TrainingFinished(
        suffix=iteration.intended.suffix,
        attempt=iteration.intended.request.attempt,
        job=job.id,
        status=job.status,
        model=job.fine_tuned_model,
        trained_tokens=job.trained_tokens,
        problem=job.problem,
    )


def _book_training(loop: Loop, turn: Turn, job: TrainingJob, training_type: str) -> None:
    prices = current_prices()
    tokens = job.trained_tokens or 0
    basis = f"{tokens:,} trained tokens, {training_type}, prices of {prices.as_of}"
    usd = training_cost(tokens, training_type, prices)
    book(loop, turn, CostBooked(what="training", subject=job.id, usd=usd, basis=basis))
