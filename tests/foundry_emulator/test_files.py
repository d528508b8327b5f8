"""Files: how they come, wait, are listed, expire and go."""

import asyncio
import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tests.foundry_emulator.support import (
    API_KEY,
    DAY,
    MODEL,
    EmulatorProcess,
    ended,
    examples,
    running,
    training_file,
    until,
)

GOOD = training_file(examples(range(3)))
TEXT = json.dumps(
    {"messages": [{"role": "user", "content": "Which steel is this? " * 100}, {"role": "assistant", "content": "304."}]}
).encode()
FORTNIGHT = 14 * DAY
PROCESSING = 600.0


@pytest.fixture(scope="module")
def slow_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """Yield an emulator that takes ten minutes of its clock to process a file."""
    options = ("--file-processing-seconds", str(PROCESSING), "--job-queue-seconds", "3600")
    with running(tmp_path_factory.mktemp("files"), *options) as process:
        yield process


@pytest.fixture(scope="module")
def files(slow_one: EmulatorProcess) -> Iterator[OpenAI]:
    with slow_one.client() as opened:
        yield opened


def put(client: OpenAI, content: bytes = GOOD, **request: Any) -> str:
    """Upload a file; return its id."""
    return client.files.create(**{"purpose": "fine-tune", "file": ("a.jsonl", content), **request}).id


def expiring(seconds: float) -> dict[str, Any]:
    return {"expires_after": {"anchor": "created_at", "seconds": int(seconds)}}


def test_a_file_is_pending_then_running_then_processed(files: OpenAI, slow_one: EmulatorProcess) -> None:
    file = put(files)
    seen = [files.files.retrieve(file).status]
    for _ in range(2):
        slow_one.forward(PROCESSING / 2 + 5)
        seen.append(files.files.retrieve(file).status)

    assert seen == ["pending", "running", "processed"]


def test_a_file_is_told_as_the_service_tells_it(files: OpenAI) -> None:
    answer = files.files.with_raw_response.create(purpose="fine-tune", file=("näme.jsonl", GOOD))
    told = json.loads(answer.http_response.text)

    assert list(told) == ["status", "bytes", "purpose", "filename", "id", "created_at", "object"]
    assert (told["bytes"], told["filename"], told["object"]) == (len(GOOD), "näme.jsonl", "file")
    assert len(str(told["id"])) == len("file-") + 32


def test_a_broken_file_tells_why_only_when_it_was_looked_at(files: OpenAI, slow_one: EmulatorProcess) -> None:
    file = put(files, GOOD + b"\n[1]")
    early = files.files.retrieve(file).status_details
    slow_one.forward(PROCESSING)
    late = files.files.retrieve(file)

    assert early is None
    assert late.status == "error"
    assert str(late.status_details).endswith("line 13: the line is not a JSON object.")


@pytest.mark.parametrize(
    "request_fields",
    [
        expiring(FORTNIGHT),
        {"extra_body": {"expires_after.seconds": str(int(FORTNIGHT)), "expires_after.anchor": "created_at"}},
    ],
)
def test_a_file_is_gone_at_the_moment_of_its_expiry(
    slow_one: EmulatorProcess, files: OpenAI, request_fields: dict[str, Any]
) -> None:
    file = put(files, **request_fields)
    slow_one.forward(FORTNIGHT - 60)
    told = files.files.retrieve(file)
    assert told.expires_at == told.created_at + FORTNIGHT
    assert files.files.content(file).content == GOOD
    slow_one.forward(60)

    for gone in (files.files.retrieve, files.files.content, files.files.delete):
        with pytest.raises(openai.NotFoundError):
            gone(file)
    assert file not in [shown.id for shown in files.files.list()]
    with pytest.raises(openai.BadRequestError, match="does not exist"):
        files.fine_tuning.jobs.create(model=MODEL, training_file=file)
    until(lambda: not (slow_one.folder("files") / file).exists())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (expiring(FORTNIGHT - 1), "from 1209600 to 2592000"),
        (expiring(30 * DAY + 1), "from 1209600 to 2592000"),
        ({"expires_after": {"anchor": "last_used_at", "seconds": 1209600}}, "anchor must be 'created_at'"),
        ({"expires_after": {"seconds": 1209600}}, "anchor must be 'created_at'"),
        ({"expires_after": {"anchor": "created_at"}}, "must be a whole number"),
        ({"expires_after": {"anchor": "created_at", "seconds": "two weeks"}}, "must be a whole number"),
        ({"purpose": "user_data"}, "The purpose 'user_data' is not one of"),
        ({"purpose": "fine-tune-results"}, "is not one of"),
        ({"purpose": ""}, "The field 'purpose' is required"),
        ({"file": ("a.jsonl", b"")}, "The file is empty"),
        ({"file": ("a" * 256, GOOD)}, "filename of 1 to 255"),
        ({"file": (" ", GOOD)}, "filename of 1 to 255"),
    ],
)
def test_what_makes_no_sense_is_refused(files: OpenAI, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(openai.BadRequestError, match=reason) as refusal:
        put(files, **given)

    assert refusal.value.code == "invalidPayload"


def form(*parts: tuple[str, str]) -> bytes:
    """Return a multipart body of (head, content) parts with the boundary x."""
    return "".join(f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in parts).encode()


FILE = ('name="file"; filename="a"', "b")


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("application/json", b"{}", "must be multipart/form-data"),
        ("", b"", "must be multipart/form-data"),
        ("multipart/form-data", b"--x--", "lacks a boundary"),
        ("multipart/form-data; boundary=x", b"", "not valid multipart"),
        ("multipart/form-data; boundary=" + "x" * 300, b"", "not valid multipart"),
        ("multipart/form-data; boundary=x", b"garbage", "not valid multipart"),
        ("multipart/form-data; boundary=x", form(FILE), "not valid multipart"),
        ("multipart/form-data; boundary=x", form(("nothing", "b")) + b"--x--", "not valid multipart"),
        ("multipart/form-data; boundary=x", form(('name="purpose"', "batch")) + b"--x--\r\n", "'file' is required"),
        ("multipart/form-data; boundary=x", form(FILE) + b"--x--\r\n", "'purpose' is required"),
        ("multipart/form-data; boundary=x", form(FILE, FILE) + b"--x--\r\n", "more than once"),
        ("multipart/form-data; boundary=x", form(*[FILE] * 40) + b"--x--\r\n", "more than"),
        ("multipart/form-data; boundary=x", form(('name="a"', "b" * 70_000), FILE) + b"--x--\r\n", "is too long"),
        (
            "multipart/form-data; boundary=x",
            form(('name="purpose"', "batch"), ('name="file"', "b")) + b"--x--\r\n",
            "needs a filename",
        ),
        (
            "multipart/form-data; boundary=x",
            form(('name="purpose"', "batch"), ('name="file"; filename="a\x01"', "b")) + b"--x--\r\n",
            "400|not valid|control characters",
        ),
    ],
)
def test_a_body_that_no_client_sends_is_refused(files: OpenAI, kind: str, body: bytes, reason: str) -> None:
    headers = {"api-key": API_KEY, "Content-Type": kind}
    request = urllib.request.Request(f"{files.base_url}files", body, headers, method="POST")

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    told = json.load(refusal.value)["error"]
    assert refusal.value.code == 400
    assert any(word in told["message"] for word in reason.split("|"))


def test_files_are_listed_page_by_page_in_either_order(files: OpenAI) -> None:
    made = [put(files, b"{}", purpose="evals") for _ in range(5)]
    page = files.files.list(purpose="evals", limit=2, order="asc")
    told = json.loads(files.files.with_raw_response.list(purpose="evals", limit=2, order="asc").http_response.text)

    assert [file.id for file in page.data] == made[:2]
    assert [file.id for file in page] == made
    assert [file.id for file in files.files.list(purpose="evals", limit=2)] == made[::-1]
    assert (told["object"], told["has_more"]) == ("list", True)
    assert (told["first_id"], told["last_id"]) == (made[0], made[1])


def test_files_can_be_deleted_while_they_are_listed(files: OpenAI) -> None:
    for _ in range(5):
        put(files, b"{}", purpose="assistants")
    deleted = [files.files.delete(file.id).deleted for file in files.files.list(purpose="assistants", limit=2)]

    assert deleted == [True] * 5
    assert files.files.list(purpose="assistants").data == []


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 10_001}, {"limit": "all"}, {"order": "up"}, {"after": "file-nope"}]
)
def test_a_page_that_cannot_be_is_refused(files: OpenAI, query: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError):
        files.files.list(extra_query=query)
    with pytest.raises(openai.BadRequestError):
        files.files.list(purpose="nonsense")


def test_accounts_do_not_see_each_others_files(tmp_path: Path) -> None:
    with running(tmp_path, "--account", "one", "--account", "two") as emulator, emulator.client() as one:
        file = put(one)
        two = one.with_options(base_url=f"{emulator.address}/two/openai/v1/")

        assert two.files.list().data == []
        for unseen in (two.files.retrieve, two.files.content, two.files.delete):
            with pytest.raises(openai.NotFoundError):
                unseen(file)
        with pytest.raises(openai.BadRequestError):
            two.files.list(after=file)


def test_fine_tuning_files_have_a_quota_that_deletion_and_expiry_free(tmp_path: Path) -> None:
    options = ("--fine-tune-files", "3", "--fine-tune-bytes", str(2 * len(GOOD) + 10))
    with running(tmp_path, *options) as emulator, emulator.client() as client:
        first = put(client)
        put(client, **expiring(FORTNIGHT))
        with pytest.raises(openai.BadRequestError, match="bytes of all fine-tune files is reached") as refusal:
            put(client)
        assert refusal.value.code == "quotaExceeded"
        put(client, b"{}")
        with pytest.raises(openai.BadRequestError, match="fine-tune files is reached"):
            put(client, b"{}")
        put(client, b"{}", purpose="evals")
        client.files.delete(first)
        put(client)
        with pytest.raises(openai.BadRequestError, match="quota for fine-tune files"):
            put(client, b"{}")
        emulator.forward(FORTNIGHT)
        put(client)


def test_a_file_that_is_deleted_while_a_job_needs_it_is_kept_until_the_job_has_ended(
    files: OpenAI, slow_one: EmulatorProcess
) -> None:
    file = put(files, training_file(examples(range(10))))
    slow_one.forward(PROCESSING)
    job = files.fine_tuning.jobs.create(
        model=MODEL, training_file=file, hyperparameters={"n_epochs": 1}, extra_body={"trainingType": "Standard"}
    )
    files.files.delete(file)
    assert (slow_one.folder("files") / file).exists()
    with pytest.raises(openai.NotFoundError):
        files.files.content(file)
    slow_one.forward(3600)

    assert ended(files, job.id).status == "succeeded"
    until(lambda: not (slow_one.folder("files") / file).exists())


def test_a_dated_and_an_asynchronous_client_do_the_same(slow_one: EmulatorProcess) -> None:
    async def through(client: AsyncOpenAI) -> list[Any]:
        file = await client.files.create(
            purpose="evals", file=("a", b"{}"), expires_after=expiring(FORTNIGHT)["expires_after"]
        )
        content = await client.files.content(file.id)
        return [content.content, (await client.files.delete(file.id)).deleted]

    with AzureOpenAI(api_key=API_KEY, azure_endpoint=slow_one.address, api_version="2024-10-21") as dated:
        file = dated.files.create(purpose="evals", file=("a", b"{}"))
        assert dated.files.content(file.id).content == b"{}"
        assert dated.files.delete(file.id).deleted

    async def run() -> list[Any]:
        async with AsyncOpenAI(api_key=API_KEY, base_url=f"{slow_one.address}/openai/v1/") as client:
            return await through(client)

    assert asyncio.run(run()) == [b"{}", True]


def test_what_was_not_acknowledged_when_the_emulator_was_killed_is_swept_away(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path)
    with killed.client() as client:
        kept = put(client)
        deleted = put(client)
        client.files.delete(deleted)
        host, port = killed.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half:
            half.sendall(
                f"POST /openai/v1/files HTTP/1.1\r\nHost: a\r\napi-key: {API_KEY}\r\nContent-Length: 9000000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
                + form(('name="purpose"', "batch"), ('name="file"; filename="a"', "b" * 4_000_000))
            )
            until(lambda: any(path.suffix == ".part" for path in (tmp_path / "files").iterdir()))
            killed.kill()
    assert len(list((tmp_path / "files").iterdir())) == 2
    (tmp_path / "files" / "file-without-a-row").write_bytes(b"renamed, but never acknowledged")
    with running(tmp_path) as restarted, restarted.client() as client:
        assert [path.name for path in (tmp_path / "files").iterdir()] == [kept]
        assert [file.id for file in client.files.list()] == [kept]
        assert client.files.content(kept).content == GOOD


def peak_memory(emulator: EmulatorProcess) -> int:
    """Return the most bytes that the emulator ever had in memory."""
    status = Path(f"/proc/{emulator.process.pid}/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_half_a_gigabyte_comes_and_goes_without_filling_memory(tmp_path: Path) -> None:
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        for _ in range(512_000_000 // (len(TEXT) + 1)):
            file.write(TEXT + b"\n")
    with running(tmp_path / "state") as emulator, emulator.client() as client:
        before = peak_memory(emulator)
        created = client.files.create(purpose="fine-tune", file=large)
        client.files.wait_for_processing(created.id, poll_interval=0.05)
        with client.files.with_streaming_response.content(created.id) as content:
            received = sum(len(block) for block in content.iter_bytes(1 << 20))

        assert received == large.stat().st_size
        assert client.files.retrieve(created.id).status == "processed"
        assert peak_memory(emulator) - before < 64 << 20


@pytest.mark.slow
def test_a_file_above_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse.jsonl"
    with sparse.open("wb") as file:
        os.truncate(file.fileno(), 512_000_001)
    with running(tmp_path / "state") as emulator, emulator.client() as client:
        with pytest.raises(openai.BadRequestError, match="The maximum is 512000000 bytes"):
            client.files.create(purpose="fine-tune", file=sparse)

        assert list((tmp_path / "state" / "files").iterdir()) == []
        assert client.files.list().data == []
