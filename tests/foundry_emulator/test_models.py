"""Models: what exists, until when, and how one goes."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.cognitiveservices.models import Deployment
from openai import AsyncOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob

from foundry_emulator.models.table import OWN_TABLE
from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    EmulatorProcess,
    deployment_of,
    examples,
    running,
    start_in_vain,
    train,
)
from tests.foundry_emulator.waiting import long_job

Deploy = Callable[..., Deployment]


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(client: OpenAI, name: str) -> dict[str, Any]:
    return client.models.retrieve(name).to_dict()


def test_base_models_tell_their_dates(client: OpenAI) -> None:
    model = shown(client, MODEL)

    assert model["deprecation"] == {"fine_tune": day("2027-04-01"), "inference": day("2026-10-01")}
    assert model["lifecycle_status"] == "generally-available"
    assert model["capabilities"]["fine_tune"]
    assert model["created"] == day("2024-08-06")


def test_a_fine_tuned_model_names_its_base_and_may_stay_a_year_longer(client: OpenAI, trained: FineTuningJob) -> None:
    model = shown(client, str(trained.fine_tuned_model))

    assert (model["model"], model["fine_tune"]) == (MODEL, trained.id)
    assert model["deprecation"]["inference"] == day("2027-10-01")


def test_a_checkpoint_can_be_retrieved_by_name_and_id_but_is_not_listed(client: OpenAI, trained: FineTuningJob) -> None:
    early = client.fine_tuning.jobs.checkpoints.list(trained.id).data[-1]
    listed = [model.id for model in client.models.list()]

    assert shown(client, early.id)["model"] == MODEL
    assert shown(client, early.fine_tuned_model_checkpoint)["id"] == early.fine_tuned_model_checkpoint
    assert trained.fine_tuned_model in listed
    assert not {early.id, early.fine_tuned_model_checkpoint} & set(listed)


@pytest.mark.parametrize("name", ["gpt-nope", f"{MODEL}.ft-{'0' * 32}", f"ftchkpt-{'0' * 32}"])
def test_an_unknown_model_is_not_found(client: OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match="was not found"):
        client.models.retrieve(name)


def test_training_goes_on_from_a_checkpoint_by_its_name_or_id(client: OpenAI, trained: FineTuningJob) -> None:
    early = client.fine_tuning.jobs.checkpoints.list(trained.id).data[-1]
    jobs = [
        train(client, examples(range(3)), model=name, hyperparameters={"n_epochs": 1})
        for name in (early.id, early.fine_tuned_model_checkpoint)
    ]

    assert [job.status for job in jobs] == ["succeeded", "succeeded"]
    assert [job.model for job in jobs] == [early.id, early.fine_tuned_model_checkpoint]
    assert all(str(job.fine_tuned_model).startswith(f"{MODEL}.ft-") for job in jobs)


async def listed_and_deleted(address: str) -> list[str]:
    async with AsyncOpenAI(api_key=API_KEY, base_url=f"{address}/openai/v1/", max_retries=0) as client:
        names = [model.id async for model in client.models.list()]
        with pytest.raises(openai.NotFoundError, match="Resource not found"):
            await client.models.delete(MODEL)
        return names


def test_the_service_has_no_way_to_delete_a_model(emulator: EmulatorProcess) -> None:
    assert MODEL in asyncio.run(listed_and_deleted(emulator.address))


def test_a_deleted_model_is_gone_for_jobs_deployments_and_lists(
    emulator: EmulatorProcess, client: OpenAI, deploy: Deploy
) -> None:
    job = train(client, examples(range(3)), hyperparameters={"n_epochs": 2})
    model = str(job.fine_tuned_model)
    checkpoint = client.fine_tuning.jobs.checkpoints.list(job.id).data[-1].id
    path = f"/emulator/models/{model}"

    assert emulator.ask("DELETE", path) == {"id": model, "object": "model", "deleted": True}
    for name in (model, checkpoint):
        with pytest.raises(openai.BadRequestError, match="does not exist or was deleted"):
            long_job(client, model=name)
        with pytest.raises(HttpResponseError, match="DeploymentModelNotSupported"):
            deploy("deleted", name)
    assert client.fine_tuning.jobs.checkpoints.list(job.id).data == []
    assert model not in [each.id for each in client.models.list()]
    with pytest.raises(ControlRefused, match="404"):
        emulator.ask("DELETE", path)


def test_a_model_with_a_live_deployment_cannot_be_deleted(
    emulator: EmulatorProcess, client: OpenAI, trained: FineTuningJob, deploy: Deploy
) -> None:
    deploy("in-use", client.fine_tuning.jobs.checkpoints.list(trained.id).data[-1].id)

    with pytest.raises(ControlRefused, match="409: Model with a live deployment cannot be deleted"):
        emulator.ask("DELETE", f"/emulator/models/{trained.fine_tuned_model}")


def deployed(process: EmulatorProcess, model: str, version: str = "1") -> str:
    """Deploy *model* and delete the model deployment again; return the state that it reached."""
    place = ("group", "local", "any")
    with process.management(retry_total=0) as control:
        body = deployment_of(model, version)
        made = control.deployments.begin_create_or_update(*place, body, enforce_https=False).result()
        control.deployments.begin_delete(*place, enforce_https=False).result()
    return str(made.as_dict()["properties"]["provisioning_state"])


def own_table(folder: Path, **changes: object) -> Path:
    """Return a table of models in which gpt-4o-2024-08-06 has *changes*."""
    table = json.loads(OWN_TABLE.read_text())
    table["models"] = [{**table["models"][0], **changes}]
    path = folder / "models.json"
    path.write_text(json.dumps(table))
    return path


QUICK = ("--enforce-retirement", "--deployment-creation-seconds", "0", "--deployment-propagation-seconds", "0")
FUTURE = {"base_retires": "2031-01-01", "training_retires": "2032-01-01", "fine_tuned_retires": "2033-01-01"}


def set_clock(process: EmulatorProcess, moment: str) -> None:
    process.ask("PUT", "/emulator/clock", {"now": moment})


def test_a_model_can_be_deleted_once_its_model_deployment_has_been_idle_for_15_days(tmp_path: Path) -> None:
    with running(tmp_path, *QUICK) as process, process.client() as client, process.management(retry_total=0) as control:
        model = str(train(client, examples(range(3)), hyperparameters={"n_epochs": 1}).fine_tuned_model)
        control.deployments.begin_create_or_update(
            "group", "local", "idle", deployment_of(model), enforce_https=False
        ).result()
        process.forward((15 * 24 + 1) * 3600)

        assert process.ask("DELETE", f"/emulator/models/{model}")["deleted"]


def test_each_kind_of_retirement_comes_at_its_own_date(tmp_path: Path) -> None:
    table = own_table(tmp_path, **FUTURE)
    options = (*QUICK, "--models", str(table))
    with running(tmp_path / "state", *options) as process, process.client() as client:
        model = str(train(client, examples(range(3)), hyperparameters={"n_epochs": 1}).fine_tuned_model)
        before = deployed(process, "gpt-4o", "2024-08-06")
        set_clock(process, "2031-01-01T00:00:00Z")
        with pytest.raises(HttpResponseError) as base:
            deployed(process, "gpt-4o", "2024-08-06")
        train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
        set_clock(process, "2032-01-01T00:00:00Z")
        for name in (MODEL, model):
            with pytest.raises(openai.BadRequestError, match=f"training of {MODEL} has been retired"):
                long_job(client, model=name)
        after = deployed(process, model)
        set_clock(process, "2033-01-01T00:00:00Z")
        with pytest.raises(HttpResponseError, match="ServiceModelDeprecated"):
            deployed(process, model)

    assert before == after == "Succeeded"
    assert base.value.error is not None
    assert base.value.error.code == "ServiceModelDeprecated"
    assert base.value.error.message == (
        "The model 'Format:OpenAI,Name:gpt-4o,Version:2024-08-06' has been deprecated since 01/01/2031 00:00:00."
    )


def test_for_a_new_customer_training_retires_with_the_base_model(tmp_path: Path) -> None:
    table = own_table(tmp_path, **FUTURE)
    options = (*QUICK, "--new-customer", "--models", str(table))
    with running(tmp_path / "state", *options) as process, process.client() as client:
        dates = shown(client, MODEL)["deprecation"]
        set_clock(process, "2031-01-01T00:00:00Z")
        with pytest.raises(openai.BadRequestError, match="retired"):
            long_job(client)

    assert dates["fine_tune"] == dates["inference"] == day("2031-01-01")


def test_what_has_retired_still_serves_at_home_unless_retirement_is_enforced(tmp_path: Path) -> None:
    table = own_table(tmp_path, base_retires="2020-01-01", training_retires="2020-01-01")
    with running(tmp_path / "state", "--models", str(table)) as process, process.client() as client:
        job = train(client, examples(range(3)), hyperparameters={"n_epochs": 1})

        assert deployed(process, "gpt-4o", "2024-08-06") == "Succeeded"
        assert job.status == "succeeded"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_retires": "soon"}, "model 1: its base_retires must be a day such as 2026-10-01"),
        ({"images": "yes"}, "model 1: its images must be true or false"),
        ({"max_context_tokens": 0}, "model 1: its max_context_tokens must be a positive whole number"),
        ({"name": ""}, "model 1: its name must be text"),
        ({"nickname": "o"}, "model 1: it has the unknown nickname"),
    ],
)
def test_a_wrong_table_of_models_is_told_in_one_line(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    table = own_table(tmp_path, **changes)
    ended = start_in_vain("--port", "0", "--state", str(tmp_path / "state"), "--models", str(table))

    assert ended.returncode == 1
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["", "[]", '{"models": []}', '{"models": [7]}', '{"models": [{}]}', "\xff"])
def test_a_file_that_is_no_table_of_models_is_told_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "models.json").write_bytes(content.encode("latin-1"))
    ended = start_in_vain("--port", "0", "--state", str(tmp_path / "state"), "--models", str(tmp_path / "models.json"))

    assert ended.returncode == 1
    assert "table of models" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_an_account_tells_the_ends_of_its_models_only_where_retirement_is_enforced(
    tmp_path: Path, emulator: EmulatorProcess
) -> None:
    def told(process: EmulatorProcess) -> Any:
        with process.management() as control:
            models = control.accounts.list_models("group", "local", enforce_https=False)
            return next(each for each in models if f"{each.name}-{each.version}" == MODEL)

    with running(tmp_path, "--enforce-retirement") as strict:
        set_clock(strict, "2031-01-01T00:00:00Z")
        ended = told(strict)

    assert (ended.lifecycle_status, ended.deprecation.inference[:10]) == ("Deprecated", "2026-10-01")
    assert told(emulator).deprecation is None
