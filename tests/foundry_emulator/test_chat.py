"""Chat completions through the official clients: tokens, probabilities, limits of length, streams."""

import asyncio
import io
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk
from openai.types.fine_tuning import FineTuningJob
from PIL import Image

from tests.foundry_emulator.deployed import (
    BASE,
    HELD_OUT,
    SHOWN,
    TEXT_QUESTION,
    TUNED,
    ask,
    both_deployed,
    log_probability,
    tokens_of,
    told,
)
from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import (
    API_KEY,
    TEXTURES,
    EmulatorProcess,
    data_url,
    draw,
    examples,
    question,
    running,
)

LONG_LISTS: list[Any] = [
    {"role": "system", "content": "Answer with one of: rolled-in scale at the edge, rolled-in scale, open seam."},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": SHOWN.url}}]},
]


@pytest.fixture(scope="module")
def asked(client: OpenAI, control: CognitiveServicesManagementClient, trained: FineTuningJob) -> Iterator[OpenAI]:
    with both_deployed(client, control, trained.fine_tuned_model) as opened:
        yield opened


def long_answer(client: OpenAI, **options: Any) -> Any:
    given: dict[str, Any] = {"temperature": 0, "logprobs": True, **options}
    return client.chat.completions.create(model=BASE, messages=LONG_LISTS, **given)


def chunks_of(client: OpenAI, **options: Any) -> list[ChatCompletionChunk]:
    given: dict[str, Any] = {"model": TUNED, "messages": question(SHOWN.url), "temperature": 0, **options}
    return list(client.chat.completions.create(stream=True, **given))


def test_the_probabilities_of_all_answers_add_up_to_one(asked: OpenAI) -> None:
    listed = tokens_of(ask(asked, TUNED, logprobs=True, top_logprobs=20))[0].top_logprobs

    assert sorted(each.token for each in listed) == list(TEXTURES)
    assert sum(math.exp(each.logprob) for each in listed) == pytest.approx(1, abs=1e-6)


def test_alternatives_come_most_probable_first_and_only_as_many_as_asked_for(asked: OpenAI) -> None:
    listed = tokens_of(ask(asked, TUNED, logprobs=True, top_logprobs=3))[0].top_logprobs

    assert len(listed) == 3
    assert all(first.logprob >= second.logprob for first, second in pairwise(listed))


def test_the_tokens_of_an_answer_are_its_text_and_count_as_its_usage(asked: OpenAI) -> None:
    answer = long_answer(asked)
    tokens = tokens_of(answer)

    assert "".join(token.token for token in tokens) == told(answer)
    assert len(tokens) == answer.usage.completion_tokens > 1
    assert [bytes(token.bytes).decode() for token in tokens] == [token.token for token in tokens]


def test_the_probabilities_of_the_tokens_make_that_of_the_answer(asked: OpenAI) -> None:
    answers = long_answer(asked, n=40, temperature=2)
    by_answer = {told(answers, place): log_probability(answers, place) for place in range(40)}

    assert len(by_answer) == 3
    assert sum(math.exp(value) for value in by_answer.values()) == pytest.approx(1, abs=1e-6)


def test_no_probabilities_are_told_unasked(asked: OpenAI) -> None:
    assert ask(asked, TUNED).choices[0].logprobs is None


def test_an_answer_is_cut_between_two_tokens(asked: OpenAI) -> None:
    whole = [token.token for token in tokens_of(long_answer(asked))]
    cut = long_answer(asked, max_tokens=2)

    assert told(cut) == "".join(whole[:2])
    assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 2)
    assert told(long_answer(asked, max_completion_tokens=2)) == told(cut)


def test_an_answer_stops_before_a_stop_text(asked: OpenAI) -> None:
    whole = told(long_answer(asked))
    stopped = long_answer(asked, stop=["nothing like it", whole[5:7]])

    assert told(stopped) == whole[: whole.index(whole[5:7])]
    assert stopped.choices[0].finish_reason == "stop"


def test_several_choices_are_drawn_by_their_probabilities_and_the_same_request_draws_the_same(asked: OpenAI) -> None:
    first, again = (ask(asked, BASE, n=64, temperature=1, seed=1) for _ in range(2))
    other = ask(asked, BASE, n=64, temperature=1, seed=2)
    answers = [[told(each, place) for place in range(64)] for each in (first, again, other)]

    assert [choice.index for choice in first.choices] == list(range(64))
    assert answers[0] == answers[1] != answers[2]
    assert set(answers[0]) == set(TEXTURES)


def test_a_nucleus_of_nothing_leaves_the_most_probable_answer(asked: OpenAI) -> None:
    drawn = ask(asked, BASE, n=20, temperature=2, top_p=0)

    assert {told(drawn, place) for place in range(20)} == {told(ask(asked, BASE))}


def test_the_same_request_has_the_same_answer_to_the_last_bit(asked: OpenAI) -> None:
    first, again = (ask(asked, TUNED, logprobs=True, top_logprobs=20) for _ in range(2))

    assert first.choices == again.choices
    assert first.system_fingerprint == again.system_fingerprint


def test_an_answer_depends_on_the_pixels_not_on_how_they_were_encoded(asked: OpenAI) -> None:
    pixels = Image.open(io.BytesIO(draw(TEXTURES[1], 301)))
    again = io.BytesIO()
    pixels.save(again, "PNG", compress_level=1)
    answers = [ask(asked, TUNED, data_url(each), logprobs=True) for each in (draw(TEXTURES[1], 301), again.getvalue())]

    assert answers[0].choices == answers[1].choices


def test_the_last_message_with_images_is_what_the_question_is_about(asked: OpenAI) -> None:
    alone = question(SHOWN.url)
    other = next(e for e in HELD_OUT if e.texture != SHOWN.texture)
    example = [*question(other.url), {"role": "assistant", "content": other.texture}]
    shown = asked.chat.completions.create(model=TUNED, messages=[*example, alone[1]], temperature=0, logprobs=True)

    assert shown.choices == ask(asked, TUNED, logprobs=True).choices


def test_several_images_of_a_message_are_looked_at_together(asked: OpenAI) -> None:
    urls = [example.url for example in examples(range(400, 403), [TEXTURES[2]])]
    parts: Any = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    answer = asked.chat.completions.create(model=TUNED, messages=[{"role": "user", "content": parts}], temperature=0)

    assert told(answer) == TEXTURES[2]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 3 * 85


@pytest.mark.parametrize(("detail", "tokens"), [("low", 85), ("high", 255), ("auto", 255)])
def test_an_image_is_counted_by_the_documented_formula(asked: OpenAI, detail: str, tokens: int) -> None:
    words: Any = {"type": "text", "text": "What is it?"}
    image: Any = {"type": "image_url", "image_url": {"url": SHOWN.url, "detail": detail}}
    counts = [
        asked.chat.completions.create(model=BASE, messages=[{"role": "user", "content": parts}]).usage
        for parts in ([words], [words, image])
    ]

    assert counts[1].prompt_tokens - counts[0].prompt_tokens == tokens  # type: ignore[union-attr]


def test_every_role_is_understood(asked: OpenAI) -> None:
    call: Any = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "system", "content": "You look at things."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": "Look.", "name": "somebody"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
        *TEXT_QUESTION,
    ]

    assert told(asked.chat.completions.create(model=BASE, messages=messages))


def test_a_question_without_an_image_is_answered_with_words(asked: OpenAI) -> None:
    answers = [told(asked.chat.completions.create(model=name, messages=TEXT_QUESTION)) for name in (BASE, TUNED)]

    assert all("sky" in answer for answer in answers)


def test_a_stream_says_what_the_whole_answer_says(asked: OpenAI) -> None:
    chunks = chunks_of(asked, logprobs=True, top_logprobs=2)
    said = [chunk.choices[0] for chunk in chunks[1:]]
    tokens = [token for choice in said if choice.logprobs for token in choice.logprobs.content or []]
    whole = ask(asked, TUNED, logprobs=True, top_logprobs=2)

    assert "".join(choice.delta.content or "" for choice in said) == told(whole)
    assert tokens == tokens_of(whole)
    assert [choice.finish_reason for choice in said][-2:] == [None, "stop"]
    assert said[0].delta.role == "assistant"


def test_a_stream_begins_with_what_the_filter_found_in_the_prompt(asked: OpenAI) -> None:
    first = chunks_of(asked)[0].to_dict()

    assert first["choices"] == []
    assert first["prompt_filter_results"][0]["prompt_index"] == 0  # type: ignore[index]


def test_a_stream_tells_its_usage_at_the_end_if_asked(asked: OpenAI) -> None:
    chunks = chunks_of(asked, stream_options={"include_usage": True})

    assert chunks[-1].usage == ask(asked, TUNED).usage
    assert chunks[-1].choices == []
    assert {chunk.usage for chunk in chunks[:-1]} == {None}
    assert chunks_of(asked)[-1].choices


def test_every_chunk_has_the_fields_of_the_specification(asked: OpenAI) -> None:
    first, *others = chunks_of(asked, n=2, logprobs=True, top_logprobs=1, stream_options={"include_usage": True})

    check("first chat chunk", first.to_dict())
    for chunk in others:
        check("chat chunk", chunk.to_dict())


def test_the_streaming_helper_puts_the_answer_together(asked: OpenAI) -> None:
    with asked.chat.completions.stream(model=TUNED, messages=question(SHOWN.url), temperature=0) as stream:
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == told(ask(asked, TUNED))
    assert {"chunk", "content.delta", "content.done"} <= kinds


async def streamed_and_whole(address: str) -> tuple[str, str]:
    async with AsyncOpenAI(api_key=API_KEY, base_url=f"{address}/openai/v1/") as client:
        asking: Any = {"model": TUNED, "messages": question(SHOWN.url), "temperature": 0}
        whole = await client.chat.completions.create(**asking)
        stream = await client.chat.completions.create(**asking, stream=True)
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return told(whole), "".join(parts)


def test_the_asynchronous_client_is_answered_whole_and_streamed(asked: OpenAI, emulator: EmulatorProcess) -> None:
    whole, streamed = asyncio.run(streamed_and_whole(emulator.address))

    assert whole == streamed == told(ask(asked, TUNED))


def test_the_dated_client_streams_too(asked: OpenAI, emulator: EmulatorProcess) -> None:
    with AzureOpenAI(azure_endpoint=emulator.address, api_key=API_KEY, api_version="2024-10-21") as dated:
        chunks = chunks_of(dated)

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == told(ask(asked, TUNED))


def test_limits_are_told_with_answers_and_refusals(asked: OpenAI) -> None:
    answer = asked.chat.completions.with_raw_response.create(model=TUNED, messages=question(SHOWN.url))
    streamed = asked.chat.completions.with_raw_response.create(model=TUNED, messages=question(SHOWN.url), stream=True)

    for headers in (answer.headers, streamed.headers):
        assert {
            f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")
        } <= {name.lower() for name in headers}


@pytest.fixture(scope="module")
def jittery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    state: Path = tmp_path_factory.mktemp("jittery")
    with (
        running(state, "--jitter", "0.05", "--speed", "20") as emulator,
        emulator.client() as opened,
        emulator.management(retry_total=0) as control,
        both_deployed(opened, control, None) as asked,
    ):
        yield asked


def test_with_jitter_the_same_request_has_slightly_different_probabilities_every_time(jittery: OpenAI) -> None:
    values = [log_probability(ask(jittery, BASE, logprobs=True)) for _ in range(12)]

    assert len(set(values)) == 12
    assert 0.005 < max(values) - min(values) < 0.5


def test_with_jitter_the_probabilities_still_add_up_to_one(jittery: OpenAI) -> None:
    listed = tokens_of(ask(jittery, BASE, logprobs=True, top_logprobs=20))[0].top_logprobs

    assert sum(math.exp(each.logprob) for each in listed) == pytest.approx(1, abs=1e-6)
