"""What all questions have in common: the model deployment is found, its limits hold, and every call is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from foundry_emulator import errors
from foundry_emulator.calls import COMPLETED, Call, Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.model_deployments import AnsweringDeployment, ModelDeployments
from foundry_emulator.errors import ServiceError
from foundry_emulator.inference.rate_limits import RateLimits, Visit


@dataclass
class Turn:
    """One call of a model deployment while it is answered."""

    deployment: AnsweringDeployment
    headers: dict[str, str] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    admitted: bool = False


@dataclass(frozen=True)
class Desk:
    """Lets calls in, and counts them before their answers leave."""

    clock: Clock
    deployments: ModelDeployments
    limits: RateLimits
    calls: Calls

    @contextmanager
    def serving(self, account: str, name: str, visit: Visit) -> Iterator[Turn]:
        """Yield the turn of a call of the model deployment *name*; ServiceError DeploymentNotFound if there is none.

        A ServiceError in the block is counted against the limits, gets their headers, and is raised again.
        """
        turn = Turn(self.deployments.answering(account, name))
        try:
            _check_tier(turn.deployment, visit)
            yield turn
        except ServiceError as refusal:
            told = self._with_headers(turn, refusal, visit)
            self._count(account, turn, visit, told.status)
            raise told from refusal
        self._count(account, turn, visit, COMPLETED)

    def admit(self, turn: Turn, tokens: int, visit: Visit) -> None:
        """Take *tokens* from what the model deployment may read and write; ServiceError 429 if there is no room.

        Batches have no such limit.
        """
        turn.admitted = True
        if not visit.batch:
            turn.headers = self.limits.take(turn.deployment.number, turn.deployment.capacity, tokens, visit)

    def _with_headers(self, turn: Turn, refusal: ServiceError, visit: Visit) -> ServiceError:
        if not turn.admitted:
            try:
                self.admit(turn, 0, visit)
            except ServiceError as limited:
                return limited
        refusal.headers = {**turn.headers, **refusal.headers}
        return refusal

    def _count(self, account: str, turn: Turn, visit: Visit, status: int) -> None:
        deployment = turn.deployment
        call = Call(
            account, deployment.name, deployment.number, visit.operation, status, turn.prompt_tokens,
            turn.completion_tokens,
        )  # fmt: skip
        self.calls.count(call, self.clock.now())


def _check_tier(deployment: AnsweringDeployment, visit: Visit) -> None:
    """Return unless the tier answers batches alone; ServiceError 400 if so."""
    if deployment.sku in tiers.BATCH and not visit.batch:
        operation = "chatCompletion" if visit.operation.startswith("Chat") else "responses"
        raise errors.operation_not_supported(operation, deployment.model)
