"""Model deployments through the official client: created, changed, followed, deleted."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.core.rest import HttpRequest
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.cognitiveservices.aio import CognitiveServicesManagementClient as AsyncManagementClient

from foundry_emulator import errors
from foundry_emulator.accounts import Account, Accounts
from foundry_emulator.calls import Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import deployment_records, operations
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.places import Place
from foundry_emulator.settings import Durations
from foundry_emulator.state import State
from tests.foundry_emulator.azure_clients import (
    BASE,
    HTTP,
    Management,
    ask,
    forward,
    history,
    managing,
    own,
    quick_model,
    wanted_deployment,
)
from tests.foundry_emulator.support import EmulatorProcess, running, until

SLOW = ("--deployment-creation-seconds", "3600", "--deployment-deletion-seconds", "60")
AT_ONCE = ("--deployment-propagation-seconds", "0")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator on which a fine-tuned model deployment takes an hour; its clock is turned."""
    with running(
        tmp_path_factory.mktemp("slow"), *SLOW, *AT_ONCE, "--account", "local", "--account", "other"
    ) as process:
        yield process


@pytest.fixture(scope="module")
def model(slow: EmulatorProcess) -> str:
    return quick_model(slow)


@pytest.fixture
def management(slow: EmulatorProcess) -> Iterator[Management]:
    with managing(slow) as opened:
        yield opened
        forward(slow, hours=1)
        for name in opened.names():
            opened.client.deployments.begin_delete(*opened.account, name, **HTTP)
            forward(slow, minutes=1)


def put_at_once(management: Management, slow: EmulatorProcess, name: str, model: str) -> None:
    management.begin_put(name, model)
    forward(slow, hours=1)


def path_of(management: Management, rest: str = "") -> str:
    group, account = management.account
    return f"/subscriptions/s/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{account}/{rest}"


def send(management: Management, method: str, rest: str, **options: object) -> Any:
    """Send what the client has no method for, with its login."""
    request = HttpRequest(method, path_of(management, rest), **options)  # type: ignore[arg-type]
    request.url = management.client._client.format_url(request.url)
    return management.client._client.send_request(request, **HTTP)


def test_a_base_model_is_there_at_once_without_an_operation(management: Management) -> None:
    answer = send(management, "PUT", "deployments/base?api-version=2025-09-01", json=wanted_deployment(*BASE))

    assert answer.status_code == 201
    assert "azure-asyncoperation" not in {name.lower() for name in answer.headers}
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"


def test_a_fine_tuned_model_takes_its_time_and_is_polled(
    management: Management, slow: EmulatorProcess, model: str
) -> None:
    poller = management.begin_put("tuned", model)
    creating = (poller.done(), management.state("tuned"))
    forward(slow, hours=1)
    poller.wait(2)

    assert creating == (False, "Creating")
    assert poller.status() == "Succeeded"
    assert poller.result().as_dict()["properties"]["provisioning_state"] == "Succeeded"


def test_an_existing_model_deployment_answers_a_put_with_200(management: Management) -> None:
    management.put("base", *BASE)
    answer = send(management, "PUT", "deployments/base?api-version=2025-09-01", json=wanted_deployment(*BASE))

    assert answer.status_code == 200


def test_what_was_asked_for_is_given_back(management: Management) -> None:
    kept = {"raiPolicyName": "strict", "versionUpgradeOption": "OnceCurrentVersionExpired"}
    management.put("base", *BASE, properties=kept, tags={"team": "steel"})
    told = management.get("base")

    assert told.tags == {"team": "steel"}
    assert told.properties.rai_policy_name == "strict"
    assert told.properties.version_upgrade_option == "OnceCurrentVersionExpired"
    assert told.system_data.created_at == told.system_data.last_modified_at


def test_tags_and_capacity_are_patched(management: Management) -> None:
    management.put("base", *BASE, tags={"team": "steel"})
    patched = management.patch("base", {"tags": {"team": "glass"}, "sku": {"name": "globalstandard", "capacity": 7}})

    assert patched.tags == {"team": "glass"}
    assert (patched.sku.name, patched.sku.capacity) == ("GlobalStandard", 7)


def test_a_patch_of_tags_leaves_the_size_alone(management: Management) -> None:
    management.put("base", *BASE, capacity=70)

    assert management.patch("base", {"tags": {}}).sku.capacity == 70


def test_a_patch_of_the_model_is_refused(management: Management) -> None:
    management.put("base", *BASE)
    answer = send(management, "PATCH", "deployments/base?api-version=2025-09-01", json={"properties": {}})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_what_is_not_there_cannot_be_patched_or_read(management: Management) -> None:
    with pytest.raises(ResourceNotFoundError):
        management.patch("nothing", {"tags": {}})
    with pytest.raises(ResourceNotFoundError):
        management.get("nothing")


def test_a_base_model_is_deleted_at_once_and_nothing_again(management: Management) -> None:
    management.put("base", *BASE)
    answers = [send(management, "DELETE", "deployments/base?api-version=2025-09-01") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 204]


def test_a_fine_tuned_model_deployment_is_deleting_for_a_while_and_answers_no_more(
    management: Management, slow: EmulatorProcess, model: str
) -> None:
    put_at_once(management, slow, "tuned", model)
    poller = management.client.deployments.begin_delete(*management.account, "tuned", **HTTP)
    state = management.state("tuned")
    with slow.client() as client, pytest.raises(openai.NotFoundError, match="API deployment for this resource"):
        ask(client, "tuned")
    forward(slow, minutes=1)
    poller.result()

    assert state == "Deleting"
    assert "tuned" not in management.names()


def test_a_model_deployment_answers_only_some_time_after_it_succeeded_and_never_after_it_was_deleted(
    tmp_path: Path,
) -> None:
    options = ("--deployment-propagation-seconds", "300")
    with running(tmp_path, *options) as emulator, managing(emulator) as management, emulator.client() as client:
        management.put("base", *BASE)
        with pytest.raises(openai.NotFoundError, match="API deployment for this resource"):
            ask(client, "base")
        forward(emulator, minutes=5)
        ask(client, "base")
        management.delete("base")
        with pytest.raises(openai.NotFoundError, match="API deployment for this resource"):
            ask(client, "base")


@pytest.mark.parametrize("write", ["put", "patch", "delete"])
def test_writes_on_one_account_exclude_each_other(
    management: Management, slow: EmulatorProcess, model: str, write: str
) -> None:
    management.put("base", *BASE)
    management.begin_put("tuned", model)
    writes: dict[str, Callable[[], object]] = {
        "put": lambda: management.put("another", *BASE),
        "patch": lambda: management.patch("base", {"tags": {}}),
        "delete": lambda: management.delete("base"),
    }

    with pytest.raises(ResourceExistsError, match="RequestConflict"):
        writes[write]()


def test_what_is_still_creating_cannot_be_deleted(management: Management, model: str) -> None:
    management.begin_put("tuned", model)

    with pytest.raises(ResourceExistsError, match="Another operation is being performed on the parent resource"):
        management.delete("tuned")


def test_another_account_can_be_written_meanwhile(management: Management, slow: EmulatorProcess, model: str) -> None:
    management.begin_put("tuned", model)
    with managing(slow, "other") as other:
        assert other.put("base", *BASE).name == "base"
        assert management.names() == ["tuned"]
        other.delete("base")


def test_conditions_of_writes_are_kept(management: Management) -> None:
    first = management.put("base", *BASE)
    management.put("base", *BASE, capacity=5, headers={"If-Match": first.etag})

    with pytest.raises(HttpResponseError, match="PreconditionFailed"):
        management.put("base", *BASE, capacity=6, headers={"If-Match": first.etag})
    with pytest.raises(HttpResponseError, match="PreconditionFailed"):
        management.put("base", *BASE, headers={"If-None-Match": "*"})


def test_the_etag_changes_with_the_state(management: Management, slow: EmulatorProcess, model: str) -> None:
    poller = management.begin_put("tuned", model)
    creating = management.get("tuned").etag
    forward(slow, hours=1)
    poller.result()
    same = {"If-None-Match": str(management.get("tuned").etag)}
    unchanged = send(management, "GET", "deployments/tuned?api-version=2025-09-01", headers=same)

    assert creating != management.get("tuned").etag
    assert unchanged.status_code == 304


def test_a_model_of_another_account_is_deployed_by_its_source(
    slow: EmulatorProcess, management: Management, model: str
) -> None:
    source = path_of(management).rstrip("/")
    with managing(slow, "other") as other:
        with pytest.raises(HttpResponseError, match="DeploymentModelNotSupported"):
            other.put("borrowed", model)
        poller = other.begin_put("borrowed", model, source=source)
        forward(slow, hours=1)

        assert poller.result().as_dict()["properties"]["model"]["source"] == source


@pytest.mark.parametrize("name", ["x", "a" * 65, "with space", "ümlaut"])
def test_a_name_that_azure_does_not_allow_is_refused(management: Management, name: str) -> None:
    with pytest.raises(HttpResponseError, match="InvalidResourceName"):
        management.put(name, *BASE)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "InvalidRequestContent"),
        (b"[]", "InvalidRequestContent"),
        (b'{"sku": 3}', "InvalidRequestContent"),
        (b'{"sku": {"name": "Gold"}}', "InvalidRequestContent"),
        (b'{"sku": {"name": "Standard", "capacity": 1e999}}', "InvalidRequestContent"),
        (b'{"sku": {"name": "Standard", "capacity": 99999999999999999999}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": ["a"]}}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "\\ud800"}}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "gpt-4o"}}, "tags": {"a": 1}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "gpt-4o"}, "versionUpgradeOption": "Now"}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "gpt-4o"}, "versionUpgradeOption": ["Now"]}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "gpt-4o"}, "versionUpgradeOption": []}}', "InvalidRequestContent"),
        (b'{"properties": {"model": {"name": "gpt-4o"}, "capacitySettings": {"a": 1}}}', "InvalidRequestContent"),
        (
            b'{"properties": {"model": {"name": "gpt-4o"}, "capacitySettings": {"priority": 1e999}}}',
            "InvalidRequestContent",
        ),
        (b'{"properties": {"scaleSettings": {"scaleType": "Standard"}}}', "InvalidResourceProperties"),
        (b'{"properties": {"model": {"name": "gpt-4o", "format": "Meta"}}}', "DeploymentModelNotSupported"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(management: Management, body: bytes, code: str) -> None:
    answer = send(management, "PUT", "deployments/base?api-version=2025-09-01", content=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_a_fine_tuned_model_has_version_1_only(management: Management, model: str) -> None:
    with pytest.raises(HttpResponseError, match="DeploymentModelNotSupported"):
        management.put("tuned", model, "2")


def test_a_put_without_sku_cannot_change_what_exists(management: Management) -> None:
    management.put("base", *BASE)

    with pytest.raises(HttpResponseError, match="The sku of model deployment is not provided"):
        management.put("base", *BASE, sku=None)


def test_a_long_list_comes_in_pages(management: Management) -> None:
    names = [f"base-{number}" for number in range(32)]
    for name in names:
        management.put(name, *BASE, capacity=1)

    assert len(send(management, "GET", "deployments?api-version=2025-09-01").json()["value"]) == 30
    assert management.names() == names
    with pytest.raises(HttpResponseError, match="reached the limit of 32"):
        management.put("one-more", *BASE)


def test_an_eleventh_fine_tuned_model_deployment_is_refused(
    management: Management, slow: EmulatorProcess, model: str
) -> None:
    for number in range(10):
        put_at_once(management, slow, f"tuned-{number}", model)

    with pytest.raises(HttpResponseError, match="reached the limit of 10"):
        management.put("tuned-10", model)


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "MissingApiVersionParameter"), ("?api-version=latest", "InvalidApiVersionParameter")],
)
def test_an_address_without_a_version_is_refused(management: Management, query: str, code: str) -> None:
    answer = send(management, "GET", f"deployments{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_the_control_plane_tells_what_is_left_of_its_own_limits(management: Management) -> None:
    answer = send(management, "GET", "deployments?api-version=2025-09-01")

    assert int(answer.headers["x-ms-ratelimit-remaining-subscription-reads"]) > 0
    assert answer.headers["x-ms-operation-identifier"].startswith("tenantId=")


def test_a_wrong_skip_token_is_refused(management: Management) -> None:
    answer = send(management, "GET", "deployments?api-version=2025-09-01&$skipToken=7")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_the_model_cannot_be_changed(management: Management) -> None:
    management.put("base", *BASE)

    with pytest.raises(HttpResponseError, match="CannotChangeDeploymentModel"):
        management.put("base", "gpt-4.1", "2025-04-14")


def test_with_the_switch_the_model_is_changed_in_place_and_answers_throughout(tmp_path: Path) -> None:
    with running(tmp_path, *SLOW, *AT_ONCE, "--allow-model-change") as emulator, managing(emulator) as management:
        management.put("line", *BASE)
        with pytest.raises(HttpResponseError, match="Cannot change capacity and model at the same time"):
            management.put("line", "gpt-4.1", "2025-04-14", capacity=7)
        poller = management.begin_put("line", "gpt-4.1", "2025-04-14")
        with emulator.client() as client:
            before = client.chat.completions.create(model="line", messages=[{"role": "user", "content": "a"}]).model
            state = management.state("line")
            forward(emulator, hours=1)
            poller.result()
            after = client.chat.completions.create(model="line", messages=[{"role": "user", "content": "a"}]).model

    assert state == "Updating"
    assert (before, after) == ("gpt-4o-2024-08-06", "gpt-4.1-2025-04-14")


def test_without_the_header_the_client_polls_the_model_deployment(tmp_path: Path) -> None:
    with running(tmp_path, "--without-async-header", "--deployment-creation-seconds", "0.3") as emulator:
        model = quick_model(emulator)
        with managing(emulator) as management:
            poller = management.begin_put("tuned", model)
            first = poller._polling_method._initial_response.http_response.headers
            created = poller.result().as_dict()["properties"]["provisioning_state"]
            management.delete("tuned")

            assert "Azure-AsyncOperation" not in first
            assert created == "Succeeded"
            assert until(lambda: management.names() == [])


def test_a_failed_model_deployment_tells_why_and_holds_its_name_until_it_is_deleted(tmp_path: Path) -> None:
    state, accounts = State(tmp_path), Accounts([Account("local", "key", "swedencentral")])
    for schema in (deployment_records.SCHEMA, operations.SCHEMA):
        state.define(schema)
    failure = {"code": "InternalServerError", "message": "The model could not be loaded."}
    deployments = ModelDeployments(
        state,
        Clock(state),
        Durations(deployment_creation=0),
        Calls(tmp_path / "calls.sqlite"),
        accounts,
        fails=lambda _account, name, _model: failure if name == "unlucky" else None,
    )
    place = Place("s", "g", "local")
    written = deployments.put(place, "unlucky", wanted_deployment(*BASE))
    told = deployments.operations.told(written.operation or "")

    assert told is not None
    assert (told["status"], told["error"]) == ("Failed", failure)
    assert deployments.get(place, "unlucky")["properties"]["provisioningState"] == "Failed"
    assert [held.capacity for held in deployments.held("local")] == [100]
    with pytest.raises(errors.ServiceError, match="delete it before"):
        deployments.put(place, "unlucky", wanted_deployment(*BASE))
    with pytest.raises(errors.ServiceError, match="does not exist"):
        deployments.answering("local", "unlucky")
    assert deployments.delete(place, "unlucky").status == 200
    assert deployments.held("local") == []
    state.close()
    deployments.calls.close()


def test_the_asynchronous_client_creates_and_deletes(slow: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{slow.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")

    async def run() -> tuple[list[str | None], list[str | None]]:
        async with (
            ManagedIdentityCredential(transport=AsyncioRequestsTransport()) as credential,
            AsyncManagementClient(
                credential,
                "any",
                base_url=slow.address,
                transport=AsyncioRequestsTransport(),
                polling_interval=0.05,
                retry_total=0,
            ) as client,
        ):
            account = ("group", "other")
            body = wanted_deployment(*BASE)
            await (await client.deployments.begin_create_or_update(*account, "asynchronous", body, **HTTP)).result()
            before = [each.name async for each in client.deployments.list(*account, **HTTP)]
            await (await client.deployments.begin_delete(*account, "asynchronous", **HTTP)).result()
            return before, [each.name async for each in client.deployments.list(*account, **HTTP)]

    before, after = asyncio.run(run())
    assert "asynchronous" in before
    assert "asynchronous" not in after


def test_what_was_deployed_and_what_was_under_way_survives_a_kill(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path, *SLOW, *AT_ONCE)
    model = quick_model(killed)
    with managing(killed) as management, killed.client() as client:
        management.put("base", *BASE)
        ask(client, "base")
        poller = management.begin_put("tuned", model)
        operation = poller._polling_method._operation._async_url.partition("operationResults/")[2].partition("?")[0]
        killed.kill()
    with running(tmp_path, *SLOW, *AT_ONCE) as restarted, managing(restarted) as management:
        told = [management.state(name) for name in ("base", "tuned")]
        with pytest.raises(ResourceExistsError, match="RequestConflict"):
            management.delete("base")
        forward(restarted, hours=1)
        address = f"/subscriptions/s/providers/Microsoft.CognitiveServices/locations/l/operationResults/{operation}"
        request = HttpRequest("GET", f"{restarted.address}{address}?api-version=2025-09-01")
        followed = management.client._client.send_request(request, **HTTP)

        assert told == ["Succeeded", "Creating"]
        assert followed.json()["status"] == "Succeeded"
        assert history(restarted, "base")["last_completed_call_at"] is not None
        assert management.state("tuned") == "Succeeded"


def test_a_login_outlives_a_clock_that_is_set_forward(slow: EmulatorProcess) -> None:
    with managing(slow, "other") as management:
        management.names()
        forward(slow, days=40)

        assert isinstance(management.names(), list)
        assert own(slow, "clock")["rate"] == 1
