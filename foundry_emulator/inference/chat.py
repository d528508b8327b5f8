"""Chat completions: what a deployed model answers, with the probabilities it really has."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundry_emulator.inference.answering import Answering, check_room, context_of
from foundry_emulator.inference.chat_bodies import Completion
from foundry_emulator.inference.chat_requests import ChatRequest, parse
from foundry_emulator.inference.desk import Desk
from foundry_emulator.inference.questions import deployment_name
from foundry_emulator.inference.rate_limits import Visit

OPERATION = "ChatCompletions_Create"
BATCH_OPERATION = "Batch_ChatCompletions_Create"


@dataclass(frozen=True)
class ChatAnswer:
    """A completion, the headers it goes with, and how the caller wants it."""

    request: ChatRequest
    completion: Completion
    headers: dict[str, str]

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Return the completion in the chunks of a stream."""
        return self.completion.chunks(include_usage=self.request.include_usage)


@dataclass(frozen=True)
class Chat:
    """Answers chat completions of every account."""

    desk: Desk
    answering: Answering

    def ask(self, account: str, body: dict[str, Any], version: str = "v1") -> ChatAnswer:
        """Return the answer to a request under a *version* of the API; ServiceError if it is refused."""
        return self._answer(account, body, Visit(OPERATION, version))

    def complete_batched(self, account: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the completion for one request of a batch, which has no rate limit; ServiceError if it is refused."""
        return self._answer(account, body, Visit(BATCH_OPERATION, "v1", batch=True)).completion.body()

    def _answer(self, account: str, body: dict[str, Any], visit: Visit) -> ChatAnswer:
        with self.desk.serving(account, deployment_name(body), visit) as turn:
            request = parse(body)
            looked = self.answering.look(turn.deployment, request.question)
            check_room(looked, context_of(turn.deployment))
            self.desk.admit(turn, looked.prompt_tokens + request.question.expected_tokens, visit)
            completion = Completion(
                id=f"chatcmpl-{uuid.uuid4().hex}",
                created=int(self.desk.clock.now()),
                model=turn.deployment.model,
                question=request.question,
                answers=self.answering.answers(turn.deployment, looked),
                prompt_tokens=looked.prompt_tokens,
            )
            turn.prompt_tokens, turn.completion_tokens = looked.prompt_tokens, completion.completion_tokens
        return ChatAnswer(request, completion, turn.headers)
