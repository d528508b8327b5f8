"""The Responses API: the same answers in another form, kept so that a conversation can go on."""

import uuid
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.control_plane.model_deployments import AnsweringDeployment
from foundry_emulator.inference.answering import Answering, Looked, context_of
from foundry_emulator.inference.desk import Desk
from foundry_emulator.inference.questions import Question, Sampling, deployment_name
from foundry_emulator.inference.rate_limits import Visit
from foundry_emulator.inference.response_bodies import Told
from foundry_emulator.inference.response_items import conversation
from foundry_emulator.inference.response_requests import ResponseRequest, parse
from foundry_emulator.inference.response_store import ResponseStore
from foundry_emulator.inference.schemas import check_json_is_asked_for

OPERATION = "Responses_Create"


@dataclass(frozen=True)
class Responded:
    """A response and the headers it goes with."""

    told: Told
    headers: dict[str, str]


@dataclass(frozen=True)
class Responses:
    """Answers requests for responses of every account."""

    desk: Desk
    answering: Answering
    store: ResponseStore

    def ask(self, account: str, body: dict[str, Any], version: str = "v1") -> Responded:
        """Return the response to a request, kept if it is to be; ServiceError if it is refused."""
        visit = Visit(OPERATION, version)
        with self.desk.serving(account, deployment_name(body), visit) as turn:
            request = parse(body)
            question = self._question(account, turn.deployment.name, request)
            looked = self.answering.look(turn.deployment, question)
            needed = looked.prompt_tokens + (request.most_tokens or 0)
            if needed > context_of(turn.deployment) and request.truncation == "disabled":
                raise errors.input_too_long()
            self.desk.admit(turn, looked.prompt_tokens + question.expected_tokens, visit)
            told = self._told(turn.deployment, request, looked)
            if request.store:
                self.store.keep(account, told.body(), request.items)
            turn.prompt_tokens, turn.completion_tokens = looked.prompt_tokens, len(told.answer.tokens)
        return Responded(told, turn.headers)

    def _told(self, deployment: AnsweringDeployment, request: ResponseRequest, looked: Looked) -> Told:
        return Told(
            id=f"resp_{uuid.uuid4().hex}",
            item=f"msg_{uuid.uuid4().hex}",
            created=int(self.desk.clock.now()),
            model=deployment.model,
            request=request,
            answer=self.answering.answers(deployment, looked)[0],
            prompt_tokens=looked.prompt_tokens,
        )

    def _question(self, account: str, name: str, request: ResponseRequest) -> Question:
        before = self.store.conversation(account, request.previous) if request.previous is not None else []
        talk = conversation(request.instructions, [*before, *request.items])
        if request.shape is not None and request.shape.schema is None:
            check_json_is_asked_for(conversation(None, request.items).messages, "input")
        return Question(
            deployment=name,
            conversation=talk,
            sampling=Sampling(temperature=request.temperature, top_p=request.top_p),
            most_tokens=request.most_tokens,
            stop=(),
            shape=request.shape,
            logprobs=request.logprobs,
            top_logprobs=request.top_logprobs,
        )
