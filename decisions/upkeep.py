"""Which of our model deployments nobody needs any more."""

from data_contracts.batches import BATCH_TIER
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.loop_state import LiveDeployment, LoopState


class Dispensable(Record):
    """A model deployment to delete, and why."""

    deployment: LiveDeployment
    reason: str


def dispensable_deployments(state: LoopState) -> tuple[Dispensable, ...]:
    """Every fine-tuned model deployment of ours but the champion's, the one before it, and an open iteration's.

    Base models are not billed by the hour and stay, but for those that answer batches only: their batch is over.
    """
    needed = set()
    if state.champion is not None:
        needed = {state.champion.model_deployment, state.champion.previous_model_deployment}
    if state.open_iteration is not None:
        return ()
    return tuple(
        Dispensable(deployment=live, reason=_reason(live, "neither the champion nor the one to roll back to"))
        for name, live in sorted(state.deployments.items())
        if name not in needed and _may_go(live)
    )


def _may_go(live: LiveDeployment) -> bool:
    return is_fine_tuned(live.model) or live.sku == BATCH_TIER


def _reason(live: LiveDeployment, otherwise: str) -> str:
    return "its batch is over" if live.sku == BATCH_TIER else otherwise


class Ahead(Record):
    """A model deployment that will be deleted when the open or next iteration has ended."""

    name: str
    model: str
    reason: str


def deletions_ahead(state: LoopState, loop: str) -> tuple[Ahead, ...]:
    """Every model deployment of ours that goes at the end of the turn, some only if it is promoted."""
    champion = state.champion
    open_one = state.open_iteration
    kept = {champion.model_deployment} if champion else set()
    if open_one is not None:
        kept.add(f"{loop}-i{open_one.number:04d}")
    before = champion.previous_model_deployment if champion else None
    return tuple(
        Ahead(
            name=name,
            model=live.model,
            reason=_reason(
                live, "once another model is promoted" if name == before else "neither champion nor the one before it"
            ),
        )
        for name, live in sorted(state.deployments.items())
        if name not in kept and _may_go(live)
    )
