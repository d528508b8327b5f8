"""How far a job is, and why one ended without a model."""

import pytest

from data_contracts.training import JobStatus, ReportedHyperparameters
from decisions.training.training_progress import failure_reason, progress_of
from tests.decisions.builders import job

KNOWN = ReportedHyperparameters(n_epochs=3, batch_size=8)
RAI = "The provided training data failed RAI checks for harm types: [violence]. Please fix the data and try again."
UNSAFE = "This model is unable to be deployed. Model evaluation identified that it scores above thresholds."


def test_progress_is_steps_over_the_batches_of_all_epochs() -> None:
    percent, told = progress_of(job(hyperparameters=KNOWN), step=20, examples=100)

    assert (round(percent, 1), told) == (51.3, "ftjob-1 running, step 20 of 39")


def test_a_job_whose_last_step_is_over_is_not_done_before_it_says_so() -> None:
    assert progress_of(job(hyperparameters=KNOWN), step=39, examples=100)[0] == 99
    assert progress_of(job(status=JobStatus.SUCCEEDED), step=39, examples=100)[0] == 100


def test_more_steps_than_expected_are_told_as_they_are() -> None:
    assert progress_of(job(hyperparameters=KNOWN), step=50, examples=100) == (99, "ftjob-1 running, step 50 of 50")


@pytest.mark.parametrize("status", ["pending", "paused", "preempted", "something new"])
def test_a_job_that_has_not_begun_shows_the_services_own_word(status: str) -> None:
    assert progress_of(job(reported_status=status), step=0, examples=100) == (0, f"ftjob-1 {status}")


def test_without_known_hyperparameters_only_the_step_is_told() -> None:
    assert progress_of(job(), step=7, examples=100) == (0, "ftjob-1 running, step 7")


@pytest.mark.parametrize(
    ("status", "problem", "advice"),
    [
        (JobStatus.FAILED, RAI, "find the images that show what is named"),
        (JobStatus.FAILED, UNSAFE, "look through the training images and their labels"),
        (JobStatus.FAILED, None, "look at the job's events in Foundry"),
        (JobStatus.CANCELLED, None, "what it had trained is billed"),
    ],
)
def test_a_job_without_a_model_says_why_and_what_to_do(status: JobStatus, problem: str | None, advice: str) -> None:
    assert advice in failure_reason("ftjob-1", status, problem)


def test_the_services_own_words_are_kept() -> None:
    assert RAI.rstrip(".") in failure_reason("ftjob-1", JobStatus.FAILED, RAI)
