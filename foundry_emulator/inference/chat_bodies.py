"""Chat completions as the service writes them: whole, and in chunks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundry_emulator import content_filter
from foundry_emulator.inference.answers import Answer
from foundry_emulator.inference.logprobs import logprob_entry
from foundry_emulator.inference.questions import Question
from foundry_emulator.learning.answers import Token

_PROMPT_RESULTS = [{"prompt_index": 0, "content_filter_results": content_filter.SAFE_PROMPT}]
_NO_AUDIO = {"audio_tokens": 0}
_ANSWER_DETAILS = {
    **_NO_AUDIO,
    "accepted_prediction_tokens": 0,
    "reasoning_tokens": 0,
    "rejected_prediction_tokens": 0,
}


@dataclass(frozen=True)
class Completion:
    """Answers to a question, with what is told about them."""

    id: str
    created: int
    model: str
    question: Question
    answers: list[Answer]
    prompt_tokens: int

    @property
    def completion_tokens(self) -> int:
        """The number of tokens of all answers."""
        return sum(len(answer.tokens) for answer in self.answers)

    def body(self) -> dict[str, Any]:
        """Return the completion as a whole."""
        return {
            "choices": [self._choice(place, answer) for place, answer in enumerate(self.answers)],
            **self._head("chat.completion"),
            "prompt_filter_results": _PROMPT_RESULTS,
            "usage": self._usage(),
        }

    def chunks(self, *, include_usage: bool) -> Iterator[dict[str, Any]]:
        """Return it in chunks: first what the filter found, one chunk per token, and the usage if it is wanted."""
        usage = {"usage": None} if include_usage else {}
        yield {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": _PROMPT_RESULTS,
            **usage,
        }
        head = self._head("chat.completion.chunk")
        for place, answer in enumerate(self.answers):
            for choice in self._pieces(place, answer):
                yield {"choices": [choice], **head, **usage}
        if include_usage:
            yield {"choices": [], **head, "usage": self._usage()}

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "created": self.created,
            "id": self.id,
            "model": self.model,
            "object": kind,
            "system_fingerprint": f"fp_{hashlib.sha256(self.model.encode()).hexdigest()[:10]}",
        }

    def _choice(self, place: int, answer: Answer) -> dict[str, Any]:
        return {
            "content_filter_results": _results(answer),
            "finish_reason": answer.finish_reason,
            "index": place,
            "logprobs": self._logprobs(answer.tokens),
            "message": {"annotations": [], "content": answer.text, "refusal": None, "role": "assistant"},
        }

    def _pieces(self, place: int, answer: Answer) -> Iterator[dict[str, Any]]:
        def piece(delta: dict[str, Any], reason: str | None, tokens: list[Token], results: dict[str, Any]) -> Any:
            logprobs = self._logprobs(tokens) if tokens else None
            return {
                "content_filter_results": results,
                "delta": delta,
                "finish_reason": reason,
                "index": place,
                "logprobs": logprobs,
            }

        yield piece({"content": "", "refusal": None, "role": "assistant"}, None, [], {})
        for token in answer.tokens:
            yield piece({"content": token.text}, None, [token], content_filter.SAFE_ANSWER)
        last = content_filter.FILTERED_ANSWER if answer.finish_reason == "content_filter" else {}
        yield piece({}, answer.finish_reason, [], last)

    def _logprobs(self, tokens: list[Token]) -> dict[str, Any] | None:
        if not self.question.logprobs:
            return None
        return {"content": [logprob_entry(token, self.question.top_logprobs) for token in tokens], "refusal": None}

    def _usage(self) -> dict[str, Any]:
        return {
            "completion_tokens": self.completion_tokens,
            "completion_tokens_details": _ANSWER_DETAILS,
            "prompt_tokens": self.prompt_tokens,
            "prompt_tokens_details": {**_NO_AUDIO, "cached_tokens": 0},
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def _results(answer: Answer) -> dict[str, Any]:
    return content_filter.answer_results(filtered=answer.finish_reason == "content_filter")
