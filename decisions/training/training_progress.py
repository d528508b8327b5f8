"""How far a job is, and why one that ended without a model did."""

import math

from data_contracts.training import JobStatus, TrainingJob

ALMOST = 99.0
"""Percent beyond which only the job's end counts: the model is evaluated after the last step."""
DATA_HARM, MODEL_HARM = "rai checks", "unable to be deployed"


def progress_of(job: TrainingJob, step: int, examples: int) -> tuple[float, str]:
    """Percent done and a sentence about it; without known hyperparameters or steps the percentage stays 0."""
    if job.status is not JobStatus.UNDER_WAY:
        return 100.0, f"{job.id} {job.status}"
    known = job.hyperparameters
    if not step:
        return 0.0, f"{job.id} {job.reported_status}"
    if not (known.n_epochs and known.batch_size and examples):
        return 0.0, f"{job.id} {job.reported_status}, step {step:,}"
    total = known.n_epochs * math.ceil(examples / known.batch_size)
    return min(ALMOST, 100 * step / total), f"{job.id} {job.reported_status}, step {step:,} of {max(step, total):,}"


def failure_reason(job: str, status: JobStatus, problem: str | None) -> str:
    """Why the job left no model, in the service's words, and what to do about it."""
    said = (problem or "the service gave no reason").rstrip(" .")
    if status is JobStatus.CANCELLED:
        return f"{job} was cancelled; what it had trained is billed; start the loop again when new images are there"
    if DATA_HARM in said.lower():
        advice = "it is not billed; find the images that show what is named, `kaizen forget` them and add others"
    elif MODEL_HARM in said.lower():
        advice = "it is not billed; look through the training images and their labels before the next turn"
    else:
        advice = "look at the job's events in Foundry; the next turn with new images buys a new job"
    return f"{job} {status}: {said}; {advice}"
