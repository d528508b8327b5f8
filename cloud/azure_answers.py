"""Asking a model deployment of Azure OpenAI at its pace: limits are kept, what fails in passing is asked again."""

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
from azure.core.exceptions import ClientAuthenticationError
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice

from cloud.azure_data_plane import AzureDataPlane, said
from cloud.azure_deployments import not_logged_in
from cloud.call_counter import CallCounter
from cloud.clock import wait
from cloud.errors import CloudRefused
from cloud.pace import Pace, Stopped
from data_contracts.calls import HourOfCalls
from data_contracts.chats import Message
from data_contracts.evaluation import AnswerToken, RawAnswer

ATTEMPTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
MOST_REFUSALS = 50
"""Times that an answer may be put off because a limit is used up: with others on the same model deployment."""
LONGEST_REFUSAL = 120.0
USUAL_REFUSAL = 5.0
SHORTEST_REFUSAL = 0.05
LONGEST_ANSWER = 64
"""Tokens of an answer at most: a label of many words needs them; a shorter one pays only for its own."""
ALTERNATIVES = 20
IN_PASSING = (408, 409)
SERVER_ERROR = 500


@dataclass(frozen=True)
class _Told:
    """What one request came to."""

    answer: RawAnswer
    headers: Mapping[str, str] = field(default_factory=dict)
    answered: bool = False
    again: bool = False
    put_off: float | None = None


class AzureAnswers(AzureDataPlane):
    """An account whose model deployments are asked; every one of them has its own pace in this process."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """See AzureDataPlane."""
        super().__init__(*args, **named)
        self._paces: dict[str, Pace] = {}
        self._own_calls = CallCounter()
        self._silent: set[str] = set()
        """Model deployments that refuse to tell log-probabilities."""

    def answer(self, model_deployment: str, prompt: str, image: str, detail: str) -> RawAnswer:
        """See Answerer.answer."""
        return self._answered(model_deployment, question(prompt, image, detail), LONGEST_ANSWER, probabilities=True)

    def reply(self, model_deployment: str, messages: Sequence[Message], most_tokens: int) -> RawAnswer:
        """See Answerer.reply; weights are for training only."""
        asked = [{"role": message["role"], "content": message["content"]} for message in messages]
        return self._answered(model_deployment, asked, most_tokens, probabilities=False)

    def stop_asking(self, model_deployment: str) -> None:
        """See Answerer.stop_asking."""
        pace = self._paces.pop(model_deployment, None)
        if pace is not None:
            pace.stop()

    def take_own_calls(self) -> Sequence[HourOfCalls]:
        """See Answerer.take_own_calls."""
        return self._own_calls.take()

    def _answered(self, model_deployment: str, messages: Any, most_tokens: int, *, probabilities: bool) -> RawAnswer:
        pace = self._paces.setdefault(model_deployment, Pace())
        attempts = refusals = 0
        while True:
            told = self._asked(pace, model_deployment, messages, most_tokens, probabilities=probabilities)
            if told.put_off is not None:
                refusals += 1
                pace.refused(told.put_off)
            else:
                attempts += 1
            if not told.again or attempts >= ATTEMPTS or refusals >= MOST_REFUSALS:
                return told.answer.model_copy(update={"put_off": refusals})
            if told.put_off is None:
                wait(random.uniform(0.5, 1) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)))

    def _asked(
        self, pace: Pace, model_deployment: str, messages: Any, most_tokens: int, *, probabilities: bool
    ) -> _Told:
        told = _Told(RawAnswer(failure="it was stopped"))
        try:
            ticket, began = pace.begin(), time.perf_counter()
        except Stopped:
            return told
        try:
            told = self._asked_once(model_deployment, messages, most_tokens, probabilities=probabilities)
        finally:
            seconds = time.perf_counter() - began
            counted = told.answer.prompt_tokens + most_tokens if told.answered else 0
            pace.end(ticket, told.headers, seconds if told.answered else None, counted)
        if not told.answered:
            return told
        return _Told(told.answer.model_copy(update={"latency_ms": 1000 * seconds}), told.headers, answered=True)

    def _asked_once(self, model_deployment: str, messages: Any, most_tokens: int, *, probabilities: bool) -> _Told:
        told = probabilities and model_deployment not in self._silent
        asked = asked_of(model_deployment, messages, most_tokens, probabilities=told)
        try:
            raw = self._data.with_options(max_retries=0).chat.completions.with_raw_response.create(
                **asked, temperature=0
            )
            completion = raw.parse()
            self._own_calls.count(model_deployment, completion.created)
            return _Told(_raw_answer(completion), raw.headers, answered=True)
        except ClientAuthenticationError as error:
            raise CloudRefused(not_logged_in(error)) from error
        except openai.BadRequestError as error:
            if "logprobs" in asked and "logprobs" in said(error):
                self._silent.add(model_deployment)
                return _Told(RawAnswer(failure=said(error)), again=True)
            return _Told(RawAnswer(filtered=error.code == "content_filter", failure=said(error)))
        except openai.RateLimitError as error:
            headers = error.response.headers
            return _Told(RawAnswer(failure=said(error)), headers, again=True, put_off=retry_after(headers))
        except openai.APIStatusError as error:
            again = error.status_code in IN_PASSING or error.status_code >= SERVER_ERROR
            return _Told(RawAnswer(failure=said(error)), error.response.headers, again=again)
        except openai.APIError as error:
            return _Told(RawAnswer(failure=said(error)), again=True)


def question(prompt: str, image: str, detail: str) -> Any:
    """The messages that ask about *image*, a data URL; one at a time and in a batch they are the same."""
    return [
        {"role": "system", "content": prompt},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image, "detail": detail}}]},
    ]


def asked_of(model_deployment: str, messages: Any, most_tokens: int, *, probabilities: bool) -> dict[str, Any]:
    """What one request asks, but for its temperature."""
    asked = {"model": model_deployment, "messages": messages, "max_tokens": most_tokens}
    return asked | {"logprobs": True, "top_logprobs": ALTERNATIVES} if probabilities else asked


def answer_of(body: Mapping[str, Any]) -> RawAnswer:
    """The answer in the body of a chat completion that came in a file; a failure where it is none."""
    try:
        return _raw_answer(ChatCompletion.construct(**body))
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        return RawAnswer(failure=f"Azure OpenAI's answer in a batch cannot be read: {error}")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the service asks to wait, from 50 ms to two minutes; five where it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            asked = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(asked):
            return min(LONGEST_REFUSAL, max(SHORTEST_REFUSAL, asked))
    return USUAL_REFUSAL


def _raw_answer(completion: ChatCompletion) -> RawAnswer:
    choice, usage = completion.choices[0], completion.usage
    return RawAnswer(
        text=choice.message.content or "",
        refused=bool(choice.message.refusal),
        filtered=choice.finish_reason == "content_filter",
        tokens=_tokens(choice),
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
    )


def _tokens(choice: Choice) -> tuple[AnswerToken, ...]:
    told = choice.logprobs.content if choice.logprobs else None
    return tuple(
        AnswerToken(
            text=token.token,
            logprob=token.logprob,
            alternatives=tuple((other.token, other.logprob) for other in token.top_logprobs),
        )
        for token in told or ()
    )
