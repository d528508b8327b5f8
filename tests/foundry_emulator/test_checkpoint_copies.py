"""Checkpoints that are copied into another account."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import API_KEY, EmulatorProcess, examples, running, train

PREVIEW: Any = {"headers": {"aoai-copy-ft-checkpoints": "preview"}}
SECOND = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/second"
WANTED = {"destinationResourceId": SECOND, "region": "eastus2"}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder: Path = tmp_path_factory.mktemp("two")
    with running(folder, "--account", "first", "--account", "second,region=eastus2") as process:
        yield process


@pytest.fixture(scope="module")
def clients(two: EmulatorProcess) -> Iterator[tuple[OpenAI, OpenAI]]:
    second = OpenAI(api_key=API_KEY, base_url=f"{two.address}/second/openai/v1/", max_retries=0)
    with two.client() as first, second:
        yield first, second


@pytest.fixture(scope="module")
def source(clients: tuple[OpenAI, OpenAI]) -> Any:
    """Return the earliest kept checkpoint of a job in the first account."""
    job = train(clients[0], examples(range(3)), hyperparameters={"n_epochs": 2})
    return clients[0].fine_tuning.jobs.checkpoints.list(job.id).data[-1]


def copy(client: OpenAI, checkpoint: Any, body: Any = WANTED, options: Any = PREVIEW) -> Any:
    path = f"/fine_tuning/jobs/{checkpoint.fine_tuning_job_id}/checkpoints/{checkpoint.id}/copy"
    return client.post(path, body=body, cast_to=object, options=options)


def test_a_destination_that_never_trained_anything_is_refused_then_the_copy_keeps_its_name(
    two: EmulatorProcess, clients: tuple[OpenAI, OpenAI], source: Any
) -> None:
    first, second = clients
    name = source.fine_tuned_model_checkpoint
    with pytest.raises(openai.BadRequestError, match="at least one fine-tuning job"):
        copy(first, source)
    train(second, examples(range(3)), hyperparameters={"n_epochs": 1})
    copied = copy(first, source)
    path = f"/fine_tuning/jobs/{source.fine_tuning_job_id}/checkpoints/{source.id}/copy"
    told: Any = first.get(path, cast_to=object, options=PREVIEW)
    continued = train(second, examples(range(3)), model=name, hyperparameters={"n_epochs": 1})

    check("checkpoint copy", copied)
    assert told == copied
    assert copied["copiedAccountDetails"] == [{**WANTED, "status": "Completed"}]
    assert continued.status == "succeeded"
    assert second.models.retrieve(name).id == name
    assert name not in [model.id for model in second.models.list()]
    two.ask("DELETE", f"/second/emulator/models/{name}")
    with pytest.raises(openai.NotFoundError):
        second.models.retrieve(name)
    assert first.models.retrieve(name).id == name


@pytest.mark.parametrize(
    ("body", "options", "reason"),
    [
        (WANTED, {}, "need the header"),
        ({}, PREVIEW, "needs the texts"),
        ({**WANTED, "more": 1}, PREVIEW, "needs the texts"),
        ({**WANTED, "region": 7}, PREVIEW, "needs the texts"),
        ({**WANTED, "region": "japaneast"}, PREVIEW, "is in the region 'eastus2', not 'japaneast'"),
        ({**WANTED, "destinationResourceId": SECOND.replace("second", "third")}, PREVIEW, "no other account"),
        ({**WANTED, "destinationResourceId": SECOND.replace("second", "first")}, PREVIEW, "no other account"),
        ({**WANTED, "destinationResourceId": "second"}, PREVIEW, "no other account"),
    ],
)
def test_a_copy_that_cannot_be_is_refused_with_the_reason(
    clients: tuple[OpenAI, OpenAI], source: Any, body: Any, options: Any, reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        copy(clients[0], source, body, options)


def test_only_the_checkpoints_of_a_job_of_ones_own_are_copied(clients: tuple[OpenAI, OpenAI], source: Any) -> None:
    other = source.model_copy(update={"id": f"ftchkpt-{'0' * 32}"})

    with pytest.raises(openai.NotFoundError, match="checkpoint"):
        copy(clients[0], other)
    with pytest.raises(openai.NotFoundError, match="job"):
        copy(clients[1], source)
