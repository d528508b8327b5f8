"""Which training tiers are still to be asked for a job."""

from collections.abc import Sequence


def tiers_left(tiers: Sequence[str], first: str) -> tuple[str, ...]:
    """The tiers from *first* on: those before it were surely refused; all of them where *first* is none of them."""
    return tuple(tiers[tiers.index(first) :]) if first in tiers else tuple(tiers)
