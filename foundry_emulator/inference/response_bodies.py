"""Responses as the service writes them: whole, and as events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundry_emulator import content_filter
from foundry_emulator.inference.answers import Answer
from foundry_emulator.inference.logprobs import logprob_entry
from foundry_emulator.inference.response_requests import ResponseRequest
from foundry_emulator.learning.answers import Token

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_PLACE = {"output_index": 0, "content_index": 0}


@dataclass(frozen=True)
class Told:
    """One answer to a request, with what is told about it; *item* is the id of the message it is in."""

    id: str
    item: str
    created: int
    model: str
    request: ResponseRequest
    answer: Answer
    prompt_tokens: int

    def body(self) -> dict[str, Any]:
        """Return the response as a whole."""
        tokens = len(self.answer.tokens)
        usage = {
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt_tokens + tokens,
        }
        output = [self._message(self._status, [self._part(self.answer.text, self.answer.tokens)])]
        return self._shell(self._status, output, usage)

    def events(self) -> Iterator[dict[str, Any]]:
        """Return it as the events of a stream, one for every token."""
        for number, event in enumerate(self._events()):
            yield {**event, "sequence_number": number}

    def _events(self) -> Iterator[dict[str, Any]]:
        begun = self._shell("in_progress", [], None)
        here = {"item_id": self.item, **_PLACE}
        text, tokens = self.answer.text, self.answer.tokens
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        yield {"type": "response.output_item.added", "output_index": 0, "item": self._message("in_progress", [])}
        yield {"type": "response.content_part.added", **here, "part": self._part("", [])}
        for token in tokens:
            told = self._logprobs([token])
            yield {"type": "response.output_text.delta", **here, "delta": token.text, "logprobs": told}
        part = self._part(text, tokens)
        yield {"type": "response.output_text.done", **here, "text": text, "logprobs": self._logprobs(tokens)}
        yield {"type": "response.content_part.done", **here, "part": part}
        yield {"type": "response.output_item.done", "output_index": 0, "item": self._message(self._status, [part])}
        yield {"type": f"response.{self._status}", "response": self.body()}

    @property
    def _status(self) -> str:
        return "incomplete" if self.answer.finish_reason in _INCOMPLETE else "completed"

    def _message(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.item, "type": "message", "status": status, "content": content, "role": "assistant"}

    def _part(self, text: str, tokens: list[Token]) -> dict[str, Any]:
        return {"type": "output_text", "annotations": [], "logprobs": self._logprobs(tokens), "text": text}

    def _logprobs(self, tokens: list[Token]) -> list[dict[str, Any]]:
        if not self.request.logprobs:
            return []
        return [logprob_entry(token, self.request.top_logprobs) for token in tokens]

    def _shell(self, status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
        request = self.request
        reason = _INCOMPLETE.get(self.answer.finish_reason) if status == "incomplete" else None
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "completed_at": self.created if status == "completed" else None,
            "content_filters": self._content_filters(status),
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": request.instructions,
            "max_output_tokens": request.most_tokens,
            "max_tool_calls": None,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": request.previous,
            "prompt_cache_key": None,
            "reasoning": {"effort": None, "summary": None},
            "safety_identifier": None,
            "service_tier": "auto" if status == "in_progress" else "default",
            "store": request.store,
            "temperature": request.temperature,
            "text": {"format": request.shape.echo if request.shape else {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": request.top_logprobs,
            "top_p": request.top_p,
            "truncation": request.truncation,
            "usage": usage,
            "user": request.user,
            "metadata": request.metadata,
        }

    def _content_filters(self, status: str) -> list[dict[str, Any]]:
        blocked = self.answer.finish_reason == "content_filter"
        told = [(False, "prompt", content_filter.SAFE_PROMPT)]
        if status != "in_progress":
            told.append((blocked, "completion", content_filter.answer_results(filtered=blocked)))
        return [{"blocked": b, "source_type": source, "content_filter_results": results} for b, source, results in told]
