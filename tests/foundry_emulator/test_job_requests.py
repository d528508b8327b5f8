"""What a request for a fine-tuning job may ask, and how wrong ones are refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    EmulatorProcess,
    examples,
    running,
    training_file,
    upload,
)

JSON = {"content-type": "application/json"}
CONTENT = training_file(examples(range(3)))


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """Yield an emulator that leaves jobs in the queue for an hour."""
    options = ("--job-queue-seconds", "3600", "--account", "local", "--account", "second", "--file-processing-seconds")
    with running(tmp_path_factory.mktemp("idle"), *options, "0") as process:
        yield process


@pytest.fixture(scope="module")
def opened(idle: EmulatorProcess) -> Iterator[OpenAI]:
    with idle.client() as client:
        yield client


@pytest.fixture(scope="module")
def file(opened: OpenAI) -> str:
    return upload(opened, CONTENT).id


@pytest.fixture
def create(opened: OpenAI, file: str) -> Iterator[Any]:
    """Return a function that creates a job and returns its JSON; the jobs are cancelled at the end."""
    made: list[str] = []

    def run(**request: Any) -> dict[str, Any]:
        job = opened.fine_tuning.jobs.create(**{"model": MODEL, "training_file": file, **request})
        made.append(job.id)
        return job.model_dump(exclude_unset=True)

    yield run
    for job in made:
        opened.fine_tuning.jobs.cancel(job)


def test_what_is_not_known_yet_is_absent_and_auto_is_minus_one(create: Any) -> None:
    job = create()

    assert job["status"] == "pending"
    assert job["hyperparameters"] == {"batch_size": -1, "learning_rate_multiplier": -1, "n_epochs": -1}
    assert not {"fine_tuned_model", "finished_at", "result_files", "trained_tokens", "error", "suffix"} & set(job)
    assert not {"validation_file", "trainingType", "metadata", "method", "organization_id"} & set(job)


@pytest.mark.parametrize(
    ("asked", "echo"),
    [
        ("Standard", "standard"),
        ("GlobalStandard", "globalStandard"),
        ("globalstandard", "globalStandard"),
        (1, "globalStandard"),
        ("Developer", "developerTier"),
        ("developerTier", "developerTier"),
        ("DEVELOPERTIER", "developerTier"),
    ],
)
def test_the_training_type_comes_back_in_camel_case(create: Any, asked: object, echo: str) -> None:
    assert create(extra_body={"trainingType": asked})["trainingType"] == echo


@pytest.mark.parametrize("asked", ["Provisioned", 7, True, "", ["Standard"], {"a": 1}])
def test_an_unknown_training_type_is_refused(create: Any, asked: object) -> None:
    with pytest.raises(openai.BadRequestError, match="trainingType"):
        create(extra_body={"trainingType": asked})


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ({"n_epochs": 50}, {"batch_size": -1, "learning_rate_multiplier": -1, "n_epochs": 50}),
        ({"batch_size": 256, "n_epochs": "auto"}, {"batch_size": 256, "learning_rate_multiplier": -1, "n_epochs": -1}),
        (
            {"learning_rate_multiplier": 0.02, "prompt_loss_weight": 0.1},
            {"batch_size": -1, "learning_rate_multiplier": 0.02, "n_epochs": -1, "prompt_loss_weight": 0.1},
        ),
    ],
)
def test_hyperparameters_come_back_as_they_were_given(create: Any, asked: Any, known: dict[str, float]) -> None:
    assert create(hyperparameters=asked)["hyperparameters"] == known


def test_hyperparameters_may_stand_in_the_method(create: Any) -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto"}}}
    job = create(method=method)

    assert job["method"] == method
    assert job["hyperparameters"] == {"batch_size": -1, "learning_rate_multiplier": -1, "n_epochs": 2}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"hyperparameters": {"n_epochs": 51}}, "n_epochs must be at most 50"),
        ({"hyperparameters": {"n_epochs": 2.5}}, "n_epochs must be a positive whole number"),
        ({"hyperparameters": {"n_epochs": True}}, "n_epochs must be a positive whole number"),
        ({"hyperparameters": {"n_epochs": "three"}}, "n_epochs must be a positive whole number"),
        ({"hyperparameters": {"batch_size": 257}}, "batch_size must be at most 256"),
        ({"hyperparameters": {"batch_size": 10**400}}, "batch_size must be at most 256"),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "learning_rate_multiplier must be a positive"),
        ({"hyperparameters": {"prompt_loss_weight": 1.5}}, "prompt_loss_weight must be a number from 0 to 1"),
        ({"hyperparameters": {"prompt_loss_weight": "auto"}}, "prompt_loss_weight must be a number"),
        ({"hyperparameters": {"warmup": 1}}, "'warmup' is none of"),
        ({"hyperparameters": "auto"}, "'hyperparameters' must be an object"),
        (
            {
                "hyperparameters": {"n_epochs": 1},
                "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
            },
            "both in 'hyperparameters' and in 'method'",
        ),
        ({"method": {"type": "dpo"}}, "method 'dpo' is not supported for the model 'gpt-4o-2024-08-06'"),
        ({"method": {"type": "reinforcement"}}, "method 'reinforcement' is not supported"),
        ({"method": {"type": "magic"}}, "one of supervised, dpo, reinforcement"),
        ({"method": {}}, "one of supervised, dpo, reinforcement"),
        ({"method": []}, "'method' must be an object"),
        ({"method": {"type": "supervised", "dpo": {}}}, "does not take 'dpo'"),
        ({"method": {"type": "supervised", "supervised": {"epochs": 1}}}, "'epochs' is none of"),
        ({"suffix": "v1.0"}, "suffix"),
        ({"suffix": "a" * 41}, "suffix"),
        ({"suffix": 7}, "suffix"),
        ({"suffix": ""}, "suffix"),
        ({"suffix": "größer"}, "suffix"),
        ({"seed": 2**31}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"metadata": {str(n): "a" for n in range(17)}}, "at most 16 pairs"),
        ({"metadata": {"a" * 65: "a"}}, "keys up to 64"),
        ({"metadata": {"a": "b" * 513}}, "values up to 512"),
        ({"metadata": {"a": 1}}, "must be text"),
        ({"metadata": []}, "at most 16 pairs"),
        ({"integrations": [{"type": "other"}]}, "'wandb'"),
        ({"integrations": [{"type": "wandb", "wandb": {}}]}, "needs a 'project'"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "a", "tags": "b"}}]}, "list of texts 'tags'"),
        ({"integrations": {}}, "must be a list"),
        ({"extra_body": {"n_epochs": 3}}, "Unrecognized request argument supplied: n_epochs"),
        ({"model": "gpt-nope"}, "The specified base model 'gpt-nope' does not support fine-tuning"),
        ({"model": "gpt-5.1-2025-11-13"}, "does not support fine-tuning"),
        ({"model": f"{MODEL}.ft-{'0' * 32}"}, "does not exist or was deleted"),
        ({"model": f"ftchkpt-{'0' * 32}"}, "does not exist or was deleted"),
        ({"model": ""}, "'model' is required"),
        ({"model": "a b"}, "cannot exist"),
        ({"model": None}, "'model' is required"),
        ({"training_file": "file-nope"}, "file-nope"),
        ({"training_file": 7}, "'training_file' is required"),
        ({"validation_file": "file-nope"}, "file-nope"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_the_reason(create: Any, request_: Any, reason: str) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        create(**request_)


def test_half_a_character_is_refused_and_does_not_break_the_service(idle: EmulatorProcess, opened: OpenAI) -> None:
    body = b'{"model": "gpt-4o-2024-08-06", "training_file": "file-x", "metadata": {"a": "\\ud800"}}'

    with pytest.raises(openai.BadRequestError, match="surrogates not allowed"):
        opened.post(
            "/fine_tuning/jobs", content=body, cast_to=object, options={"headers": {"content-type": "application/json"}}
        )


def test_integrations_and_metadata_are_echoed(create: Any) -> None:
    wandb = {"type": "wandb", "wandb": {"project": "steel", "tags": ["a"]}}
    job = create(integrations=[wandb], metadata={"line": "7"})

    assert job["integrations"] == [wandb]
    assert job["metadata"] == {"line": "7"}


def test_a_file_for_another_purpose_is_refused(opened: OpenAI, create: Any) -> None:
    other = opened.files.create(purpose="assistants", file=("a.jsonl", CONTENT))

    with pytest.raises(openai.BadRequestError, match="purpose 'assistants'"):
        create(training_file=other.id)


def test_twenty_jobs_may_wait_in_an_account_and_each_account_has_its_own_queue(
    idle: EmulatorProcess, opened: OpenAI, create: Any
) -> None:
    for _ in range(20):
        create()

    with pytest.raises(openai.RateLimitError, match="limit of 20 queued"):
        create()
    with OpenAI(api_key=API_KEY, base_url=f"{idle.address}/second/openai/v1/", max_retries=0) as second:
        file = upload(second, CONTENT).id
        job = second.fine_tuning.jobs.create(model=MODEL, training_file=file)
        assert second.fine_tuning.jobs.cancel(job.id).status == "cancelled"


async def the_list_of(address: str) -> list[FineTuningJob]:
    async with AsyncOpenAI(api_key=API_KEY, base_url=f"{address}/openai/v1/") as client:
        return [job async for job in client.fine_tuning.jobs.list(limit=2)]


def test_the_list_is_paged_newest_first_for_the_async_client_too(idle: EmulatorProcess, create: Any) -> None:
    made = [create()["id"] for _ in range(3)]
    listed = [job.id for job in asyncio.run(the_list_of(idle.address))]

    assert listed[:3] == made[::-1]


def test_a_created_job_is_missing_from_the_list_for_the_lag_but_can_be_retrieved(tmp_path: Path) -> None:
    options = ("--job-list-lag-seconds", "60", "--job-queue-seconds", "9999")
    with running(tmp_path, *options) as process, process.client() as client:
        job = client.fine_tuning.jobs.create(model=MODEL, training_file=upload(client, CONTENT).id)

        assert client.fine_tuning.jobs.retrieve(job.id).id == job.id
        assert client.fine_tuning.jobs.list().data == []
        process.forward(60)
        assert [each.id for each in client.fine_tuning.jobs.list()] == [job.id]


def test_without_a_training_type_a_strict_region_gives_the_misleading_refusal(tmp_path: Path) -> None:
    with running(tmp_path, "--require-training-type") as process, process.client() as client:
        file = upload(client, CONTENT).id
        with pytest.raises(openai.BadRequestError) as refusal:
            client.fine_tuning.jobs.create(model=MODEL, training_file=file)
        told: Any = refusal.value.body
        job = client.fine_tuning.jobs.create(
            model=MODEL, training_file=file, extra_body={"trainingType": "GlobalStandard"}
        )

    assert told["message"] == "The specified base model does not support fine-tuning"
    assert job.to_dict()["trainingType"] == "globalStandard"
