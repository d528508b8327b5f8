"""Scripted faults of single requests, as the official clients see them."""

import json
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
)
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from tests.foundry_emulator.faulty import CHAT, DEPLOYMENTS, FILES, ask, deployments, two_deployed
from tests.foundry_emulator.support import (
    EmulatorProcess,
    running,
    until,
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with two_deployed(tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.fixture
def client(faulty: EmulatorProcess) -> Iterator[OpenAI]:
    with faulty.client() as opened:
        yield opened


@pytest.fixture
def control(faulty: EmulatorProcess) -> Iterator[CognitiveServicesManagementClient]:
    with faulty.management(retry_total=0) as opened:
        yield opened


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, "content_filter"),
        (401, openai.AuthenticationError, "401"),
        (403, openai.PermissionDeniedError, "AccessDenied"),
        (404, openai.NotFoundError, "DeploymentNotFound"),
        (408, openai.APIStatusError, "Timeout"),
        (409, openai.ConflictError, "conflict"),
        (418, openai.APIStatusError, "418"),
        (429, openai.RateLimitError, "429"),
        (500, openai.InternalServerError, "500"),
        (502, openai.InternalServerError, "502"),
        (503, openai.InternalServerError, "ServiceUnavailable"),
        (504, openai.InternalServerError, "Timeout"),
        (599, openai.InternalServerError, "599"),
    ],
)
def test_an_error_status_is_told_as_the_data_plane_tells_it(
    faulty: EmulatorProcess, client: OpenAI, status: int, error: type[openai.APIStatusError], code: str
) -> None:
    faulty.fault(path=CHAT, status=status, count=1)
    with pytest.raises(error) as told:
        ask(client)

    assert (told.value.status_code, told.value.code) == (status, code)
    assert told.value.response.headers["apim-request-id"]
    assert ask(client)


def test_a_filtered_prompt_is_told_with_its_whole_body(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, status=400)
    with pytest.raises(openai.BadRequestError) as told:
        ask(client)
    error = told.value.response.json()["error"]

    assert {name: error[name] for name in ("type", "param", "code", "status")} == {
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
    }
    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert sorted(error["innererror"]["content_filter_result"]) == [
        "hate",
        "jailbreak",
        "self_harm",
        "sexual",
        "violence",
    ]


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, HttpResponseError, "InvalidRequestContent"),
        (401, ClientAuthenticationError, "InvalidAuthenticationToken"),
        (403, HttpResponseError, "AuthorizationFailed"),
        (409, ResourceExistsError, "RequestConflict"),
        (429, HttpResponseError, "SubscriptionRequestsThrottled"),
        (503, HttpResponseError, "ServiceUnavailable"),
    ],
)
def test_an_error_status_is_told_as_the_control_plane_tells_it(
    faulty: EmulatorProcess,
    control: CognitiveServicesManagementClient,
    status: int,
    error: type[HttpResponseError],
    code: str,
) -> None:
    faulty.fault(path=DEPLOYMENTS, method="get", status=status, count=1)
    with pytest.raises(error) as told:
        deployments(control)

    assert told.value.status_code == status
    assert told.value.error is not None
    assert told.value.error.code == code


def test_the_control_planes_own_retries_get_over_a_short_outage(faulty: EmulatorProcess) -> None:
    faulty.fault(path=DEPLOYMENTS, status=503, headers={"retry-after": "0"}, count=2)
    with faulty.management(retry_total=3, retry_backoff_factor=0.01) as control:
        assert deployments(control) == ["base", "other"]


def test_a_fault_tells_what_the_script_says(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, status=503, code="Overloaded", message="Come back later.", headers={"x-why": "test"})
    with pytest.raises(openai.InternalServerError, match="Come back later") as told:
        ask(client)

    assert told.value.response.json() == {"error": {"code": "Overloaded", "message": "Come back later."}}
    assert told.value.response.headers["x-why"] == "test"
    assert "retry-after" not in told.value.response.headers


def test_a_client_waits_as_long_as_it_is_told_and_gets_its_answer(faulty: EmulatorProcess, patient: OpenAI) -> None:
    faulty.fault(path=CHAT, status=429, headers={"retry-after-ms": "700"}, count=1)
    began = time.monotonic()

    assert ask(patient)
    assert 0.7 <= time.monotonic() - began < 5


def test_the_first_matches_are_passed_over(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, status=500, after=2, count=1)

    assert outcomes(client, 5) == "..x.."


def test_the_same_seed_strikes_the_same_requests(faulty: EmulatorProcess, client: OpenAI) -> None:
    told = []
    for seed in (1, 1, 2):
        fault = faulty.fault(path=CHAT, status=500, probability=0.5, seed=seed)
        told.append(outcomes(client, 24))
        faulty.ask("DELETE", f"/emulator/faults/{fault}")

    assert told[0] == told[1] != told[2]
    assert 4 <= told[0].count("x") <= 20


def test_no_chance_never_strikes(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, status=500, probability=0)

    assert outcomes(client, 5) == "....."


def test_faults_strike_in_the_order_in_which_they_were_set(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.ask("POST", "/emulator/faults", [{"status": 500, "count": 1}, {"status": 429, "count": 1}])
    with pytest.raises(openai.InternalServerError):
        ask(client)
    with pytest.raises(openai.RateLimitError):
        ask(client)

    assert ask(client)


def test_only_the_named_model_deployment_is_struck(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(deployment="base", status=500)

    assert ask(client, "other")
    with pytest.raises(openai.InternalServerError):
        ask(client, "base")


def test_a_model_deployment_is_struck_under_its_dated_address_too(faulty: EmulatorProcess) -> None:
    faulty.fault(path=CHAT, deployment="base", status=500)
    with faulty.azure_openai(max_retries=0) as client:
        assert ask(client, "other")
        with pytest.raises(openai.InternalServerError):
            ask(client, "base")


def test_only_the_named_model_deployment_of_the_control_plane_is_struck(
    faulty: EmulatorProcess, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(deployment="base", account="local", status=500)

    assert control.deployments.get("g", "local", "other", enforce_https=False).name == "other"
    with pytest.raises(HttpResponseError):
        control.deployments.get("g", "local", "base", enforce_https=False)


def test_only_the_named_account_is_struck(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(account="second", status=500)
    with faulty.openai("second", max_retries=0) as second, pytest.raises(openai.InternalServerError):
        second.models.list()

    assert client.models.list().data


def test_a_path_may_be_a_regular_expression(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path_regex=r"/openai/v1/(files|batches)", method="GET", status=500)
    with pytest.raises(openai.InternalServerError):
        client.files.list()

    assert client.models.list().data


def test_the_emulators_own_addresses_are_never_struck(faulty: EmulatorProcess) -> None:
    faulty.fault(reset=True)

    assert faulty.clock()["rate"] == 1


def test_a_fault_tells_how_often_it_has_struck_and_what_is_left(faulty: EmulatorProcess, client: OpenAI) -> None:
    fault = faulty.fault(path=CHAT, status=500, after=1, count=3)
    outcomes(client, 3)

    assert faulty.faults() == [
        {
            "id": fault,
            "fault": {"path": CHAT, "status": 500, "after": 1, "count": 3},
            "from": "request",
            "matched": 3,
            "struck": 2,
            "left": 1,
        }
    ]


def test_a_fault_that_was_taken_away_strikes_no_more(faulty: EmulatorProcess, client: OpenAI) -> None:
    fault = faulty.fault(path=CHAT, status=500)

    assert faulty.ask("DELETE", f"/emulator/faults/{fault}") == {"removed": 1}
    assert outcomes(client, 1) == "."


def test_what_has_struck_counts_after_a_kill(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"path": FILES, "method": "POST", "reset": True, "after_work": True, "count": 3}]))
    options = ("--faults", str(script))
    killed = EmulatorProcess(tmp_path / "state", *options)
    requested = killed.fault(path="/openai/v1/models", status=500, after=2)
    with killed.client() as client:
        client.models.list()
        with pytest.raises(openai.APIConnectionError):
            client.files.create(purpose="evals", file=("a.jsonl", b"{}"))
    killed.kill()
    with running(tmp_path / "state", *options) as restarted, restarted.client() as client:
        counts = {fault["from"]: (fault["matched"], fault["struck"], fault["left"]) for fault in restarted.faults()}

        assert counts == {"file": (1, 1, 2), "request": (1, 0, None)}
        assert requested in [fault["id"] for fault in restarted.faults()]
        assert len(client.files.list().data) == 1
        client.models.list()
        with pytest.raises(openai.InternalServerError):
            client.models.list()


def test_another_file_takes_the_place_of_the_first(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    for status in (500, 503):
        script.write_text(json.dumps([{"status": status}, {"status": status}]))
        with running(tmp_path / "state", "--faults", str(script)) as process:
            kept = [fault["fault"] for fault in process.faults()]

    assert kept == [{"status": 503}, {"status": 503}]


def test_a_kill_while_an_answer_is_held_back_finds_the_strike_counted(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path)
    killed.fault(path="/openai/v1/models", slow=60, count=2)
    with killed.client() as client, ThreadPoolExecutor() as pool:
        held = pool.submit(lambda: client.models.list())
        until(lambda: killed.faults()[0]["struck"])
        killed.kill()
        assert isinstance(held.exception(), openai.APIConnectionError)
    with running(tmp_path) as restarted:
        assert restarted.faults()[0]["left"] == 1


def outcomes(client: OpenAI, times: int) -> str:
    """Return a point for each chat that was answered and an x for each that was struck."""
    told = ""
    for _ in range(times):
        try:
            ask(client)
            told += "."
        except openai.InternalServerError:
            told += "x"
    return told


def test_many_at_once_are_struck_exactly_as_often_as_the_script_says(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, status=500, count=7)
    with ThreadPoolExecutor(16) as pool:
        told = "".join(pool.map(lambda _: outcomes(client, 4), range(16)))

    assert told.count("x") == 7


def test_the_identity_endpoint_can_be_struck(faulty: EmulatorProcess) -> None:
    faulty.fault(path="/identity/token", status=500, count=1)
    with pytest.raises(urllib.error.HTTPError) as told:
        faulty.credential().get_token("https://management.azure.com/.default")
    told.value.close()

    assert told.value.code == 500
