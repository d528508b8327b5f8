"""Every JSON answer on a way through all calls has the fields of the specifications, and no others.

A new call is one line in one of the stages below, an address in `seen.py`, and its fields in `fields_*.py`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import openai
import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.fields import FIELDS, problems
from tests.foundry_emulator.seen import Seen
from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    EmulatorProcess,
    deployment_of,
    ended,
    examples,
    question,
    training_file,
    upload,
)
from tests.foundry_emulator.waiting import paused

FILE = training_file(examples(range(3)))
ASKED = question(examples(range(1))[0].url)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def watched(emulator: EmulatorProcess, seen: Seen) -> Iterator[OpenAI]:
    address = f"{emulator.address}/openai/v1/"
    with OpenAI(api_key=API_KEY, base_url=address, max_retries=0, http_client=seen.client()) as client:
        yield client


@pytest.fixture
def watched_control(
    emulator: EmulatorProcess, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CognitiveServicesManagementClient]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    with (
        ManagedIdentityCredential(per_call_policies=[seen.policy()]) as credential,
        CognitiveServicesManagementClient(
            credential,
            "any-subscription",
            base_url=emulator.address,
            polling_interval=0.1,
            retry_total=0,
            per_call_policies=[seen.policy()],
        ) as client,
    ):
        yield client


def refused(call: Callable[[], object]) -> None:
    with pytest.raises((openai.APIStatusError, HttpResponseError)):
        call()


def on_files(client: OpenAI) -> None:
    upload(client, b"no example")
    kept = client.files.create(
        purpose="fine-tune", file=("a.jsonl", FILE), expires_after={"anchor": "created_at", "seconds": 1_209_600}
    )
    client.files.list(limit=2)
    client.files.retrieve(kept.id)
    client.files.delete(kept.id)
    refused(lambda: client.files.retrieve(kept.id))
    refused(lambda: client.files.create(purpose="vision", file=("a.jsonl", FILE)))


def on_jobs(client: OpenAI) -> FineTuningJob:
    """Return a job that has succeeded; others have failed and were cancelled."""
    file = upload(client, FILE).id
    jobs = client.fine_tuning.jobs
    done = jobs.create(model=MODEL, training_file=file, validation_file=file, suffix="fields", metadata={"a": "b"})
    without_images = upload(client, b'{"messages": [{"role": "assistant", "content": "a"}]}\n' * 10).id
    failed = jobs.create(model=MODEL, training_file=without_images, method={"type": "supervised"})
    endless = jobs.create(model=MODEL, training_file=file, hyperparameters={"n_epochs": 50, "batch_size": 1})
    jobs.retrieve(endless.id)
    jobs.cancel(endless.id)
    jobs.list(limit=3)
    for job in (done, failed, endless):
        ended(client, job.id)
        jobs.list_events(job.id, limit=50)
        jobs.checkpoints.list(job.id)
    refused(lambda: jobs.cancel(done.id))
    resting = paused(client, jobs.create(model=MODEL, training_file=file, hyperparameters={"n_epochs": 50}).id)
    jobs.list(limit=2)
    jobs.list_events(resting.id, limit=5)
    at_rest = jobs.checkpoints.list(resting.id).data[0].id
    client.models.retrieve(at_rest)
    jobs.resume(resting.id)
    jobs.cancel(resting.id)
    refused(lambda: jobs.create(model="gpt-nope", training_file=file))
    refused(lambda: jobs.retrieve("ftjob-nope"))
    return jobs.retrieve(done.id)


def on_models(client: OpenAI, fine_tuned: str) -> None:
    client.models.list()
    for name in (MODEL, fine_tuned):
        client.models.retrieve(name)
    refused(lambda: client.models.retrieve("gpt-nope"))


def on_the_control_plane(control: CognitiveServicesManagementClient, fine_tuned: str) -> None:
    """Leave the model deployments `fields-base` and `fields-tuned`."""
    place = ("group", "local")
    deployments = control.deployments
    for name, model, version in (("fields-base", "gpt-4o", "2024-08-06"), ("fields-tuned", fine_tuned, "1")):
        body = deployment_of(model, version)
        deployments.begin_create_or_update(*place, name, body, enforce_https=False).result()
    deployments.get(*place, "fields-base", enforce_https=False)
    list(deployments.list(*place, enforce_https=False))
    control.accounts.get(*place, enforce_https=False)
    refused(lambda: deployments.get(*place, "nope", enforce_https=False))
    refused(lambda: control.accounts.get("group", "nope", enforce_https=False))


def on_inference(client: OpenAI) -> None:
    for name in ("fields-base", "fields-tuned"):
        with suppress(openai.NotFoundError):
            client.chat.completions.create(model=name, messages=ASKED)
    client.chat.completions.create(model="fields-base", messages=ASKED, logprobs=True, top_logprobs=3, max_tokens=1)
    refused(lambda: client.chat.completions.create(model="fields-base", messages=[]))


def on_dated_addresses(emulator: EmulatorProcess, seen: Seen) -> None:
    with AzureOpenAI(
        azure_endpoint=emulator.address,
        api_version="2024-10-21",
        api_key=API_KEY,
        max_retries=0,
        http_client=seen.client(),
    ) as client:
        client.files.list()
        ended_jobs = client.fine_tuning.jobs.list(limit=1).data
        client.delete(f"/fine_tuning/jobs/{ended_jobs[0].id}", cast_to=type(None))
        client.chat.completions.create(model="fields-base", messages=ASKED)


async def on_the_async_client(emulator: EmulatorProcess, seen: Seen) -> None:
    address = f"{emulator.address}/openai/v1/"
    async with AsyncOpenAI(api_key=API_KEY, base_url=address, http_client=seen.async_client()) as client:
        await client.models.list()
        await client.chat.completions.create(model="fields-base", messages=ASKED)


def test_every_answer_has_the_fields_of_the_specifications_and_no_others(
    emulator: EmulatorProcess,
    seen: Seen,
    watched: OpenAI,
    watched_control: CognitiveServicesManagementClient,
) -> None:
    on_files(watched)
    fine_tuned = str(on_jobs(watched).fine_tuned_model)
    on_models(watched, fine_tuned)
    on_the_control_plane(watched_control, fine_tuned)
    on_inference(watched)
    on_dated_addresses(emulator, seen)
    asyncio.run(on_the_async_client(emulator, seen))
    for name in ("fields-base", "fields-tuned"):
        watched_control.deployments.begin_delete("group", "local", name, enforce_https=False).result()

    assert seen.problems() == []
    assert {"file", "job", "event list", "checkpoint list", "model", "deployment", "error", "arm error"} <= seen.kinds


def test_a_field_that_no_specification_names_is_a_problem() -> None:
    told = problems("file deleted", {"id": f"file-{'0' * 32}", "object": "file", "deleted": True, "more": 1})

    assert told == [
        "file deleted: Additional properties are not allowed ('more' was unexpected)",
    ]


def test_a_job_that_has_not_ended_must_not_name_a_model() -> None:
    job = {
        "id": f"ftjob-{'0' * 32}",
        "object": "fine_tuning.job",
        "created_at": 1_750_435_741,
        "model": MODEL,
        "status": "pending",
        "training_file": f"file-{'0' * 32}",
        "seed": 1,
        "hyperparameters": {"batch_size": -1, "learning_rate_multiplier": -1, "n_epochs": -1},
        "estimated_finish": 1_750_437_061,
    }

    assert problems("job", job) == []
    assert problems("job", {**job, "fine_tuned_model": None}) != []


def test_every_field_list_can_be_met_by_something() -> None:
    assert all(problems(name, "no object") for name in FIELDS)
