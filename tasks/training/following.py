"""Following a fine-tuning job to its end, and booking what it cost."""

from datetime import datetime, timedelta
from random import uniform

from prefect import get_run_logger, task

from cloud.errors import CloudUnavailable
from data_contracts.ledger import TrainingFinished, TrainingSubmitted
from data_contracts.policies import TrainingPolicy
from data_contracts.record import Record
from data_contracts.training import JobStatus, TrainingJob
from decisions.loop_state import Iteration
from tasks.loop import Loop, Turn, connect
from tasks.outages import FIRST_PAUSE, GROWTH, JITTER, LONGEST_PAUSE, Outage
from tasks.retrying import PATIENTLY
from tasks.training.announcements import Announcements
from tasks.training.job_progress import JobProgress
from tasks.training.training_jobs import book_training, cancel_others


class Overdue(Record):
    """A job that had not ended by the policy's deadline; a person decides, and the next run looks again."""

    job: str
    reason: str


@task(**PATIENTLY)
def follow_training(turn: Turn, submitted: TrainingSubmitted, policy: TrainingPolicy) -> TrainingFinished | Overdue:
    """Wait for the job to end, showing in the run what it says and measures; book what it cost."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    if iteration.finished is not None and iteration.finished.job == submitted.job:
        return iteration.finished
    begun = iteration.submitted_at or loop.now()
    progress = JobProgress(loop, turn.iteration, submitted.job)
    job = _ended_or_late(loop, progress, begun + timedelta(hours=policy.deadline_hours))
    if job.status is JobStatus.UNDER_WAY:
        return _overdue(job, policy)
    cancel_others(loop, turn, loop.foundry.find_jobs(submitted.suffix), submitted.job)
    book_training(loop, turn, job)
    for file in job.result_files:
        loop.store.put(loop.iteration_path(turn.iteration, "results.csv"), loop.foundry.content(file))
    finished = _finished(job, iteration)
    loop.record(turn, finished)
    return finished


def _ended_or_late(loop: Loop, progress: JobProgress, deadline: datetime) -> TrainingJob:
    """The job once it has ended, or as it stands once the *deadline* has passed.

    A status that we do not know, a pause, a wait of hours: all are still under way. Raises CloudUnavailable when the
    service has been out of reach for an hour. An announced end only shortens the wait before the next question.
    """
    announcements = Announcements(loop, progress.job)
    pause, outage = FIRST_PAUSE, Outage(progress.job)
    while True:
        try:
            job = loop.foundry.job(progress.job)
            progress.tell(job)
            if job.status is not JobStatus.UNDER_WAY or loop.now() > deadline:
                return job
            outage.over()
        except CloudUnavailable as error:
            outage.met(error)
        if announcements.wait(pause * uniform(1 - JITTER, 1 + JITTER)):
            get_run_logger().info("The end of %s was announced; asking the service", progress.job)
            pause = FIRST_PAUSE
        else:
            pause = min(LONGEST_PAUSE, pause * GROWTH)


def _overdue(job: TrainingJob, policy: TrainingPolicy) -> Overdue:
    late = f"{job.id} is still {job.reported_status} {policy.deadline_hours:g} hours after it was submitted"
    what = "cancel it in Foundry, or raise deadline_hours in the training policy; the next run looks at it again"
    get_run_logger().warning("%s; %s", late, what)
    return Overdue(job=job.id, reason=f"{late}; {what}")


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
