"""Which of our model deployments nobody needs any more."""

from datetime import datetime, timedelta

from data_contracts.batches import BATCH_TIER
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.loop_state import LiveDeployment, LoopState

LATER = "once its time to roll back to is over"


class Dispensable(Record):
    """A model deployment to delete, and why."""

    deployment: LiveDeployment
    reason: str


def dispensable_deployments(state: LoopState, now: datetime, keep_hours: float) -> tuple[Dispensable, ...]:
    """Every fine-tuned model deployment of ours that nobody needs, at the time *now*.

    Needed are the champion's; for *keep_hours* the one before it, to roll back to, and what was revived; and while an
    iteration is open all but the one before the champion. What was leaving goes in any case. Base models are not
    billed by the hour and stay, but for those that answer batches only: their batch is over.
    """
    return tuple(
        Dispensable(deployment=live, reason=reason)
        for _, live in sorted(state.deployments.items())
        if (reason := live.leaving or _why_unneeded(state, live, now, timedelta(hours=keep_hours))) is not None
    )


def _why_unneeded(state: LoopState, live: LiveDeployment, now: datetime, keep: timedelta) -> str | None:
    champion = state.champion
    if not _may_go(live) or (champion is not None and live.name == champion.model_deployment):
        return None
    if live.revived and now - live.intended_at < keep:
        return None
    if champion is not None and live.name == champion.previous_model_deployment:
        since = state.champion_since
        if since is None or now - since < keep:
            return None
        return f"production has done without it for {keep / timedelta(hours=1):g} hours"
    if state.open_iteration is not None:
        return None
    return _reason(live, "neither the champion nor the one to roll back to")


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
    """Every model deployment of ours that goes at the end of the turn or later, some only if it is promoted."""
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
                live,
                "once its time to roll back to is over" if name == before else "neither champion nor the one before it",
            ),
        )
        for name, live in sorted(state.deployments.items())
        if name not in kept and _may_go(live)
    )
