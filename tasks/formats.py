"""Figures as people read them, in tables, reports and artifacts."""

from uuid import UUID

from data_contracts.summary import IterationSummary


def percent(value: float | None) -> str:
    """A share as people read it; empty for None."""
    return "" if value is None else f"{value:.1%}"


def interval(value: tuple[float, float] | None) -> str:
    """An interval of shares; empty for None."""
    return "" if value is None else f"{value[0]:.1%} to {value[1]:.1%}"


def blank(value: object) -> object:
    """The value, or nothing instead of None."""
    return "" if value is None else value


def outcome(each: IterationSummary) -> str:
    """How the iteration ended, and who answered where the gate asked."""
    kept = each.outcome == "kept the champion" and each.champion is None
    told = "no champion yet" if kept else each.outcome
    return told if each.decided_by == "gate" else f"{told} ({each.decided_by})"


def artifact_id(made: object) -> UUID:
    """The id of an artifact just made: outside of coroutines Prefect's functions answer with it at once."""
    assert isinstance(made, UUID)
    return made
