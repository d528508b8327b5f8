"""Judges a year after the fact, from what truly happened, knowing nothing of how it was decided.

It reads the true calls, not the metric, and shares no code with `decisions/idle`.
"""

from typing import NamedTuple

import numpy as np

from benchmarks._idle_world import HOURS, Life, World

AZURE_HOURS = 15 * 24
INTO_THE_HOUR = 0.75


class Judgement(NamedTuple):
    """How a year went."""

    wrong_deletions: int
    left_to_azure: int
    saved_usd: float


def judge(world: World, lives: list[Life], deleted: list[Life], usd_per_hour: float) -> Judgement:
    """Count deletions that should not have been, and model deployments of ours that Azure was left to delete."""
    ours = [life for life in lives if world.owners[life.row] == "this loop" and not world.developer[life.row]]
    return Judgement(
        wrong_deletions=sum(_wrong(world, life) for life in deleted),
        left_to_azure=sum(_azure_was_first(world, life) for life in ours),
        saved_usd=sum(_saved_hours(world, life) for life in deleted if not world.developer[life.row]) * usd_per_hour,
    )


def _calls(counts: np.ndarray[tuple[int], np.dtype[np.int16]], begin: float, end: float) -> list[float]:
    """When the calls between two moments were made."""
    return [hour + INTO_THE_HOUR for hour in np.flatnonzero(counts) if begin <= hour + INTO_THE_HOUR < end]


def _wrong(world: World, life: Life) -> bool:
    at = life.ended or 0.0
    if world.owners[life.row] != "this loop" or life.kept(at) or _needed(world, life, at):
        return True
    calls = _calls(world.customers[life.row], life.created, at)
    if world.developer[life.row]:
        return bool(calls)
    silent = at - (calls[-1] if calls else life.created)
    if silent >= 24 * world.policy.idle_days:
        return False
    left = _azure_date(world, life, at) - at
    forced = left <= world.policy.safety_margin_hours + 24 * world.policy.most_days_earlier + 1
    return not forced


def _needed(world: World, life: Life, at: float) -> bool:
    protected = {"running evaluation", "rollback twin"}
    if world.policy.idle_champion == "keep alive":
        protected.add("champion")
    return bool(world.roles(life, at) & protected)


def _azure_date(world: World, life: Life, at: float) -> float:
    """When Azure would delete it if nobody called it from *at* on."""
    calls = _calls(world.customers[life.row] + world.own[life.row], life.created, at)
    return max(life.created, calls[-1] if calls else life.created) + AZURE_HOURS


def _azure_was_first(world: World, life: Life) -> bool:
    """Whether there was a stretch of 15 days without a call before its end."""
    end = HOURS if life.ended is None else life.ended
    calls = _calls(world.customers[life.row] + world.own[life.row], life.created, end)
    moments = [life.created, *calls, end]
    return bool(max(np.diff(moments)) > AZURE_HOURS)


def _saved_hours(world: World, life: Life) -> float:
    """Hours of hosting between our deletion and Azure's, had nobody called again."""
    at = life.ended or 0.0
    return max(0.0, min(_azure_date(world, life, at), HOURS) - at)
