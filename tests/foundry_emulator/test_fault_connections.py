"""Scripted faults of connections: answers that are lost, slow or cut short, as the official clients see them."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from tests.foundry_emulator.faulty import CHAT, DEPLOYMENTS, FILES, IMAGE, ask, deployments, two_deployed
from tests.foundry_emulator.support import (
    MODEL,
    ROOT,
    EmulatorProcess,
    deployment_of,
    examples,
    question,
    training_file,
    until,
    upload,
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with two_deployed(tmp_path_factory.mktemp("connections")) as started:
        yield started


@pytest.fixture
def client(faulty: EmulatorProcess) -> Iterator[OpenAI]:
    with faulty.client() as opened:
        yield opened


@pytest.fixture
def control(faulty: EmulatorProcess) -> Iterator[CognitiveServicesManagementClient]:
    with faulty.management(retry_total=0) as opened:
        yield opened


def test_a_reset_connection_is_a_connection_error(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, reset=True, count=2)
    for _ in range(2):
        with pytest.raises(openai.APIConnectionError) as told:
            ask(client)

        assert "reset by peer" in repr(told.value.__cause__)
    assert ask(client)


def test_a_reset_connection_is_got_over_by_trying_again(faulty: EmulatorProcess, patient: OpenAI) -> None:
    fault = faulty.fault(path=CHAT, reset=True, count=1)

    assert ask(patient)
    assert faulty.ask("GET", f"/emulator/faults/{fault}")["left"] == 0


def test_the_asynchronous_client_gets_over_it_too(faulty: EmulatorProcess) -> None:
    async def run() -> str:
        async with faulty.async_openai() as client:
            answer = await client.chat.completions.create(model="base", messages=question(IMAGE))
            return str(answer.choices[0].message.content)

    faulty.fault(path=CHAT, reset=True, count=1)

    assert asyncio.run(run())


def test_a_reset_of_the_control_plane_is_a_request_that_failed(
    faulty: EmulatorProcess, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(path=DEPLOYMENTS, reset=True, count=1)
    with pytest.raises((ServiceRequestError, ServiceResponseError), match="reset by peer"):
        deployments(control)


def test_it_is_the_same_on_uvicorn_without_its_extras(tmp_path: Path) -> None:
    for extra in ("httptools", "uvloop"):
        (tmp_path / f"{extra}.py").write_text("raise ImportError")
    emulator = EmulatorProcess(tmp_path / "state", environment={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    with emulator.client() as client:
        client.models.list()
        for lost in ({"reset": True}, {"reset": True, "after_work": True}, {"truncate": 9}):
            emulator.fault(path=FILES, method="POST", count=1, **lost)
            with pytest.raises(openai.APIConnectionError) as told:
                client.files.create(purpose="evals", file=("a.jsonl", b"{}"))

            assert ("received 9 bytes" if "truncate" in lost else "reset by peer") in repr(told.value.__cause__)
        assert len(client.files.list().data) == 2
    assert emulator.stop() == 0


def test_a_large_upload_whose_connection_is_reset_leaves_nothing(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=FILES, method="POST", reset=True, count=1)
    before = len(client.files.list().data)
    with pytest.raises(openai.APIConnectionError):
        client.files.create(purpose="evals", file=("large.jsonl", b"x" * 5_000_000))

    assert len(client.files.list().data) == before


@pytest.mark.parametrize("lost", [{"reset": True}, {"status": 504}, {"truncate": 10}])
def test_a_job_whose_answer_was_lost_is_there(faulty: EmulatorProcess, client: OpenAI, lost: dict[str, object]) -> None:
    file = upload(client, training_file(examples(range(3))))
    after = {} if "truncate" in lost else {"after_work": True}
    faulty.fault(path="/openai/v1/fine_tuning/jobs", method="POST", count=1, **lost, **after)
    with pytest.raises(openai.APIError):
        client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, suffix="lost")
    found = next(job for job in client.fine_tuning.jobs.list() if job.training_file == file.id)
    client.fine_tuning.jobs.cancel(found.id)

    assert found.to_dict()["suffix"] == "lost"


def test_a_model_deployment_whose_answer_was_lost_is_there(
    faulty: EmulatorProcess, control: CognitiveServicesManagementClient
) -> None:
    faulty.fault(path=DEPLOYMENTS, method="PUT", reset=True, after_work=True, count=1)
    body = deployment_of("gpt-4o", "2024-08-06")
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        control.deployments.begin_create_or_update("g", "local", "lost", body, enforce_https=False)

    assert "lost" in deployments(control)


@pytest.mark.parametrize("when", [{"after_work": False}, {"after_work": True}])
def test_a_slow_answer_keeps_nobody_else_waiting(
    faulty: EmulatorProcess, client: OpenAI, when: dict[str, bool]
) -> None:
    faulty.fault(path=CHAT, deployment="base", slow=1.5, count=1, **when)
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, client)
        time.sleep(0.2)
        others = [ask(client, "other") for _ in range(5)]
        others_took = time.monotonic() - began

        assert len(others) == 5
        assert others_took < 1.4
        assert slow.result()
        assert time.monotonic() - began >= 1.5


def test_a_slow_answer_runs_into_the_clients_patience(faulty: EmulatorProcess, client: OpenAI) -> None:
    faulty.fault(path=CHAT, slow=5, count=1)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="base", messages=question(IMAGE), timeout=0.3)


def test_an_emulator_does_not_wait_for_what_is_slow(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    emulator = EmulatorProcess(tmp_path)
    emulator.fault(path="/openai/v1/models", slow=60)
    with emulator.client() as client, ThreadPoolExecutor() as pool:
        held = pool.submit(lambda: client.models.list())
        until(lambda: emulator.faults()[0]["struck"])
        began = time.monotonic()
        code = emulator.stop()

        assert isinstance(held.exception(), openai.APIConnectionError)
    assert code == 0
    assert time.monotonic() - began < 5
    assert "Traceback" not in capfd.readouterr().err


def test_a_truncated_answer_promises_more_than_arrives(faulty: EmulatorProcess, client: OpenAI) -> None:
    file = client.files.create(purpose="evals", file=("a.jsonl", b"x" * 1000))
    faulty.fault(path=f"{FILES}/*/content", truncate=100, count=1)
    with pytest.raises(openai.APIConnectionError) as told:
        client.files.content(file.id)

    assert "received 100 bytes, expected 1000" in str(told.value.__cause__)
    assert client.files.content(file.id).content == b"x" * 1000


@pytest.mark.parametrize("kept", [0, 7, 10_000])
def test_a_truncated_answer_of_the_control_plane_is_incomplete(
    faulty: EmulatorProcess, control: CognitiveServicesManagementClient, kept: int
) -> None:
    faulty.fault(path=DEPLOYMENTS, truncate=kept, count=1)
    with pytest.raises(HttpResponseError, match=r"incomplete|IncompleteRead") as told:
        deployments(control)

    assert "more expected" in str(told.value)
    assert "base" in deployments(control)
