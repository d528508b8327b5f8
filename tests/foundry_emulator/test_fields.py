"""Every answer on one way through all calls has the fields of the specifications, and no others.

A new call is one line in `journey_*.py`, an address in `seen.py`, and its fields in `fields_*.py`.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.monitor.querymetrics import MetricsClient
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundry_emulator.app import assemble
from foundry_emulator.settings import Settings
from tests.foundry_emulator import journey_control as own_and_control
from tests.foundry_emulator import journey_data as data
from tests.foundry_emulator.fields import FIELDS, check, problems
from tests.foundry_emulator.seen import ADDRESSES, CONTENT, NOTHING, Answer, Seen, unmet
from tests.foundry_emulator.support import MODEL, EmulatorProcess, running, until
from tests.foundry_emulator.test_webhooks import SECRET, receiving

OPTIONS = (
    *("--account", "local", "--account", "second,region=eastus2"),
    *("--quota", "OpenAI.Standard.gpt-4o=500", "--filtered-phrase", data.FORBIDDEN),
    *("--file-processing-seconds", "0.1", "--job-queue-seconds", "0.2"),
    *("--deployment-creation-seconds", "1.5", "--deployment-deletion-seconds", "0.5"),
    *("--deployment-propagation-seconds", "0.1", "--metrics-delay-seconds", "0"),
    *("--batch-validation-seconds", str(data.VALIDATION), "--batch-work-seconds", str(data.WORK)),
    *("--batch-finalizing-seconds", str(data.FINALIZING), "--batch-cancelling-seconds", str(data.CANCELLING)),
)
# its address is the service's, but there is nothing that it could cancel: no response is made in the background
ONLY_REFUSES = "POST /openai/v1/responses/{response}/cancel"


class Travel:
    """Clients of one emulator, all heard by *seen*."""

    def __init__(self, emulator: EmulatorProcess, seen: Seen, opened: ExitStack) -> None:
        policies: dict[str, Any] = {"per_call_policies": [seen.policy()], "retry_total": 0}
        credential = opened.enter_context(ManagedIdentityCredential())
        http = opened.enter_context(seen.client())
        self.seen = seen
        self.client = emulator.openai(http_client=http, max_retries=0)
        self.second = emulator.openai("second", http_client=http, max_retries=0)
        self.dated = emulator.azure_openai(http_client=http, max_retries=0)
        self.later = emulator.async_openai(http_client=seen.async_client(), max_retries=0)
        self.controls = own_and_control.Controls(emulator.address, http)
        self.control = opened.enter_context(
            CognitiveServicesManagementClient(
                credential, "any-subscription", base_url=emulator.address, polling_interval=0.1, **policies
            )
        )
        self.metrics = opened.enter_context(MetricsClient(emulator.address, credential, **policies))

    def go(self) -> None:
        """Make every call."""
        own_and_control.on_faults(self.controls)
        with receiving() as receiver:
            webhook = own_and_control.on_webhooks(self.controls, receiver.url, SECRET)
            data.on_files(self.client)
            data.on_uploads(self.client)
            job, fine_tuned = data.on_jobs(self.client)
            until(lambda: len(receiver.received) >= 2)
        for _, content in receiver.received:
            check("webhook event", json.loads(content))
        data.on_copies(self.client, self.second, job)
        data.on_models(self.client, fine_tuned)
        own_and_control.on_accounts(self.control)
        own_and_control.on_deployments(self.control, fine_tuned)
        data.on_chat(self.client)
        data.on_responses(self.client)
        asyncio.run(data.on_the_async_client(self.later))
        data.on_batches(self.client, self.controls.forward)
        data.on_dated_addresses(self.dated)
        own_and_control.on_metrics(self.metrics, self.control, self.controls)
        own_and_control.on_own_addresses(self.controls, webhook)
        own_and_control.after_deployments(self.control)
        own_and_control.at_the_end(self.controls, fine_tuned)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Return what all clients were answered on the whole way."""
    with ExitStack() as opened:
        emulator = opened.enter_context(running(tmp_path_factory.mktemp("journey"), *OPTIONS))
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/identity/token")
        patch.setenv("IDENTITY_HEADER", "anything")
        travel = Travel(emulator, Seen(), opened)
        travel.go()
        yield travel.seen


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Route, ...]:
    assembled = assemble(Settings(state=tmp_path_factory.mktemp("assembled")))
    assembled.state.close()
    return assembled.routes


def test_every_answer_has_the_fields_of_the_specifications_and_no_others(seen: Seen) -> None:
    found = seen.problems()

    assert not found, "\n".join(found)


def test_no_address_of_the_emulator_was_left_out(seen: Seen, routes: tuple[Route, ...]) -> None:
    assert list(unmet(routes, seen.answers)) == [ONLY_REFUSES]
    assert any(answer.path.endswith("/cancel") and "/responses/" in answer.path for answer in seen.answers)


def test_no_field_list_was_left_out(seen: Seen) -> None:
    parts = {"job", "batch", "event", "checkpoint", "webhook event", "batch output line", "batch error line"}

    assert set(FIELDS) - parts - seen.kinds == set()
    assert {name for *_, name in ADDRESSES} <= {*FIELDS, NOTHING, CONTENT}


def test_operations_and_model_deployments_were_seen_in_every_state(seen: Seen) -> None:
    parts = [(name, body) for answer in seen.answers for name, body in answer.parts]

    assert {body["status"] for name, body in parts if name == "operation"} == {"Running", "Succeeded", "Failed"}
    assert {"Creating", "Succeeded", "Failed"} <= {
        body["properties"]["provisioningState"] for name, body in parts if name == "deployment"
    }


def test_a_new_address_that_nobody_calls_is_told(seen: Seen) -> None:
    async def answer(_request: Request) -> Response:
        return Response()

    added = [Route("/openai/v1/evals/{id}", answer, methods=["GET", "POST"]), Route("/openai/v1/models", answer)]

    assert list(unmet(added, seen.answers)) == ["GET /openai/v1/evals/{id}", "POST /openai/v1/evals/{id}"]


def test_an_answer_without_a_field_list_or_in_another_form_is_a_problem() -> None:
    unknown = Answer("GET", "/openai/v1/evals", 200, "application/json", {})
    empty = Answer("GET", "/openai/v1/files", 200, "", b"")
    full = Answer("DELETE", "/emulator/webhooks/a", 204, "application/json", {})

    assert unknown.problems() == ["GET /openai/v1/evals 200: no field list for /openai/v1/evals"]
    assert empty.problems() == ["GET /openai/v1/files 200: no content has no fields"]
    assert full.problems() == ["DELETE /emulator/webhooks/a 204: application/json is not nothing"]


def test_every_event_of_a_stream_is_looked_at() -> None:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_750_435_741, "model": "a"}
    told = Answer("POST", "/openai/v1/chat/completions", 200, "text/event-stream", [{}, {**chunk, "choices": []}, {}])

    assert {name for name, _ in told.parts} == {"first chat chunk", "chat chunk"}
    assert problems("chat chunk", told.body[1]) == []
    assert replace(told, body=[told.body[1]]).problems() != []
    assert len(told.problems()) > 1


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
