"""Overrides: a person's yes where the gate did not say so, and the day on which it is to be looked at again."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from data_contracts.evaluation import Code
from data_contracts.ledger import ChampionSwitched
from decisions.loop_state import Iteration


def is_override(iteration: Iteration) -> bool:
    """Whether a person promoted what the gate's verdict alone would not have promoted."""
    approved, decided = iteration.approved, iteration.decided
    return approved is not None and approved.yes and decided is not None and decided.code is not Code.PROMOTE


def to_look_at_again(
    iterations: Iterable[Iteration], champion: ChampionSwitched | None, now: datetime
) -> Iterator[str]:
    """A line for each override whose day has passed at *now* while the model that it promoted still is *champion*."""
    for iteration in iterations:
        approved, switched = iteration.approved, iteration.switched
        if not is_override(iteration) or approved is None or approved.until is None or approved.until >= now:
            continue
        if switched is not None and switched == champion:
            yield (
                f"The override of iteration {iteration.number} by {iteration.approved_by} held until "
                f"{approved.until:%Y-%m-%d} and is to be looked at again: {approved.reason}"
            )
