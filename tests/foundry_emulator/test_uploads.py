"""Uploads in parts: opened, filled, completed, given up, expired."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tests.foundry_emulator.support import API_KEY, EmulatorProcess, examples, running, training_file, until

GOOD = training_file(examples(range(3)))
PART = 10_000
DIGEST = hashlib.md5(GOOD).hexdigest()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("uploads"), "--speed", "100") as process:
        yield process


@pytest.fixture(scope="module")
def uploading(one: EmulatorProcess) -> Iterator[OpenAI]:
    with one.client() as opened:
        yield opened


def opened(client: OpenAI, **request: Any) -> str:
    """Open an upload of six bytes; return its id."""
    usual = {"purpose": "evals", "filename": "a.jsonl", "bytes": 6, "mime_type": "application/jsonl"}
    return client.uploads.create(**{**usual, **request}).id


def filled(client: OpenAI, upload: str, *parts: bytes) -> list[str]:
    return [client.uploads.parts.create(upload, data=part).id for part in parts]


@pytest.mark.parametrize("md5", [DIGEST, DIGEST.upper()])
def test_the_client_brings_a_file_in_parts_from_memory(uploading: OpenAI, md5: str) -> None:
    done = uploading.uploads.upload_file_chunked(
        file=GOOD,
        filename="a.jsonl",
        bytes=len(GOOD),
        mime_type="text/jsonl",
        purpose="fine-tune",
        part_size=PART,
        md5=md5,
    )

    assert done.status == "completed"
    assert done.file is not None
    assert uploading.files.content(done.file.id).content == GOOD
    assert uploading.files.wait_for_processing(done.file.id, poll_interval=0.02).status == "processed"


def test_the_client_brings_a_file_in_parts_from_disk(uploading: OpenAI, tmp_path: Path) -> None:
    (tmp_path / "large.jsonl").write_bytes(GOOD)
    done = uploading.uploads.upload_file_chunked(
        file=tmp_path / "large.jsonl", mime_type="text/jsonl", purpose="batch", part_size=PART
    )

    assert done.file is not None
    assert (done.file.filename, done.file.bytes, done.file.purpose) == ("large.jsonl", len(GOOD), "batch")


def test_an_asynchronous_and_a_dated_client_do_the_same(one: EmulatorProcess, tmp_path: Path) -> None:
    (tmp_path / "large.jsonl").write_bytes(GOOD)
    request: dict[str, Any] = {"mime_type": "text/jsonl", "purpose": "evals", "part_size": PART}

    async def run() -> str:
        async with AsyncOpenAI(api_key=API_KEY, base_url=f"{one.address}/openai/v1/") as client:
            done = await client.uploads.upload_file_chunked(file=tmp_path / "large.jsonl", **request)
            assert done.file is not None
            return done.file.id

    with AzureOpenAI(api_key=API_KEY, azure_endpoint=one.address, api_version="2024-10-21") as dated:
        done = dated.uploads.upload_file_chunked(file=tmp_path / "large.jsonl", **request)
        assert done.file is not None
        assert dated.files.content(done.file.id).content == GOOD
        assert dated.files.content(asyncio.run(run())).content == GOOD


def test_an_upload_is_told_as_the_service_tells_it(uploading: OpenAI) -> None:
    told = uploading.uploads.create(purpose="fine-tune", filename="a", bytes=6, mime_type="text/plain").to_dict()
    part = uploading.uploads.parts.create(str(told["id"]), data=b"abc").to_dict()

    assert str(told["id"]).startswith("fine-tune-")
    assert told.keys() == {"id", "object", "status", "bytes", "filename", "purpose", "created_at", "expires_at"}
    assert (told["object"], told["status"]) == ("upload", "pending")
    assert int(str(told["expires_at"])) - int(str(told["created_at"])) == 7200
    assert part.keys() == {"id", "object", "created_at", "upload_id"}
    assert (part["object"], part["upload_id"]) == ("upload.part", told["id"])


def test_the_parts_are_joined_in_the_order_in_which_they_are_named(uploading: OpenAI) -> None:
    upload = opened(uploading)
    last, unused, first = filled(uploading, upload, b"def", b"xyz", b"abc")
    done = uploading.uploads.complete(upload, part_ids=[first, last])

    assert unused not in (first, last)
    assert done.file is not None
    assert uploading.files.content(done.file.id).content == b"abcdef"


def test_completing_again_answers_the_same_and_makes_no_second_file(uploading: OpenAI) -> None:
    upload = opened(uploading)
    parts = filled(uploading, upload, b"abc", b"def")
    first = uploading.uploads.complete(upload, part_ids=parts)
    before = len(uploading.files.list().data)
    again = uploading.uploads.complete(upload, part_ids=parts)

    assert again.to_dict()["file"]["id"] == first.to_dict()["file"]["id"]  # type: ignore[index]
    assert len(uploading.files.list().data) == before
    with pytest.raises(openai.BadRequestError, match="is completed"):
        uploading.uploads.complete(upload, part_ids=parts[::-1])


def test_parts_leave_the_disk_when_the_upload_has_ended(uploading: OpenAI, one: EmulatorProcess) -> None:
    ways = (
        lambda upload, parts: uploading.uploads.complete(upload, part_ids=parts),
        lambda upload, _parts: uploading.uploads.cancel(upload),
        lambda _upload, _parts: one.forward(7200),
    )
    for end in ways:
        upload = opened(uploading)
        parts = filled(uploading, upload, b"abc", b"def")
        assert all((one.folder("uploads") / part).exists() for part in parts)
        end(upload, parts)
        until(lambda kept=parts: not any((one.folder("uploads") / part).exists() for part in kept))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"bytes": 0}, "'bytes' must be a whole number"),
        ({"bytes": "6"}, "'bytes' must be a whole number"),
        ({"bytes": 8_000_000_001}, "'bytes' must be a whole number"),
        ({"purpose": "batch", "bytes": 200_000_001}, "maximum is 200000000"),
        ({"purpose": "fine-tune", "bytes": 1_000_000_001}, "bytes of all fine-tune files is reached"),
        ({"purpose": "vision"}, "The purpose 'vision' is not one of"),
        ({"filename": ""}, "filename of 1 to 255"),
        ({"filename": "a\nb"}, "control characters"),
        ({"filename": 5}, "filename of 1 to 255"),
        ({"mime_type": ""}, "'mime_type' is required"),
        ({"mime_type": "\x01"}, "'mime_type' is required"),
        ({"expires_after": {"anchor": "created_at", "seconds": 5}}, "from 1209600 to 2592000"),
        ({"expires_after": "never"}, "must be an object"),
    ],
)
def test_an_upload_that_makes_no_sense_is_refused(uploading: OpenAI, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        opened(uploading, extra_body=given)


def test_what_was_not_announced_is_not_completed(uploading: OpenAI) -> None:
    upload, other = opened(uploading), opened(uploading)
    first, second = filled(uploading, upload, b"abc", b"def")
    [foreign] = filled(uploading, other, b"def")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"part_ids": [first]}, "The parts have 3 bytes, but the upload was to have 6"),
        ({"part_ids": [first, foreign]}, "is not one of the upload"),
        ({"part_ids": [first, "part_nope"]}, "is not one of the upload"),
        ({"part_ids": [first, first]}, "more than once"),
        ({"part_ids": []}, "must be a list"),
        ({"part_ids": "abc"}, "must be a list"),
        ({"part_ids": [1, 2]}, "must be a list"),
        ({"part_ids": [first, second], "md5": DIGEST}, "The MD5 digest of the parts is not the given one"),
        ({"part_ids": [first, second], "md5": "nope"}, "32 hexadecimal digits"),
    ]
    for body, reason in wrong:
        with pytest.raises(openai.BadRequestError, match=reason):
            uploading.uploads.complete(upload, part_ids=[], extra_body=body)

    assert uploading.uploads.complete(upload, part_ids=[first, second]).status == "completed"


def test_an_upload_that_has_ended_takes_no_part(uploading: OpenAI, one: EmulatorProcess) -> None:
    completed, cancelled, expired = (opened(uploading) for _ in range(3))
    uploading.uploads.complete(completed, part_ids=filled(uploading, completed, b"abcdef"))
    assert uploading.uploads.cancel(cancelled).status == "cancelled"
    assert uploading.uploads.cancel(cancelled).status == "cancelled"
    parts = filled(uploading, expired, b"abcdef")
    one.forward(7200)

    for upload, status in ((completed, "completed"), (cancelled, "cancelled"), (expired, "expired")):
        with pytest.raises(openai.BadRequestError, match=f"is {status}"):
            uploading.uploads.parts.create(upload, data=b"abc")
    for upload in (completed, expired):
        with pytest.raises(openai.BadRequestError, match=r"is (completed|expired)"):
            uploading.uploads.cancel(upload)
    with pytest.raises(openai.BadRequestError, match="is expired"):
        uploading.uploads.complete(expired, part_ids=parts)


def test_a_part_that_cannot_be_is_refused(uploading: OpenAI) -> None:
    upload = opened(uploading)
    for data, reason in ((b"", "The part is empty"), (b"abcdefg", "more bytes than the upload may have: 6")):
        with pytest.raises(openai.BadRequestError, match=reason):
            uploading.uploads.parts.create(upload, data=data)
    with pytest.raises(openai.NotFoundError):
        uploading.uploads.parts.create("evals-nope", data=b"abc")
    with pytest.raises(openai.NotFoundError):
        uploading.uploads.complete("evals-nope", part_ids=["part_nope"])


def test_parts_survive_a_kill_and_the_upload_can_be_completed(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path)
    with killed.client() as client:
        upload = opened(client)
        parts = filled(client, upload, b"abc", b"def")
        killed.kill()
    (tmp_path / "uploads" / "half.part").write_bytes(b"never acknowledged")
    with running(tmp_path) as restarted, restarted.client() as client:
        assert sorted(path.name for path in (tmp_path / "uploads").iterdir()) == sorted(parts)
        done = client.uploads.complete(upload, part_ids=parts, md5=hashlib.md5(b"abcdef").hexdigest())

        assert done.file is not None
        assert client.files.content(done.file.id).content == b"abcdef"
