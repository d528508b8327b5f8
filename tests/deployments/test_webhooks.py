"""Announced ends of jobs: verified, kept once, and never more than a reason to ask sooner."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from data_contracts.ledger import TrainingFinished
from data_contracts.policies import TrainingPolicy
from data_contracts.training import JobStatus
from deployments.webhook_server import webhook_server
from flows.improve_model import improve_model
from flows.ingest_images import ingest_images
from tasks.training import following
from tests.foundry_emulator.support import EmulatorProcess, until
from tests.support.loops import LoopFolder

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="
JOB = "ftjob-1"
MOST_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LoopFolder, str]]:
    """A loop whose webhooks are signed, and where they are taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAIZEN_WEBHOOK_SECRET", SECRET)
        folder = LoopFolder.make(tmp_path_factory.mktemp("served") / "loop")
        with webhook_server(folder.path) as address:
            yield folder, address


@pytest.fixture
def address(served: tuple[LoopFolder, str]) -> str:
    """Where the loop's webhooks are taken."""
    return served[1]


@pytest.fixture
def listening(served: tuple[LoopFolder, str]) -> LoopFolder:
    """The loop, without marks."""
    folder = served[0]
    for mark in marks(folder):
        folder.loop().store.delete(mark)
    return folder


def event(job: str = JOB, kind: str = "fine_tuning.job.succeeded") -> bytes:
    return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"id": job}}).encode()


def signed(body: bytes, *, webhook: str = "evt_1", age: float = 0, secret: str = SECRET) -> dict[str, str]:
    """Headers as the Standard Webhooks say."""
    moment = str(int(time.time() - age))
    content = f"{webhook}.{moment}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    return {
        "webhook-id": webhook,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def marks(folder: LoopFolder, job: str = "") -> list[str]:
    loop = folder.loop()
    return list(loop.store.list(loop.path("webhooks", job)))


def test_a_signed_announcement_leaves_one_mark_that_begins_with_its_job(listening: LoopFolder, address: str) -> None:
    answer = httpx.post(address, content=event(), headers=signed(event()))

    assert answer.status_code == 200
    assert len(marks(listening)) == len(marks(listening, f"{JOB}.")) == 1


def test_a_repeated_announcement_is_thanked_for_and_changes_nothing(listening: LoopFolder, address: str) -> None:
    answers = [httpx.post(address, content=event(), headers=signed(event())).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert len(marks(listening)) == 1


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (lambda: signed(event(), secret="whsec_YW5vdGhlcg=="), "signature does not match"),
        (lambda: signed(event("ftjob-2")), "signature does not match"),
        (lambda: signed(event(), age=301), "timestamp is too old"),
        (lambda: signed(event(), age=-400), "timestamp is too new"),
        (lambda: signed(event()) | {"webhook-id": "evt_2"}, "signature does not match"),
        (lambda: signed(event()) | {"webhook-timestamp": "soon"}, "Invalid webhook timestamp"),
        (lambda: signed(event()) | {"webhook-signature": "v1,"}, "signature does not match"),
        (lambda: signed(event()) | {"webhook-signature": "v1,\u00e9"}, "non-ASCII"),
        (dict, "Could not find webhook-signature header"),
    ],
    ids=["other secret", "other body", "old", "from the future", "other id", "no time", "empty", "not ASCII", "none"],
)
def test_what_is_not_signed_with_the_secret_just_now_is_refused(
    listening: LoopFolder, address: str, headers: Callable[[], dict[str, str]], why: str
) -> None:
    answer = httpx.post(address, content=event(), headers=httpx.Headers(headers(), encoding="latin-1"))

    assert (answer.status_code, answer.text.count("\n")) == (400, 0)
    assert why in answer.text
    assert marks(listening) == []


def test_too_much_is_refused_before_anything_is_verified(listening: LoopFolder, address: str) -> None:
    body = event() + b" " * MOST_BYTES

    answer = httpx.post(address, content=body, headers=signed(body))

    assert (answer.status_code, answer.text) == (413, "A webhook has at most 65,536 bytes.")
    assert marks(listening) == []


@pytest.mark.parametrize(
    "body",
    [event(kind="batch.completed"), event("../../ledger/x"), event(""), b"[]", b'{"type": 7}'],
    ids=["another kind", "a path", "no job", "a list", "no data"],
)
def test_what_is_signed_but_about_no_job_is_accepted_and_leaves_nothing(
    listening: LoopFolder, address: str, body: bytes
) -> None:
    assert httpx.post(address, content=body, headers=signed(body)).status_code == 200
    assert marks(listening) == []


@pytest.fixture
def announcing(foundry: EmulatorProcess, address: str) -> Iterator[EmulatorProcess]:
    """The emulator, which announces ended jobs to the loop."""
    kept = foundry.ask("POST", "/emulator/webhooks", {"url": address, "secret": SECRET})
    yield foundry
    until(lambda: all(each["accepted"] for each in foundry.ask("GET", "/emulator/webhooks")["deliveries"]))
    foundry.ask("DELETE", f"/emulator/webhooks/{kept['id']}")


def learned(folder: LoopFolder, batch: str, files: list[Path]) -> TrainingFinished:
    """How the job ended that learned from the files of one more batch."""
    folder.deliver(batch, files)
    ingest_images(folder.name)
    improve_model(folder.name, training=TrainingPolicy(smallest_addition=20, settling_minutes=0.02))
    finished = folder.loop().state().iterations[-1].finished
    assert finished is not None
    return finished


def announced(caplog: pytest.LogCaptureFixture, job: str) -> int:
    """How many announcements of the end of *job* the runs took notice of."""
    return caplog.messages.count(f"The end of {job} was announced; asking the service")


@pytest.mark.usefixtures("prefect_server", "announcing")
def test_the_end_of_a_job_is_seen_long_before_the_next_poll(
    listening: LoopFolder, images: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 900.0)  # the second poll would come after a quarter of an hour

    with caplog.at_level("INFO"):
        finished = learned(listening, "one", sorted(images.glob("*/*")))

    assert announced(caplog, finished.job) == len(marks(listening, f"{finished.job}.")) == 1


def announce_failures(folder: LoopFolder, address: str) -> None:
    """Post, signed, that the job failed which is submitted next."""

    def submitted() -> str | None:
        opened = folder.loop().state().iterations
        return opened[-1].submitted.job if opened and opened[-1].submitted else None

    body = event(until(submitted), "fine_tuning.job.failed")
    httpx.post(address, content=body, headers=signed(body))


@pytest.mark.usefixtures("prefect_server")
def test_an_announced_failure_of_a_job_that_goes_on_fails_nothing(
    tmp_path: Path,
    images: Path,
    foundry: EmulatorProcess,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("KAIZEN_WEBHOOK_SECRET", SECRET)
    folder = LoopFolder.make(tmp_path / "loop")
    foundry.fault(job_preempted=2, count=1)
    with webhook_server(folder.path) as address, caplog.at_level("INFO"):
        liar = threading.Thread(target=announce_failures, args=(folder, address))
        liar.start()
        finished = learned(folder, "one", sorted(images.glob("*/*")))
        liar.join()
    foundry.ask("DELETE", "/emulator/faults")

    assert announced(caplog, finished.job) == 1
    assert finished.status is JobStatus.SUCCEEDED
