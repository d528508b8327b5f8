"""Promotions that a person made against the gate's advice, for a time."""

from datetime import datetime

from data_contracts.evaluation import Code
from decisions.loop_state import LoopState


def overrides_to_review(state: LoopState, now: datetime) -> tuple[str, ...]:
    """Promotions against the gate's advice whose day has come, in a sentence each; only the champion's counts."""
    champion = state.champion.model if state.champion else None
    return tuple(
        f"the override of iteration {each.number} by {each.approved_by} held until {each.approved.until:%Y-%m-%d}: "
        "look at it again"
        for each in state.iterations
        if each.approved is not None
        and each.approved.until is not None
        and each.approved.until <= now
        and each.decided is not None
        and each.decided.code is not Code.PROMOTE
        and each.switched is not None
        and each.switched.model == champion
    )
