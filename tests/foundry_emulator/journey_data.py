"""Every call of the data plane, made once through the official clients; `seen.py` hears what they are answered."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import (
    MODEL,
    TEXTURES,
    ended,
    examples,
    in_status,
    question,
    training_file,
    until,
    upload,
)
from tests.foundry_emulator.test_batches import lines, put, request, rows
from tests.foundry_emulator.waiting import paused

FILE = training_file(examples(range(3)))
SHOWN = examples(range(1))[0].url
ASKED = question(SHOWN)
FORBIDDEN = "forbidden words"
FATED = "fated"
NO_ID = "0" * 32
BASE_DEPLOYMENT, TUNED_DEPLOYMENT = "fields-base", "fields-tuned"
SMALL_DEPLOYMENT, BATCH_DEPLOYMENT = "fields-small", "fields-batch"
VALIDATION, WORK, FINALIZING, CANCELLING = 600.0, 3_600.0, 60.0, 300.0
COPY: Any = {"headers": {"aoai-copy-ft-checkpoints": "preview"}}
SECOND = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/second"
Forward = Callable[[float], object]


def refused(call: Callable[[], object]) -> None:
    with pytest.raises((openai.APIStatusError, HttpResponseError)):
        call()


def on_files(client: OpenAI) -> None:
    files = client.files
    upload(client, b"no example")
    kept = files.create(
        purpose="fine-tune", file=("a.jsonl", FILE), expires_after={"anchor": "created_at", "seconds": 1_209_600}
    )
    files.list(limit=1)
    files.list(purpose="assistants")
    files.retrieve(kept.id)
    files.content(kept.id)
    files.delete(kept.id)
    for call in (files.retrieve, files.content, files.delete):
        refused(lambda call=call: call(kept.id))  # type: ignore[misc]
    refused(lambda: files.create(purpose="vision", file=("a.jsonl", FILE)))
    refused(lambda: files.list(limit=0))


def on_uploads(client: OpenAI) -> None:
    opened = [
        client.uploads.create(purpose="fine-tune", filename="a.jsonl", bytes=len(FILE), mime_type="text/jsonl").id
        for _ in range(2)
    ]
    part = client.uploads.parts.create(opened[0], data=FILE).id
    client.uploads.complete(opened[0], part_ids=[part])
    client.uploads.cancel(opened[1])
    refused(lambda: client.uploads.complete(opened[1], part_ids=[part]))
    refused(lambda: client.uploads.parts.create("nope", data=b"a"))
    refused(lambda: client.uploads.create(purpose="evals", filename="a", bytes=0, mime_type="text/jsonl"))


def on_jobs(client: OpenAI) -> tuple[str, str]:
    """Return a job that has succeeded, and its model; others have failed, were cancelled, paused and resumed."""
    file = upload(client, FILE).id
    jobs = client.fine_tuning.jobs
    done = jobs.create(
        model=MODEL,
        training_file=file,
        validation_file=file,
        suffix="fields",
        seed=3,
        metadata={"a": "b"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
        extra_body={"trainingType": "GlobalStandard"},
    )
    failed = jobs.create(model=MODEL, training_file=file, suffix=FATED)
    older: Any = {"n_epochs": 50, "batch_size": 1, "prompt_loss_weight": 0.1}
    endless = jobs.create(model=MODEL, training_file=file, hyperparameters=older)
    in_status(client, done.id, "running", "succeeded")
    jobs.cancel(endless.id)
    jobs.list(limit=3)
    for job in (done, failed, endless):
        ended(client, job.id)
        jobs.list_events(job.id, limit=100)
        jobs.checkpoints.list(job.id)
    resting = paused(client, jobs.create(model=MODEL, training_file=file, hyperparameters={"n_epochs": 50}).id)
    jobs.list(limit=2)
    jobs.list_events(resting.id, limit=5)
    client.models.retrieve(jobs.checkpoints.list(resting.id).data[0].id)
    jobs.resume(resting.id)
    jobs.cancel(resting.id)
    refused(lambda: jobs.create(model="gpt-nope", training_file=file))
    for call in (jobs.retrieve, jobs.cancel, jobs.pause, jobs.resume, jobs.list_events, jobs.checkpoints.list):
        refused(lambda call=call: call(f"ftjob-{NO_ID}"))  # type: ignore[misc]
    return done.id, str(jobs.retrieve(done.id).fine_tuned_model)


def on_copies(client: OpenAI, second: OpenAI, job: str) -> None:
    """Copy a checkpoint into the account of the client *second*."""
    body = {"destinationResourceId": SECOND, "region": "eastus2"}
    path = f"/fine_tuning/jobs/{job}/checkpoints/{client.fine_tuning.jobs.checkpoints.list(job).data[-1].id}/copy"
    refused(lambda: client.post(path, body=body, cast_to=object, options=COPY))
    ended(second, second.fine_tuning.jobs.create(model=MODEL, training_file=upload(second, FILE).id).id)
    refused(lambda: client.get(path, cast_to=object, options=COPY))
    client.post(path, body=body, cast_to=object, options=COPY)
    client.get(path, cast_to=object, options=COPY)


def on_models(client: OpenAI, fine_tuned: str) -> None:
    client.models.list()
    for name in (MODEL, fine_tuned):
        client.models.retrieve(name)
    refused(lambda: client.models.retrieve("gpt-nope"))


def on_chat(client: OpenAI) -> None:
    """Ask the base model deployment, the tuned one and a small one, whole and in chunks."""
    ask = client.chat.completions.create
    for name in (BASE_DEPLOYMENT, TUNED_DEPLOYMENT):
        until(lambda name=name: _asked(client, name))  # type: ignore[misc]
    ask(model=TUNED_DEPLOYMENT, messages=ASKED, logprobs=True, top_logprobs=3, n=2)
    ask(model=BASE_DEPLOYMENT, messages=[{"role": "user", "content": "Why?"}], max_tokens=1)
    list(ask(model=TUNED_DEPLOYMENT, messages=ASKED, stream=True, logprobs=True))
    list(ask(model=TUNED_DEPLOYMENT, messages=ASKED, stream=True, stream_options={"include_usage": True}, n=2))
    refused(lambda: ask(model=BASE_DEPLOYMENT, messages=[]))
    refused(lambda: ask(model=BASE_DEPLOYMENT, messages=[{"role": "user", "content": FORBIDDEN}]))
    refused(lambda: ask(model="nope", messages=ASKED))
    refused(lambda: client.with_options(api_key="wrong").models.list())
    refused(lambda: client.get("/nope", cast_to=object))
    refused(lambda: [ask(model=SMALL_DEPLOYMENT, messages=ASKED) for _ in range(100)])


def _asked(client: OpenAI, name: str) -> bool:
    with suppress(openai.NotFoundError):
        client.chat.completions.create(model=name, messages=ASKED)
        return True
    return False


def on_responses(client: OpenAI) -> None:
    responses = client.responses
    shown: Any = [{"role": "user", "content": [{"type": "input_image", "image_url": SHOWN, "detail": "low"}]}]
    asked: dict[str, Any] = {"model": TUNED_DEPLOYMENT, "input": shown, "instructions": ASKED[0]["content"]}
    first = responses.create(**asked, metadata={"a": "b"})
    label = {"type": "object", "properties": {"label": {"type": "string", "enum": list(TEXTURES)}}}
    strict = {**label, "required": ["label"], "additionalProperties": False}
    form: Any = {"type": "json_schema", "name": "texture", "strict": True, "schema": strict}
    included: Any = ["message.output_text.logprobs"]
    again = responses.create(**asked, previous_response_id=first.id, text={"format": form}, include=included)
    list(responses.create(**asked, stream=True, include=included, top_logprobs=2))
    list(responses.create(model=BASE_DEPLOYMENT, input="Why is the sky blue?", max_output_tokens=16, stream=True))
    responses.retrieve(again.id)
    responses.input_items.list(again.id)
    responses.input_items.list(first.id, order="asc")
    refused(lambda: responses.cancel(first.id))
    # the client drops what a deletion is answered
    responses.delete(first.id)
    for call in (responses.retrieve, responses.delete, responses.cancel, responses.input_items.list):
        refused(lambda call=call: call(first.id))  # type: ignore[misc]
    refused(lambda: responses.create(model=BASE_DEPLOYMENT, input=[]))
    refused(lambda: responses.create(model=BASE_DEPLOYMENT, input=FORBIDDEN))


def on_batches(client: OpenAI, forward: Forward) -> None:
    """See batches in every status: one completes, one is cancelled and one is refused."""
    good = put(client, lines(*(request(f"r{number}", body=_batched()) for number in range(2)), request("wrong", body={
        "model": BATCH_DEPLOYMENT})))  # fmt: skip
    wrong = put(client, lines(request("a", body=_batched()), request("a", body=_batched())) + b"\n{")
    made: dict[str, Any] = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
    whole = client.batches.create(input_file_id=good, metadata={"a": "b"}, **made).id
    failing = client.batches.create(input_file_id=wrong, **made).id
    given_up = client.batches.create(input_file_id=good, **made).id
    client.batches.cancel(given_up)
    _passes(client, forward, VALIDATION, {whole: "in_progress", failing: "failed"})
    late = client.batches.create(input_file_id=good, **made).id
    _passes(client, forward, VALIDATION, {late: "in_progress", given_up: "cancelled"})
    client.batches.cancel(late)
    client.batches.list(limit=2)
    _passes(client, forward, WORK, {whole: "finalizing", late: "cancelled"})
    _passes(client, forward, FINALIZING, {whole: "completed"})
    done = client.batches.retrieve(whole)
    for name, file in (("batch output line", done.output_file_id), ("batch error line", done.error_file_id)):
        told = rows(client, file)
        assert told
        for line in told:
            check(name, line)
    refused(lambda: client.batches.cancel(whole))
    refused(lambda: client.batches.retrieve("batch_nope"))
    refused(lambda: client.batches.create(input_file_id="file-nope", **made))


def _batched() -> dict[str, Any]:
    return {"model": BATCH_DEPLOYMENT, "messages": ASKED}


def _passes(client: OpenAI, forward: Forward, seconds: float, wanted: dict[str, str]) -> None:
    """Set the clock forward and wait until the batches are in the statuses that are *wanted*."""
    forward(seconds)
    for batch, status in wanted.items():
        until(lambda batch=batch, status=status: client.batches.retrieve(batch).status == status)  # type: ignore[misc]


def on_dated_addresses(client: AzureOpenAI) -> None:
    """Make the calls that only the dated form has, and some that both have."""
    client.files.list()
    job = client.fine_tuning.jobs.list(limit=1).data[0].id
    client.delete(f"/fine_tuning/jobs/{job}", cast_to=type(None))
    refused(lambda: client.fine_tuning.jobs.retrieve(job))
    client.chat.completions.create(model=BASE_DEPLOYMENT, messages=ASKED)
    client.responses.create(model=BASE_DEPLOYMENT, input="Why?")
    client.models.list()
    client.batches.list()


async def on_the_async_client(client: AsyncOpenAI) -> None:
    async with client:
        await client.models.list()
        await client.files.list(limit=1)
        await client.fine_tuning.jobs.list(limit=1)
        await client.batches.list(limit=1)
        await client.chat.completions.create(model=BASE_DEPLOYMENT, messages=ASKED)
        stream = await client.chat.completions.create(model=BASE_DEPLOYMENT, messages=ASKED, stream=True)
        async for _ in stream:
            pass
        await client.responses.create(model=BASE_DEPLOYMENT, input="Why?", store=False)
