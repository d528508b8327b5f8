"""A full disk, clients that leave or never finish, heads without an end: refused or dropped, and it serves on."""

import json
import resource
import socket
import time
from pathlib import Path

import pytest
from openai import InternalServerError

from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    EmulatorProcess,
    ended,
    examples,
    training_file,
    upload,
)
from tests.foundry_emulator.test_process import first_checkpoint

CONTENT = training_file(examples(range(20)))
HEAD = f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\napi-key: {API_KEY}\r\n"


def fill_disk(emulator: EmulatorProcess, *, full: bool) -> None:
    """Let no file of the process and those it starts grow any more, as on a full disk, or let them again."""
    most = 0 if full else resource.RLIM_INFINITY
    resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def connected(emulator: EmulatorProcess) -> socket.socket:
    host, port = emulator.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_a_full_disk_is_told_and_outlived(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    emulator = EmulatorProcess(tmp_path)
    with emulator.client() as client:
        fill_disk(emulator, full=True)
        with pytest.raises(InternalServerError, match="The emulator cannot use its state folder"):
            client.files.create(purpose="fine-tune", file=("any.jsonl", CONTENT))
        fill_disk(emulator, full=False)
        kept = upload(client, CONTENT)
        emulator.kill()

    assert kept.status == "processed"
    assert "Traceback" not in capfd.readouterr().err


def test_a_job_that_meets_a_full_disk_does_not_run_for_ever(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    with emulator.client() as client:
        file = upload(client, CONTENT)
        job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 25})
        first_checkpoint(client, job.id)
        fill_disk(emulator, full=True)
        time.sleep(1)
        fill_disk(emulator, full=False)
        told = ended(client, job.id)
        emulator.stop()

    assert told.status in ("succeeded", "failed")


def test_a_client_that_leaves_in_the_middle_of_its_request_leaves_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator = EmulatorProcess(tmp_path)
    with connected(emulator) as leaving:
        leaving.sendall((HEAD + "Content-Length: 100\r\n\r\n{").encode())
    with emulator.client() as client:
        assert client.models.list().data

    assert emulator.stop() == 0
    assert capfd.readouterr().err == ""


def test_a_stop_does_not_wait_for_a_client_that_never_finishes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator = EmulatorProcess(tmp_path)
    with connected(emulator) as slow:
        slow.sendall((HEAD + "Content-Length: 100\r\n\r\n{").encode())
        time.sleep(0.2)
        began = time.monotonic()

        assert emulator.stop() == 0
        assert time.monotonic() - began < 5
    assert "Traceback" not in capfd.readouterr().err


def test_a_head_without_an_end_is_refused(emulator: EmulatorProcess) -> None:
    with connected(emulator) as flooding:
        flooding.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises(ConnectionError):  # noqa: PT012
            for _ in range(4):
                flooding.sendall(b"X: " + b"y" * 1_000_000 + b"\r\n")
                time.sleep(0.2)


def test_a_large_body_does_not_count_as_a_head(emulator: EmulatorProcess) -> None:
    body = json.dumps({"model": "x" * 3_000_000}).encode()
    with connected(emulator) as whole:
        for _ in range(2):
            whole.sendall((HEAD + f"Content-Length: {len(body)}\r\n\r\n").encode() + body)

            assert whole.recv(100).startswith(b"HTTP/1.1 4")
            time.sleep(0.1)
            whole.recv(1 << 20)


def test_an_offer_of_another_protocol_is_not_waited_for(emulator: EmulatorProcess) -> None:
    with connected(emulator) as offering:
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
        offering.sendall((HEAD + upgrade + "Content-Length: 2\r\n\r\n{}").encode())

        assert offering.recv(100).startswith(b"HTTP/1.1 4")
