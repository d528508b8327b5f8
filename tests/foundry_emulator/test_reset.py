"""Reset: everything is emptied, or one account, all or nothing."""

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import openai
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from foundry_emulator.controls import reset
from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.support import (
    MODEL,
    EmulatorProcess,
    deployment_of,
    ended,
    examples,
    in_status,
    once_deployed,
    question,
    running,
    training_file,
    until,
    upload,
)

SHOWN = training_file(examples(range(6)))
IMAGE = examples(range(1))[0].url
OPTIONS = ("--speed", "20", "--account", "local", "--account", "second")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("reset"), *OPTIONS) as started:
        yield started


@pytest.fixture
def client(process: EmulatorProcess) -> Iterator[OpenAI]:
    with process.client() as opened:
        yield opened


@pytest.fixture
def second(process: EmulatorProcess) -> Iterator[OpenAI]:
    with process.openai("second", max_retries=0) as opened:
        yield opened


@pytest.fixture
def control(process: EmulatorProcess) -> Iterator[CognitiveServicesManagementClient]:
    with process.management() as opened:
        yield opened


def deploy(control: CognitiveServicesManagementClient, account: str, name: str) -> None:
    body = deployment_of("gpt-4o", "2024-08-06")
    control.deployments.begin_create_or_update("g", account, name, body, enforce_https=False).result()


def ask(client: OpenAI, name: str) -> None:
    once_deployed(lambda: client.chat.completions.create(model=name, messages=question(IMAGE)))


def rows(process: EmulatorProcess) -> dict[str, int]:
    """Return how many rows each table has that has any."""
    counted = {}
    for path in process.folder().glob("*.sqlite"):
        if path.name == "features.sqlite":
            continue
        with closing(sqlite3.connect(path)) as database:
            tables = database.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
            for (table,) in tables.fetchall():
                counted[table] = database.execute(f"select count(*) from {table}").fetchone()[0]
    return {table: count for table, count in counted.items() if count}


def bytes_kept(process: EmulatorProcess) -> list[str]:
    return [path.name for path in process.folder().glob("*/*")]


def fill(
    process: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient, account: str = "local"
) -> str:
    """Leave something of every kind in an account, a running job with it; return that job's id."""
    file = upload(client, SHOWN)
    ended(client, client.fine_tuning.jobs.create(model=MODEL, training_file=file.id).id)
    deploy(control, account, "base")
    ask(client, "base")
    process.fault(suffix="none", job_fails="data_check")
    process.forward(3_600)
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 50})
    return in_status(client, job.id, "running").id


def trainers(process: EmulatorProcess) -> list[str]:
    tasks = Path(f"/proc/{process.process.pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


def test_a_reset_leaves_nothing(
    process: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    job = fill(process, client, control)

    assert process.ask("POST", "/emulator/reset") == {"emptied": ["local", "second"]}
    assert trainers(process) == []
    assert set(rows(process)) <= {"secrets"}
    assert bytes_kept(process) == []
    assert process.faults() == []
    assert abs(datetime.fromisoformat(process.clock()["now"]).timestamp() - datetime.now(UTC).timestamp()) < 5
    assert client.files.list().data == []
    assert client.fine_tuning.jobs.list().data == []
    assert [str(each.name) for each in control.deployments.list("g", "local", enforce_https=False)] == []
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve(job)
    with pytest.raises(ResourceNotFoundError):
        control.deployments.get("g", "local", "base", enforce_https=False)


def test_an_emptied_emulator_serves_as_a_new_one(
    process: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    fill(process, client, control)
    process.reset()
    file = upload(client, SHOWN)
    job = ended(client, client.fine_tuning.jobs.create(model=MODEL, training_file=file.id).id)
    deploy(control, "local", "base")
    ask(client, "base")

    assert job.status == "succeeded"


def test_a_reset_of_one_account_leaves_the_others_alone(
    process: EmulatorProcess, client: OpenAI, second: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    process.reset()
    mine = upload(client, SHOWN)
    fill(process, second, control, "second")
    deploy(control, "local", "base")
    ask(client, "base")
    process.fault(account="second", path="/openai/v1/models", status=500)
    mine_too = process.fault(account="local", path="/openai/v1/models", status=503, after=10)
    process.reset("second")

    assert second.files.list().data == []
    assert second.fine_tuning.jobs.list().data == []
    assert list(control.deployments.list("g", "second", enforce_https=False)) == []
    assert [each.id for each in client.files.list()] == [mine.id]
    assert client.files.content(mine.id).content == SHOWN
    assert [str(each.name) for each in control.deployments.list("g", "local", enforce_https=False)] == ["base"]
    assert mine_too in [fault["id"] for fault in process.faults()]
    assert second.models.list().data
    assert datetime.fromisoformat(process.clock()["now"]).timestamp() > time.time() + 3_000
    assert calls_of(process) == {"local"}


def calls_of(process: EmulatorProcess) -> set[str]:
    with closing(sqlite3.connect(process.folder() / "calls.sqlite")) as database:
        return {account for (account,) in database.execute("select distinct account from calls")}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"account": "stranger"}, "'account' must be one of local, second, not 'stranger'"),
        ({"account": 7}, "'account' must be one of local, second, not 7"),
        ({"what": "files"}, "takes an 'account' or nothing, not 'what'"),
        ([], "must be a JSON object"),
    ],
)
def test_a_reset_that_makes_no_sense_is_refused(process: EmulatorProcess, body: object, reason: str) -> None:
    with pytest.raises(ControlRefused, match=f"400: .*{reason}"):
        process.ask("POST", "/emulator/reset", body)


def test_a_reset_does_not_wait_for_itself_under_the_name_of_an_account(process: EmulatorProcess) -> None:
    began = time.monotonic()
    process.ask("POST", "/second/emulator/reset", {})

    assert time.monotonic() - began < 5


def test_a_reset_does_not_wait_for_a_slow_answer(process: EmulatorProcess, client: OpenAI) -> None:
    process.fault(path="/openai/v1/models", slow=3, after_work=True)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(lambda: client.models.list().data)
        until(lambda: process.faults()[0]["struck"])
        began = time.monotonic()
        process.reset()

        assert time.monotonic() - began < 2
        assert slow.result()


def test_no_request_breaks_while_everything_is_emptied(
    process: EmulatorProcess, client: OpenAI, control: CognitiveServicesManagementClient
) -> None:
    broken: list[BaseException] = []
    done = threading.Event()

    def keep_working() -> None:
        while not done.is_set():
            try:
                file = upload(client, SHOWN)
                client.files.content(file.id)
                client.fine_tuning.jobs.create(model=MODEL, training_file=file.id)
                client.chat.completions.create(model="base", messages=question(IMAGE))
            except (openai.NotFoundError, openai.BadRequestError, openai.RateLimitError):
                continue  # what it asked for was there a moment ago
            except BaseException as problem:
                broken.append(problem)
                raise

    threads = [threading.Thread(target=keep_working) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        time.sleep(0.15)
        deploy(control, "local", "base")
        process.reset()
    done.set()
    for thread in threads:
        thread.join()
    process.reset()

    assert broken == []
    assert set(rows(process)) <= {"secrets"}
    assert bytes_kept(process) == []


@pytest.mark.parametrize("moment", range(6))
def test_a_kill_during_a_reset_leaves_all_or_nothing(tmp_path: Path, moment: int) -> None:
    killed = EmulatorProcess(tmp_path, *OPTIONS)
    with killed.client() as client, killed.management() as control:
        for _ in range(20):
            client.files.create(purpose="evals", file=("a.jsonl", b"x" * 1000))
        deploy(control, "local", "base")
        ask(client, "base")
    killed.fault(path="/nowhere", status=500)
    asking = threading.Thread(target=ask_for_reset, args=(killed,))
    asking.start()
    time.sleep(moment * 0.004)
    os.kill(killed.process.pid, signal.SIGKILL)
    asking.join()
    killed.kill()
    with running(tmp_path, *OPTIONS) as restarted, restarted.client() as client:
        files = client.files.list().data
        kept = {
            "files": len(files),
            "bytes": len(bytes_kept(restarted)),
            "calls": len(calls_of(restarted)),
            "faults": len(restarted.faults()),
        }

        assert kept in (
            {"files": 20, "bytes": 20, "calls": 1, "faults": 1},
            {"files": 0, "bytes": 0, "calls": 0, "faults": 0},
        )
        assert all(client.files.content(file.id).content for file in files)


def ask_for_reset(process: EmulatorProcess) -> None:
    try:
        process.reset()
    except (OSError, ControlRefused, ValueError):
        return  # it was killed


def test_what_a_kill_left_undone_is_done_at_the_next_start(tmp_path: Path) -> None:
    with running(tmp_path, *OPTIONS) as process, process.client() as client, process.management() as control:
        file = client.files.create(purpose="evals", file=("a.jsonl", b"{}"))
        deploy(control, "local", "base")
        ask(client, "base")
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as database:
        note = json.dumps({"account": None, "names": [file.id]})
        database.execute("insert into settings values ('unfinished reset', ?)", (note,))
        reset.empty(database, "local")
    with running(tmp_path, *OPTIONS) as restarted:
        assert bytes_kept(restarted) == []
        assert calls_of(restarted) == set()
        assert set(rows(restarted)) <= {"secrets"}


def test_every_table_is_somebodys(process: EmulatorProcess) -> None:
    """A table without account, or without a column that leads to one, would outlive the reset of an account."""
    nobodys = []
    for path in process.folder().glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            nobodys += [
                table
                for table, columns in reset.tables(database).items()
                if path.name not in reset.KEPT_DATABASES and reset.scope(columns) is None
            ]

    assert sorted(nobodys) == ["secrets", "settings", "webhook_deliveries", "webhooks"]
