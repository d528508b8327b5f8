"""Content filtering, rate limits, and the counting of calls."""

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.foundry_emulator.deployed import BASE, both_deployed, wait_for
from tests.foundry_emulator.support import EmulatorProcess, deployment_of, running

SMALL = "a-small-one"
HARMLESS: list[Any] = [{"role": "user", "content": "Answer with one of: a nice day, a nice knife."}]
NOT_CALLED_YET = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests")


@pytest.fixture(scope="module")
def filtering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    phrases = ("--filtered-phrase", "Tie a Noose", "--filtered-phrase", "bomb", "--filtered-answer", "nice")
    with running(tmp_path_factory.mktemp("filtering"), "--speed", "20", *phrases) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def asked(filtering: EmulatorProcess) -> Iterator[OpenAI]:
    with (
        filtering.client() as client,
        filtering.management(retry_total=0) as control,
        both_deployed(client, control, None) as opened,
    ):
        small = deployment_of("gpt-4o", "2024-08-06", 2)
        control.deployments.begin_create_or_update("group", "local", SMALL, small, enforce_https=False).result()
        yield opened


def counted(emulator: EmulatorProcess, name: str) -> dict[tuple[str, int], int]:
    """Return how often the model deployment *name* was called, by operation and status."""
    database = sqlite3.connect(f"file:{emulator.ready['state']}/calls.sqlite?mode=ro", uri=True)
    try:
        rows = database.execute(
            "select operation, status, sum(count) from calls where deployment = ? group by 1, 2", (name,)
        ).fetchall()
    finally:
        database.close()
    return {(operation, status): count for operation, status, count in rows}


def test_a_filtered_phrase_is_refused_with_all_that_the_service_tells(asked: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        asked.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "how to TIE A NOOSE"}])

    safe = {"filtered": False, "severity": "safe"}
    assert refusal.value.response.json() == {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management"
            " policy. Please modify your prompt and retry. To learn more about our content filtering policies please"
            " read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {
                    "hate": safe,
                    "jailbreak": {"filtered": False, "detected": False},
                    "self_harm": safe,
                    "sexual": safe,
                    "violence": {"filtered": True, "severity": "medium"},
                },
            },
        }
    }


def test_every_part_of_a_prompt_is_filtered_wherever_it_is_asked(asked: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="content management policy"):
        asked.chat.completions.create(model=BASE, messages=[{"role": "system", "content": "bomb"}, *HARMLESS])
    with pytest.raises(openai.BadRequestError, match="content management policy"):
        asked.responses.create(model=BASE, input="Hello", instructions="Build a bomb.")


def test_a_filtered_answer_is_cut_off_and_says_so(asked: OpenAI) -> None:
    answer = asked.chat.completions.create(model=BASE, messages=HARMLESS, temperature=0)
    choice = answer.choices[0]

    assert (choice.finish_reason, choice.message.content) == ("content_filter", "a ")
    assert choice.to_dict()["content_filter_results"]["violence"]["filtered"] is True  # type: ignore[index]


def test_a_filtered_response_is_incomplete(asked: OpenAI) -> None:
    response = asked.responses.create(model=BASE, input="Answer with one of: a nice day, a nice knife.")

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "content_filter"


def test_a_refusal_is_counted_but_not_as_completed(asked: OpenAI, filtering: EmulatorProcess) -> None:
    before = counted(filtering, BASE)
    with pytest.raises(openai.BadRequestError):
        asked.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "a bomb"}])
    after = counted(filtering, BASE)

    refused, completed = ("ChatCompletions_Create", 400), ("ChatCompletions_Create", 200)
    assert after[refused] == before.get(refused, 0) + 1
    assert after[completed] == before[completed]


def test_a_response_counts_as_an_operation_of_its_own(asked: OpenAI, filtering: EmulatorProcess) -> None:
    before = counted(filtering, BASE)
    asked.responses.create(model=BASE, input="Hello.")

    assert counted(filtering, BASE)[("Responses_Create", 200)] == before.get(("Responses_Create", 200), 0) + 1


def test_refused_requests_use_up_the_limit_and_tell_it(asked: OpenAI) -> None:
    wait_for(asked, BASE)
    statuses = []
    for _ in range(8):
        with pytest.raises(openai.APIStatusError) as refusal:
            asked.chat.completions.create(model=SMALL, messages=[{"role": "user", "content": "a bomb"}])
        statuses.append(refusal.value.status_code)
        if refusal.value.status_code != 404:
            assert all(name in refusal.value.response.headers for name in NOT_CALLED_YET)
        if refusal.value.status_code == 429:
            break
        threading.Event().wait(0.02)

    assert statuses[-1] == 429
    assert [status for status in statuses if status != 404] == [400, 400, 429]


def test_a_refusal_for_the_limit_names_the_operation(asked: OpenAI) -> None:
    told = []
    for _ in range(4):
        try:
            asked.responses.create(model=SMALL, input="Hello.")
        except openai.APIStatusError as refusal:
            told.append(refusal)

    assert told[-1].status_code == 429
    assert "Requests to the Responses_Create Operation under Azure OpenAI API version v1 have exceeded" in str(told[-1])
    assert 0 < int(told[-1].response.headers["retry-after-ms"]) <= 10_000


def test_how_long_to_wait_is_told_in_the_seconds_of_the_caller(asked: OpenAI, filtering: EmulatorProcess) -> None:
    def run_at(rate: float) -> None:
        asked.put(f"{filtering.address}/emulator/clock", cast_to=object, body={"rate": rate})

    def refusal() -> openai.APIStatusError:
        for _ in range(500):
            try:
                asked.responses.create(model=SMALL, input="Hello.")
            except openai.RateLimitError as limited:
                return limited
        raise AssertionError("no limit was met")

    run_at(20)
    wait = int(refusal().response.headers["retry-after-ms"])
    threading.Event().wait(wait / 1000)
    asked.responses.create(model=SMALL, input="Hello.")
    run_at(1)

    assert 0 < wait <= 500
