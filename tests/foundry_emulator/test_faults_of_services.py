"""Scripted faults of files, jobs and model deployments, as the official clients see them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.deployed import ask, tokens_of
from tests.foundry_emulator.support import (
    MODEL,
    EmulatorProcess,
    deployment_of,
    ended,
    examples,
    once_deployed,
    question,
    running,
    training_file,
    until,
    upload,
)

SHOWN = training_file(examples(range(6)))
IMAGES = [example.url for example in examples(range(300, 302))]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("service-faults"), "--speed", "5") as started:
        yield started


@pytest.fixture
def client(faulty: EmulatorProcess) -> Iterator[OpenAI]:
    with faulty.client() as opened:
        yield opened


@pytest.fixture
def control(faulty: EmulatorProcess) -> Iterator[CognitiveServicesManagementClient]:
    with faulty.management() as opened:
        yield opened


def train(client: OpenAI, training_file_of: range = range(6), **request: Any) -> FineTuningJob:
    file = upload(client, training_file(examples(training_file_of)))
    job = client.fine_tuning.jobs.create(**{"model": MODEL, "training_file": file.id, "seed": 4, **request})
    return ended(client, job.id)


def messages(client: OpenAI, job: str) -> list[str]:
    """Return what a job said, oldest first, without its steps."""
    events = client.fine_tuning.jobs.list_events(job, limit=100)
    return [event.message for event in reversed(list(events)) if event.type == "message"]


def test_harmful_data_fails_a_job_before_it_trains(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(suffix="harm*", job_fails="data_check", count=1)
    job = train(client, suffix="harmful")

    assert job.status == "failed"
    assert job.error is not None
    assert job.error.message == (
        "The provided training data failed RAI checks for harm types: [hate_fairness, self_harm, violence]."
        " Please fix the data and try again."
    )
    assert "Training started." not in messages(client, job.id)
    assert client.fine_tuning.jobs.checkpoints.list(job.id).data == []
    assert job.trained_tokens is None


def test_a_harmful_model_fails_a_job_after_it_has_trained(
    faulty: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(suffix="harmful", job_fails="model_evaluation", harm_types=["Violence"])
    job = train(client, suffix="harmful")
    checkpoint = client.fine_tuning.jobs.checkpoints.list(job.id).data[0]

    assert (job.status, job.fine_tuned_model) == ("failed", None)
    assert job.error is not None
    assert job.error.message == (
        "This model is unable to be deployed. Model evaluation identified that this fine tuned model scores above"
        " acceptable thresholds for [Violence]. Please review your training data set and resubmit the job."
    )
    assert "Job succeeded." in messages(client, job.id)
    body = deployment_of(checkpoint.id)
    with pytest.raises(HttpResponseError, match="DeploymentModelNotSupported"):
        control.deployments.begin_create_or_update("g", "local", "harmful", body, enforce_https=False)


def test_a_job_fails_with_the_scripts_own_words(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(model=MODEL, job_fails="data_check", code="outOfLuck", message="No luck today.", count=1)
    job = train(client)

    assert job.error is not None
    assert (job.error.code, job.error.message) == ("outOfLuck", "No luck today.")


def test_the_nth_job_fails(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(training_file="any.jsonl", job_fails="data_check", after=1, count=1)

    assert [train(client).status for _ in range(3)] == ["succeeded", "failed", "succeeded"]


def test_a_preempted_job_waits_and_ends_with_the_same_model(
    faulty: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    undisturbed = train(client)
    faulty.fault(suffix="developer", job_preempted=86_400, at_step=5)
    file = upload(client, SHOWN)
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, seed=4, suffix="developer")
    seen = statuses_until_preempted(faulty, client, job.id)
    faulty.forward(90_000)
    finished = ended(client, job.id)

    assert (seen[0], seen[-1]) == ("pending", "pending")
    assert finished.status == "succeeded"
    assert finished.trained_tokens == undisturbed.trained_tokens
    assert "Job preempted. Waiting for capacity to resume." in messages(client, job.id)
    assert doubts(client, control, str(finished.fine_tuned_model)) == doubts(
        client, control, str(undisturbed.fine_tuned_model)
    )


def statuses_until_preempted(process: EmulatorProcess, client: OpenAI, job: str) -> list[str]:
    """Return what the status of a job was until it waited again."""
    seen: list[str] = []

    def struck() -> bool:
        told = process.faults()[-1]
        seen.append(str(client.fine_tuning.jobs.retrieve(job).status))
        return bool(told["struck"])

    until(struck)
    return seen


def doubts(client: OpenAI, control: CognitiveServicesManagementClient, model: str) -> list[float]:
    """Return the log-probabilities that a model, deployed for the purpose, gives to its answers."""
    body = deployment_of(model)
    control.deployments.begin_create_or_update("g", "local", "doubts", body, enforce_https=False).result()
    given = [first_answer(client, url) for url in IMAGES]
    control.deployments.begin_delete("g", "local", "doubts", enforce_https=False).result()
    return given


def first_answer(client: OpenAI, url: str) -> float:
    answer = once_deployed(lambda: ask(client, "doubts", url, logprobs=True))
    return float(tokens_of(answer)[0].logprob)


def test_a_share_of_the_images_is_skipped_as_if_they_showed_people(faulty: EmulatorProcess, client: OpenAI) -> None:
    whole = train(client, training_file_of=range(20))
    faulty.fault(suffix="crowd", people_share=0.5, count=1)
    crowd = train(client, training_file_of=range(20), suffix="crowd")

    assert crowd.status == "succeeded"
    assert whole.trained_tokens is not None
    assert crowd.trained_tokens is not None
    assert 0.2 < crowd.trained_tokens / whole.trained_tokens < 0.8


def test_a_kill_does_not_spare_a_job_its_fate(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"job_preempted": 3_600, "count": 1}, {"job_fails": "model_evaluation", "count": 1}]))
    killed = EmulatorProcess(tmp_path / "state", "--faults", str(script))
    with killed.client() as client:
        file = upload(client, SHOWN)
        job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id)
        until(lambda: killed.faults()[0]["struck"])
        killed.kill()
    with running(tmp_path / "state") as restarted, restarted.client() as client:
        waiting = client.fine_tuning.jobs.retrieve(job.id).status
        restarted.forward(3_600)

        assert str(waiting) == "pending"
        assert ended(client, job.id).status == "failed"
        assert [fault["left"] for fault in restarted.faults()] == [0, 0]


def test_a_file_ends_in_error_and_cannot_be_trained_on(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(purpose="fine-tune", filename="any*", file_error="The virus scanner found something.", count=1)
    file = upload(client, SHOWN)

    assert (file.status, file.status_details) == ("error", "The virus scanner found something.")
    assert upload(client, SHOWN).status == "processed"
    with pytest.raises(BadRequestError, match="status is error"):
        client.fine_tuning.jobs.create(model=MODEL, training_file=file.id)


def test_a_file_for_something_else_is_left_alone(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(purpose="evals", file_error="No.")

    assert upload(client, SHOWN).status == "processed"


def test_a_model_deployment_fails_and_its_poller_says_why(
    faulty: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(deployment="unlucky", deployment_fails=True, code="NoCapacity", message="Sold out.", count=1)
    body = deployment_of("gpt-4o", "2024-08-06")
    poller = control.deployments.begin_create_or_update("g", "local", "unlucky", body, enforce_https=False)
    with pytest.raises(HttpResponseError, match="Sold out") as told:
        poller.result()
    kept = control.deployments.get("g", "local", "unlucky", enforce_https=False)

    assert told.value.error is not None
    assert told.value.error.code == "NoCapacity"
    assert kept.properties is not None
    assert kept.properties.provisioning_state == "Failed"
    with pytest.raises(NotFoundError):
        client.chat.completions.create(model="unlucky", messages=question(IMAGES[0]))
    control.deployments.begin_delete("g", "local", "unlucky", enforce_https=False).result()


def test_a_failed_model_deployment_holds_its_name_until_it_is_deleted(
    faulty: EmulatorProcess, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(deployment="held", deployment_fails=True, count=1)
    body = deployment_of("gpt-4o", "2024-08-06")
    with pytest.raises(HttpResponseError):
        control.deployments.begin_create_or_update("g", "local", "held", body, enforce_https=False).result()
    with pytest.raises(ResourceExistsError, match="delete it before it is created again"):
        control.deployments.begin_create_or_update("g", "local", "held", body, enforce_https=False)
    failed = control.deployments.get("g", "local", "held", enforce_https=False)
    control.deployments.begin_delete("g", "local", "held", enforce_https=False).result()
    created = control.deployments.begin_create_or_update("g", "local", "held", body, enforce_https=False).result()
    control.deployments.begin_delete("g", "local", "held", enforce_https=False).result()

    assert failed.properties is not None
    assert failed.properties.provisioning_state == "Failed"
    assert created.properties is not None
    assert created.properties.provisioning_state == "Succeeded"
