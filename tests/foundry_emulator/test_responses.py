"""The Responses API through the official clients."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob
from openai.types.responses import Response
from pydantic import BaseModel

from tests.foundry_emulator.deployed import (
    BASE,
    SHOWN,
    TUNED,
    ask,
    both_deployed,
    deploy_base,
    log_probability,
    told,
)
from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import API_KEY, TEXTURES, EmulatorProcess, question, running

LOGPROBS: Any = ["message.output_text.logprobs"]
INSTRUCTIONS = str(question("")[0]["content"])
DAY = 86_400


class Verdict(BaseModel):
    label: Literal["checks", "dots", "rings", "stripes"]
    confidence: float


@pytest.fixture(scope="module")
def asked(client: OpenAI, control: CognitiveServicesManagementClient, trained: FineTuningJob) -> Iterator[OpenAI]:
    with both_deployed(client, control, trained.fine_tuned_model) as opened:
        yield opened


def showing(url: str = SHOWN.url) -> Any:
    return [{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "low"}]}]


def respond(client: OpenAI, name: str = TUNED, **options: Any) -> Response:
    given: dict[str, Any] = {
        "model": name,
        "input": showing(),
        "instructions": INSTRUCTIONS,
        "temperature": 0,
        **options,
    }
    response: Response = client.responses.create(**given)
    return response


def test_a_response_says_what_a_chat_completion_says(asked: OpenAI) -> None:
    for name in (BASE, TUNED):
        assert respond(asked, name).output_text == told(ask(asked, name))


def test_a_response_costs_what_a_chat_completion_costs(asked: OpenAI) -> None:
    usage, chat = respond(asked).usage, ask(asked, TUNED).usage

    assert usage is not None
    assert chat is not None
    assert (usage.input_tokens, usage.output_tokens) == (chat.prompt_tokens, chat.completion_tokens)


def test_probabilities_are_included_when_asked_for(asked: OpenAI) -> None:
    included = respond(asked, include=LOGPROBS, top_logprobs=4).output[0].to_dict()["content"][0]["logprobs"]  # type: ignore[index]
    plain = ask(asked, TUNED, logprobs=True)

    assert sum(token["logprob"] for token in included) == log_probability(plain)
    assert [len(token["top_logprobs"]) for token in included] == [4]
    assert respond(asked).output[0].to_dict()["content"][0]["logprobs"] == []  # type: ignore[index]


def test_a_response_is_parsed_into_a_model_of_pydantic(asked: OpenAI) -> None:
    parsed = asked.responses.parse(
        model=TUNED, input=showing(), instructions=INSTRUCTIONS, text_format=Verdict, temperature=0
    ).output_parsed

    assert parsed is not None
    assert parsed.label == told(ask(asked, TUNED))
    assert math.log(parsed.confidence) == pytest.approx(log_probability(ask(asked, TUNED, logprobs=True)))


def test_a_conversation_goes_on_from_a_kept_response(asked: OpenAI) -> None:
    first = respond(asked, instructions=None)
    second = respond(asked, instructions=None, previous_response_id=first.id, input="Are you sure?")

    assert second.output_text == first.output_text
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens  # type: ignore[union-attr]


def test_a_conversation_may_be_written_out_instead(asked: OpenAI) -> None:
    first = respond(asked, instructions=None)
    items = [*showing(), first.output[0].to_dict(), {"role": "user", "content": "Are you sure?"}]
    kept = respond(asked, instructions=None, previous_response_id=first.id, input="Are you sure?", include=LOGPROBS)
    written = respond(asked, instructions=None, input=items, include=LOGPROBS)

    assert written.output[0].to_dict()["content"] == kept.output[0].to_dict()["content"]


def test_a_kept_response_is_read_again_until_it_is_deleted(asked: OpenAI) -> None:
    response = respond(asked, metadata={"batch": "7"})

    assert asked.responses.retrieve(response.id) == response
    assert response.metadata == {"batch": "7"}
    asked.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{response.id}' not found"):
        asked.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError) as refusal:
        respond(asked, previous_response_id=response.id)
    assert (refusal.value.code, refusal.value.param) == ("previous_response_not_found", "previous_response_id")


def test_the_items_of_a_response_are_listed_newest_first(asked: OpenAI) -> None:
    first = respond(asked)
    second = respond(asked, previous_response_id=first.id, input="Sure?")
    listed = [item.to_dict() for item in asked.responses.input_items.list(second.id)]

    assert [item["role"] for item in listed] == ["user", "assistant", "user"]
    assert listed[0]["content"] == [{"type": "input_text", "text": "Sure?"}]


def test_a_response_that_is_not_to_be_kept_is_not(asked: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        asked.responses.retrieve(respond(asked, store=False).id)


def test_a_response_that_is_cut_says_so(asked: OpenAI) -> None:
    response = asked.responses.create(model=BASE, input="Why is the sky blue?", max_output_tokens=16)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage is not None
    assert response.usage.output_tokens == 16


def test_the_events_of_a_stream_tell_the_response_bit_by_bit(asked: OpenAI) -> None:
    events = list(
        asked.responses.create(
            model=TUNED, input=showing(), instructions=INSTRUCTIONS, temperature=0, stream=True, include=LOGPROBS
        )
    )
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")

    assert text == told(ask(asked, TUNED))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type.removeprefix("response.") for event in events if not event.type.endswith("delta")] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    for event in events:
        check(event.type, event.to_dict())


def test_the_streaming_helper_parses_what_it_has_put_together(asked: OpenAI) -> None:
    with asked.responses.stream(
        model=TUNED, input=showing(), instructions=INSTRUCTIONS, temperature=0, text_format=Verdict
    ) as stream:
        response = stream.get_final_response()

    assert response.output_parsed is not None
    assert response.output_parsed.label == told(ask(asked, TUNED))
    assert asked.responses.retrieve(response.id).output_text == response.output_text


async def streamed(address: str) -> str:
    async with AsyncOpenAI(api_key=API_KEY, base_url=f"{address}/openai/v1/") as client:
        stream = await client.responses.create(
            model=TUNED, input=showing(), instructions=INSTRUCTIONS, temperature=0, stream=True
        )
        return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])


def test_the_asynchronous_client_streams_too(asked: OpenAI, emulator: EmulatorProcess) -> None:
    assert asyncio.run(streamed(emulator.address)) == told(ask(asked, TUNED))


def test_the_dated_client_asks_for_responses(asked: OpenAI, emulator: EmulatorProcess) -> None:
    with AzureOpenAI(azure_endpoint=emulator.address, api_key=API_KEY, api_version="2025-04-01-preview") as dated:
        assert respond(dated).output_text in TEXTURES


def test_a_response_has_the_fields_of_the_specification(asked: OpenAI) -> None:
    response = respond(asked, include=LOGPROBS, top_logprobs=2)

    check("response", response.to_dict())
    check("response", asked.responses.retrieve(response.id).to_dict())


def test_kept_responses_survive_a_kill_and_are_forgotten_after_thirty_days(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path, "--speed", "20")
    with killed.client() as client, killed.management(retry_total=0) as control:
        deploy_base(client, control)
        kept = client.responses.create(model=BASE, input="Hello.")
        killed.kill()
    with running(tmp_path, "--speed", "20") as again, again.client() as client:
        assert client.responses.retrieve(kept.id).output_text == kept.output_text
        client.put(f"{again.address}/emulator/clock", cast_to=object, body={"forward_seconds": 31 * DAY})
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(kept.id)
