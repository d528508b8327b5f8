"""Batches: many requests in a file, answered in the background."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from azure.mgmt.cognitiveservices.models import Deployment, DeploymentModel, DeploymentProperties, Sku
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tests.foundry_emulator.support import (
    API_KEY,
    DAY,
    TEXTURES,
    EmulatorProcess,
    data_url,
    draw,
    examples,
    question,
    running,
    train,
    until,
)

IMAGES = [data_url(draw(texture, number)) for number in range(3) for texture in TEXTURES]
QUICK = ("--speed", "20")
STEPS = ("--batch-validation-seconds", "600", "--batch-work-seconds", "3600", "--batch-finalizing-seconds", "60")
BASE = ("gpt-4o", "2024-08-06")


def deploy(emulator: EmulatorProcess, name: str, sku: str, model: tuple[str, str] = BASE) -> None:
    """Deploy a model through the control plane, and set the clock forward until it answers."""
    with emulator.management(retry_total=0) as control:
        properties = DeploymentProperties(model=DeploymentModel(format="OpenAI", name=model[0], version=model[1]))
        body = Deployment(sku=Sku(name=sku, capacity=10), properties=properties)
        control.deployments.begin_create_or_update("group", "local", name, body, enforce_https=False).result()
    emulator.forward(60)


@contextmanager
def batching(state: Path, *options: str) -> Iterator[tuple[EmulatorProcess, OpenAI]]:
    """Yield an emulator with a batch deployment, and a client of it."""
    with running(state, *options) as emulator, emulator.client() as client:
        deploy(emulator, "many", "GlobalBatch")
        yield emulator, client


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, OpenAI]]:
    with batching(tmp_path_factory.mktemp("batches"), *QUICK) as pair:
        yield pair


@pytest.fixture(scope="module")
def client(quick: tuple[EmulatorProcess, OpenAI]) -> OpenAI:
    return quick[1]


def request(custom_id: str, url: str = IMAGES[0], **changes: Any) -> dict[str, Any]:
    """Return one line of an input file."""
    body = {"model": "many", "messages": question(url), "temperature": 0}
    return {"custom_id": custom_id, "method": "POST", "url": "/chat/completions", "body": body, **changes}


def lines(*requests: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in requests)


def put(client: OpenAI, content: bytes, **options: Any) -> str:
    """Upload an input file and wait until it is processed; return its id."""
    file = client.files.create(purpose="batch", file=("in.jsonl", content), **options)
    return client.files.wait_for_processing(file.id, poll_interval=0.01).id


def start(client: OpenAI, content: bytes, **options: Any) -> str:
    """Create a batch of *content*; return its id."""
    wanted = {"input_file_id": put(client, content), "endpoint": "/chat/completions", "completion_window": "24h"}
    return client.batches.create(**{**wanted, **options}).id


def status(client: OpenAI, batch: str) -> str:
    return client.batches.retrieve(batch).status


def ended(client: OpenAI, batch: str) -> Any:
    """Return the batch once nothing more becomes of it."""
    until(lambda: status(client, batch) in ("completed", "failed", "cancelled"))
    return client.batches.retrieve(batch)


def rows(client: OpenAI, file: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(str(file)).text.splitlines()]


def test_a_batch_answers_what_chat_answers(client: OpenAI, quick: tuple[EmulatorProcess, OpenAI]) -> None:
    deploy(quick[0], "single", "Standard")
    batch = ended(client, start(client, lines(*(request(f"r{i}", url) for i, url in enumerate(IMAGES[:4])))))
    answers = {row["custom_id"]: row["response"]["body"] for row in rows(client, batch.output_file_id)}
    asked = [client.chat.completions.create(model="single", messages=question(u), temperature=0) for u in IMAGES[:4]]

    assert batch.status == "completed"
    assert [answers[f"r{i}"]["choices"][0]["message"]["content"] for i in range(4)] == [
        each.choices[0].message.content for each in asked
    ]
    assert answers["r0"]["usage"] == asked[0].usage.to_dict()  # type: ignore[union-attr]


def test_an_output_line_has_the_fields_of_the_service(client: OpenAI) -> None:
    batch = ended(client, start(client, lines(request("a"))))
    [row] = rows(client, batch.output_file_id)
    files = [client.files.retrieve(file) for file in (batch.output_file_id, batch.error_file_id)]

    assert row.keys() == {"id", "custom_id", "response", "error"}
    assert row["response"].keys() == {"status_code", "request_id", "body"}
    assert (row["response"]["status_code"], row["error"]) == (200, None)
    assert [str(file.purpose) for file in files] == ["batch_output", "batch_output"]
    assert client.files.content(str(batch.error_file_id)).content == b""


def test_a_batch_is_told_as_the_service_tells_it(client: OpenAI) -> None:
    answer = client.batches.with_raw_response.create(
        input_file_id=put(client, lines(request("a"))),
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"why": "test"},
    )
    told = json.loads(answer.http_response.text)

    assert told["status"] == "validating"
    assert (told["output_file_id"], told["error_file_id"], told["errors"]) == ("", "", None)
    assert told["request_counts"] == {"completed": 0, "failed": 0, "total": 0}
    assert (told["endpoint"], told["completion_window"]) == ("/v1/chat/completions", "24h")
    assert told["expires_at"] == told["created_at"] + 86_400
    assert told["metadata"] == {"why": "test"}
    assert told["id"].startswith("batch_")
    moments = {"cancelled_at", "cancelling_at", "completed_at", "expired_at", "failed_at", "finalizing_at"}
    assert {name for name in told if told[name] is None} == moments | {"errors", "in_progress_at"}


def test_what_cannot_be_answered_goes_to_the_error_file(client: OpenAI) -> None:
    too_many = {"model": "many", "messages": question(IMAGES[0]), "n": 1_000_000}
    wrong = [
        request("undecodable", data_url(b"no image")),
        request("too many choices", body=too_many),
        request("no messages", body={"model": "many"}),
        request("odd role", body={"model": "many", "messages": [{"role": "robot", "content": "a"}]}),
    ]
    batch = ended(client, start(client, lines(request("first"), *wrong, request("last"))))
    failures = {row["custom_id"]: row["response"] for row in rows(client, batch.error_file_id)}

    assert batch.status == "completed"
    assert batch.request_counts.to_dict() == {"completed": 2, "failed": 4, "total": 6}
    assert [row["custom_id"] for row in rows(client, batch.output_file_id)] == ["first", "last"]
    assert failures.keys() == {row["custom_id"] for row in wrong}
    assert failures["undecodable"]["status_code"] == 400
    assert "Invalid image data" in failures["undecodable"]["body"]["error"]["message"]


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"\n \n", "empty_file", None),
        (lines(request("a")) + b"\n{", "invalid_json_line", 2),
        (b"[1]", "invalid_json_line", 1),
        (b"\xff", "invalid_json_line", 1),
        (b"[" * 100_000, "invalid_json_line", 1),
        (lines(request("a"), {**request("b"), "url": "/v1/embeddings"}), "url_mismatch", 2),
        (lines(request("a"), request("b"), request("a")), "duplicate_custom_id", 3),
        (lines(request("a", body={"model": "nope", "messages": []})), "model_not_found", 1),
        (lines(request("a"), request("b", body={"model": "other", "messages": []})), "model_mismatch", 2),
        (lines(request("a", body={"messages": []})), "invalid_request", 1),
        (lines(request("a", body=[])), "invalid_request", 1),
        (lines(request("a", method="GET")), "invalid_request", 1),
        (lines(request("")), "invalid_request", 1),
        (lines({**request("a"), "custom_id": 5}), "invalid_request", 1),
        (lines({**request("a"), "url": None}), "invalid_request", 1),
        (b"\n".join(lines(request(str(i), body={"model": "many"})) for i in range(100_001)), "too_many_tasks", None),
    ],
)
def test_a_wrong_input_file_fails_the_batch_with_the_code_of_the_service(
    client: OpenAI, content: bytes, code: str, line: int | None
) -> None:
    batch = ended(client, start(client, content))

    assert batch.status == "failed"
    assert [(error.code, error.line) for error in batch.errors.data] == [(code, line)]
    assert batch.failed_at >= batch.created_at
    assert (batch.output_file_id, batch.error_file_id) == ("", "")


def test_a_byte_order_mark_is_rejected_in_the_words_of_the_service(client: OpenAI) -> None:
    batch = ended(client, start(client, b"\xef\xbb\xbf" + lines(request("a"))))

    assert batch.status == "failed"
    assert batch.errors.data[0].message.startswith(
        "Validation failed: A valid model deployment name couldn't be extracted from the input file."
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"input_file_id": "file-nope"}, "does not exist"),
        ({"input_file_id": None}, "'input_file_id' is required"),
        ({"input_file_id": {"id": 1}}, "'input_file_id' is required"),
        ({"endpoint": "/v1/embeddings"}, "The endpoint '/v1/embeddings' is not one of"),
        ({"endpoint": None}, "The endpoint"),
        ({"completion_window": "48h"}, "completion_window must be '24h'"),
        ({"metadata": {"a": 1}}, "metadata 'a' must be text"),
        ({"metadata": ["a"]}, "metadata must be an object"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, "from 1209600 to 2592000"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(client: OpenAI, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        start(client, lines(request("a")), extra_body=given)


def test_an_input_file_must_be_for_batches_and_processed(tmp_path: Path) -> None:
    with running(tmp_path, "--file-processing-seconds", "600") as emulator, emulator.client() as client:
        early = client.files.create(purpose="batch", file=("a", lines(request("a"))))
        other = client.files.create(purpose="evals", file=("a", lines(request("a"))))
        for file, reason in ((early, "status is pending"), (other, "has the purpose 'evals', not 'batch'")):
            with pytest.raises(openai.BadRequestError, match=reason):
                client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def test_only_batch_deployments_of_base_models_serve_batches(
    client: OpenAI, quick: tuple[EmulatorProcess, OpenAI]
) -> None:
    job = train(
        client, examples(range(4)), hyperparameters={"n_epochs": 1}, extra_body={"trainingType": "GlobalStandard"}
    )
    deploy(quick[0], "tuned", "GlobalStandard", (str(job.fine_tuned_model), "1"))
    deploy(quick[0], "ordinary", "GlobalStandard")
    told = {}
    for name in ("tuned", "ordinary"):
        batch = ended(client, start(client, lines(request("a", body={"model": name, "messages": question(IMAGES[0])}))))
        told[name] = [(error.code, error.message) for error in batch.errors.data]

    assert told["tuned"][0][0] == told["ordinary"][0][0] == "invalid_request"
    assert "fine-tuned" in told["tuned"][0][1]
    assert "GlobalStandard" in told["ordinary"][0][1]


def test_a_batch_deployment_does_not_chat(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="The chatCompletion operation does not work") as refusal:
        client.chat.completions.create(model="many", messages=question(IMAGES[0]))

    assert refusal.value.code == "OperationNotSupported"


def test_batches_are_counted_as_calls_of_their_own_kind(client: OpenAI, quick: tuple[EmulatorProcess, OpenAI]) -> None:
    ended(client, start(client, lines(request("a"), request("b", data_url(b"no image")))))
    with sqlite3.connect(quick[0].folder("calls.sqlite")) as database:
        kinds = database.execute(
            "select distinct operation, status from calls where operation like 'Batch%'"
        ).fetchall()
    database.close()

    assert sorted(kinds) == [("Batch_ChatCompletions_Create", 200), ("Batch_ChatCompletions_Create", 400)]


def test_a_batch_takes_its_steps_at_their_moments(tmp_path: Path) -> None:
    with batching(tmp_path, *STEPS) as (emulator, client):
        batch = start(client, lines(request("a")))
        seen = [status(client, batch)]
        for seconds, following in ((600, "in_progress"), (3600, "finalizing"), (60, "completed")):
            emulator.forward(seconds + 5)
            until(lambda wanted=following: status(client, batch) == wanted)  # type: ignore[misc]
            seen.append(following)

        assert seen == ["validating", "in_progress", "finalizing", "completed"]


def test_a_jump_of_forty_days_leaves_every_moment_where_it_belongs(tmp_path: Path) -> None:
    fortnight = {"anchor": "created_at", "seconds": 1_209_600}
    with batching(tmp_path, *STEPS) as (emulator, client):
        kept = start(client, lines(request("a")))
        expired = start(client, lines(request("a")), extra_body={"output_expires_after": fortnight})
        emulator.forward(40 * DAY)
        told = ended(client, kept)
        moments = [told.in_progress_at, told.finalizing_at, told.completed_at]

        assert [round((moment - told.created_at) / 60) for moment in moments] == [10, 70, 71]
        assert client.files.retrieve(str(told.output_file_id)).created_at == told.completed_at
        with pytest.raises(openai.NotFoundError):
            client.files.content(str(ended(client, expired).output_file_id))


def test_a_cancelled_batch_keeps_what_was_answered(tmp_path: Path) -> None:
    with batching(tmp_path, *STEPS, "--batch-cancelling-seconds", "600") as (emulator, client):
        batch = start(client, lines(request("a"), request("b", data_url(b"no image"))))
        emulator.forward(605)
        until(lambda: client.batches.retrieve(batch).to_dict()["request_counts"]["failed"] == 1)  # type: ignore[index]
        assert client.batches.cancel(batch).status == "cancelling"
        assert client.batches.cancel(batch).status == "cancelling"
        emulator.forward(600)
        told = ended(client, batch)

        assert (told.status, told.completed_at) == ("cancelled", None)
        assert told.cancelled_at - told.cancelling_at == 600
        assert [row["custom_id"] for row in rows(client, told.output_file_id)] == ["a"]
        assert [row["custom_id"] for row in rows(client, told.error_file_id)] == ["b"]
        with pytest.raises(openai.BadRequestError, match="Cannot cancel a batch with status 'cancelled'"):
            client.batches.cancel(batch)


def test_a_batch_cancelled_before_it_began_has_no_files(tmp_path: Path) -> None:
    with batching(tmp_path, *STEPS, "--batch-cancelling-seconds", "0") as (_, client):
        batch = start(client, lines(request("a")))
        client.batches.cancel(batch)
        told = ended(client, batch)

        assert (told.status, told.output_file_id, told.error_file_id) == ("cancelled", "", "")


def test_batches_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    with batching(tmp_path, *QUICK) as (_, client):
        file = put(client, lines(request("a")))
        made = [
            client.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h").id
            for _ in range(5)
        ]

        assert [batch.id for batch in client.batches.list(limit=2).data] == made[:2:-1]
        assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
        for query in ({"limit": 0}, {"limit": 101}, {"after": "batch_nope"}):
            with pytest.raises(openai.BadRequestError):
                client.batches.list(extra_query=query)


def test_a_batch_does_not_need_its_input_file_any_more(tmp_path: Path) -> None:
    with batching(tmp_path, *STEPS) as (emulator, client):
        batch = start(client, lines(request("a")))
        file = client.batches.retrieve(batch).input_file_id
        client.files.delete(file)
        emulator.forward(DAY)

        assert ended(client, batch).request_counts.completed == 1
        until(lambda: not (emulator.folder("files") / file).exists())


def test_a_killed_batch_goes_on_where_it_was_and_answers_nothing_twice(tmp_path: Path) -> None:
    count = 2_000
    bodies = ({"model": "many", "messages": [{"role": "user", "content": str(i)}]} for i in range(count))
    asked = [request(str(i), body=body) for i, body in enumerate(bodies)]
    killed = EmulatorProcess(tmp_path, *QUICK)
    with killed.client() as client:
        deploy(killed, "many", "GlobalBatch")
        batch = start(client, lines(*asked))
        until(lambda: 0 < client.batches.retrieve(batch).to_dict()["request_counts"]["completed"] < count)  # type: ignore[index]
        killed.kill()
    with (tmp_path / "batches" / f"{batch}.output").open("ab") as output:
        output.write(b'{"custom_id": "written, but not recor')
    with running(tmp_path, *QUICK) as restarted, restarted.client() as client:
        told = ended(client, batch)

        assert [row["custom_id"] for row in rows(client, told.output_file_id)] == [str(i) for i in range(count)]
        assert told.request_counts.to_dict() == {"completed": count, "failed": 0, "total": count}
        assert list((tmp_path / "batches").iterdir()) == []


def test_a_dated_and_an_asynchronous_client_do_the_same(quick: tuple[EmulatorProcess, OpenAI]) -> None:
    emulator, client = quick
    wanted: dict[str, Any] = {"endpoint": "/chat/completions", "completion_window": "24h"}
    file = put(client, lines(request("a")))

    async def run() -> str:
        async with AsyncOpenAI(api_key=API_KEY, base_url=f"{emulator.address}/openai/v1/") as asynchronous:
            batch = await asynchronous.batches.create(input_file_id=file, **wanted)
            return (await asynchronous.batches.retrieve(batch.id)).id

    with AzureOpenAI(api_key=API_KEY, azure_endpoint=emulator.address, api_version="2024-10-21") as dated:
        batch = dated.batches.create(input_file_id=file, **wanted)
        assert ended(dated, batch.id).status == "completed"
        assert ended(dated, asyncio.run(run())).status == "completed"


def test_accounts_do_not_see_each_others_batches(tmp_path: Path) -> None:
    with running(tmp_path, "--account", "local", "--account", "two", *QUICK) as emulator, emulator.client() as one:
        batch = start(one, lines(request("a")))
        two = one.with_options(base_url=f"{emulator.address}/two/openai/v1/")

        assert two.batches.list().data == []
        for unseen in (two.batches.retrieve, two.batches.cancel):
            with pytest.raises(openai.NotFoundError):
                unseen(batch)
