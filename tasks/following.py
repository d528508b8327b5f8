"""Following a fine-tuning job to its end, and booking what it cost."""

from datetime import datetime, timedelta

from prefect import get_run_logger, task

from cloud.clock import wait
from cloud.errors import CloudRefused
from data_contracts.ledger import TrainingFinished, TrainingSubmitted
from data_contracts.policies import TrainingPolicy
from data_contracts.training import JobStatus, TrainingJob
from decisions.loop_state import Iteration
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.training_jobs import book_training, the_older

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0


@task(**PATIENTLY)
def follow_training(turn: Turn, submitted: TrainingSubmitted, policy: TrainingPolicy) -> TrainingFinished:
    """Wait for the job to end, repeating in the run's log what it says; book what it cost."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.finished is not None and iteration.finished.job == submitted.job:
        return iteration.finished
    begun = iteration.submitted_at or loop.now()
    job = _ended(loop, submitted.job, begun + timedelta(hours=policy.deadline_hours))
    the_older(loop, turn, loop.foundry.find_jobs(submitted.suffix), policy)
    book_training(loop, turn, job, policy.training_type)
    for file in job.result_files:
        loop.store.put(loop.iteration_path(turn.iteration, "results.csv"), loop.foundry.content(file))
    finished = _finished(job, iteration)
    loop.record(turn, finished)
    return finished


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
        hyperparameters=job.hyperparameters,
    )
