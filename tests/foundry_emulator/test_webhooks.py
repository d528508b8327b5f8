"""Webhooks: ended jobs are announced, signed, and announced again until they are accepted."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import (
    API_KEY,
    EmulatorProcess,
    Example,
    data_url,
    examples,
    running,
    start_in_vain,
    train,
    until,
)
from tests.foundry_emulator.waiting import long_job

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="


class Receiver:
    """An address that keeps what it is sent; it answers with *statuses* in turn, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        waiting = list(statuses)
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                received.append(({name.lower(): value for name, value in self.headers.items()}, content))
                self.send_response(waiting.pop(0) if waiting else 200)
                self.end_headers()

            def log_message(self, *_told: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?from=emulator"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, client: OpenAI, at_least: int = 1) -> list[Any]:
        """Return what was received, each verified and read by the official client."""
        until(lambda: len(self.received) >= at_least)
        return [client.webhooks.unwrap(content, headers, secret=SECRET) for headers, content in self.received]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(*statuses)
    try:
        yield receiver
    finally:
        receiver.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def told(emulator: EmulatorProcess, receiver: Receiver) -> Iterator[Receiver]:
    """Yield a receiver that the session's emulator knows while a test runs."""
    kept = emulator.ask("POST", "/emulator/webhooks", {"url": receiver.url, "secret": SECRET})
    yield receiver
    emulator.ask("DELETE", f"/emulator/webhooks/{kept['id']}")


def test_the_ends_of_jobs_are_announced_in_a_form_that_the_official_client_verifies(
    client: OpenAI, told: Receiver
) -> None:
    succeeded = train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
    failed = train(client, [Example(data_url(b"no image"), "dots")] * 10)
    cancelled = client.fine_tuning.jobs.cancel(long_job(client).id)
    events = told.events(client, at_least=3)

    assert {(event.type, event.data.id) for event in events} == {
        ("fine_tuning.job.succeeded", succeeded.id),
        ("fine_tuning.job.failed", failed.id),
        ("fine_tuning.job.cancelled", cancelled.id),
    }
    assert events[0].created_at == succeeded.finished_at
    assert [headers["webhook-id"] for headers, _ in told.received] == [event.id for event in events]
    for event in events:
        check("webhook event", event.to_dict())


def test_the_async_client_verifies_them_too_and_refuses_another_secret(
    emulator: EmulatorProcess, client: OpenAI, told: Receiver
) -> None:
    train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
    told.events(client)
    headers, content = told.received[0]

    async def read(secret: str) -> str:
        async with AsyncOpenAI(api_key=API_KEY, base_url=emulator.address) as reader:
            return reader.webhooks.unwrap(content, headers, secret=secret).type

    assert asyncio.run(read(SECRET)) == "fine_tuning.job.succeeded"
    with pytest.raises(openai.InvalidWebhookSignatureError):
        asyncio.run(read("whsec_b3RoZXI="))


def test_a_refused_announcement_is_repeated_with_the_same_id_until_it_is_accepted(
    emulator: EmulatorProcess, client: OpenAI
) -> None:
    with receiving(500, 302) as receiver:
        kept = emulator.ask("POST", "/emulator/webhooks", {"url": receiver.url, "secret": SECRET})
        train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
        events = receiver.events(client, at_least=3)
        delivery = until(lambda: [d for d in emulator.ask("GET", "/emulator/webhooks")["deliveries"] if d["accepted"]])[
            0
        ]
        emulator.ask("DELETE", f"/emulator/webhooks/{kept['id']}")

    assert len({event.id for event in events}) == 1
    assert delivery == {
        "event": events[0].id,
        "webhook": kept["id"],
        "attempts": 3,
        "accepted": True,
        "problem": None,
    }


def test_an_announcement_is_not_lost_when_the_emulator_is_killed_before_it_is_accepted(tmp_path: Path) -> None:
    with receiving(*[503] * 3) as receiver:
        option = ("--webhook", f"{receiver.url},secret={SECRET}")
        killed = EmulatorProcess(tmp_path, *option)
        with killed.client() as client:
            job = train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
            until(lambda: receiver.received)
            killed.kill()
        with running(tmp_path, *option) as restarted, restarted.client() as client:
            until(lambda: len(receiver.received) >= 4)
            events = receiver.events(client)

    assert {event.id for event in events} == {events[0].id}
    assert events[-1].data.id == job.id


def test_an_address_that_nobody_listens_to_does_not_hold_up_jobs_or_other_addresses(
    emulator: EmulatorProcess, client: OpenAI, told: Receiver
) -> None:
    dead = emulator.ask("POST", "/emulator/webhooks", {"url": "http://127.0.0.1:9/", "secret": SECRET})
    job = train(client, examples(range(3)), hyperparameters={"n_epochs": 1})
    events = told.events(client)
    emulator.ask("DELETE", f"/emulator/webhooks/{dead['id']}")

    assert job.status == "succeeded"
    assert events[0].data.id == job.id


def test_webhooks_of_the_command_line_are_those_of_the_last_start(tmp_path: Path) -> None:
    urls = [f"http://127.0.0.1:9/{n}" for n in range(3)]
    with running(tmp_path, "--webhook", f"{urls[0]},secret={SECRET}", "--webhook", f"{urls[1]},secret={SECRET}") as one:
        one.ask("POST", "/emulator/webhooks", {"url": urls[2], "secret": SECRET})
    with running(tmp_path, "--webhook", f"{urls[1]},secret={SECRET}") as two:
        kept = two.ask("GET", "/emulator/webhooks")

    assert [webhook["url"] for webhook in kept["webhooks"]] == urls[1:]
    assert "secret" not in str(kept)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "http://127.0.0.1/"},
        {"url": "http://127.0.0.1/", "secret": "plain"},
        {"url": "http://127.0.0.1/", "secret": "whsec_"},
        {"url": "http://127.0.0.1/", "secret": "whsec_%%%"},
        {"url": "ftp://127.0.0.1/", "secret": SECRET},
        {"url": "http:///path", "secret": SECRET},
        {"url": "http://127.0.0.1:99999/", "secret": SECRET},
        {"url": "http://127.0.0.1/ a", "secret": SECRET},
        {"url": 7, "secret": SECRET},
        {"url": "http://127.0.0.1/", "secret": SECRET, "more": 1},
    ],
)
def test_what_cannot_be_a_webhook_is_refused(emulator: EmulatorProcess, body: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused, match=": 400: "):
        emulator.ask("POST", "/emulator/webhooks", body)


def test_an_unknown_webhook_cannot_be_deleted(emulator: EmulatorProcess) -> None:
    with pytest.raises(ControlRefused, match=": 404: "):
        emulator.ask("DELETE", "/emulator/webhooks/nope")


@pytest.mark.parametrize("option", ["http://127.0.0.1/", f"ftp://a/,secret={SECRET}", "http://a/,secret=b"])
def test_a_wrong_webhook_option_is_told_at_the_start(tmp_path: Path, option: str) -> None:
    ended = start_in_vain("--port", "0", "--state", str(tmp_path), "--webhook", option)

    assert ended.returncode == 2
    assert "argument --webhook" in ended.stderr
