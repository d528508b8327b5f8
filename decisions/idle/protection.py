"""Which model deployments are left alone, whatever their dates."""

from datetime import datetime, timedelta
from typing import NamedTuple

from data_contracts.idle import Code, ObservedDeployment
from data_contracts.policies import DeletionPolicy
from data_contracts.training import is_fine_tuned
from decisions.idle.wording import moment

NEEDED = ("running evaluation", "rollback twin")


class Why(NamedTuple):
    """Why a model deployment is left alone, and until when that is sure."""

    code: Code
    reason: str
    until: datetime | None = None


def why_protected(seen: ObservedDeployment, now: datetime, policy: DeletionPolicy) -> Why | None:
    """Why a model deployment is not ours to delete now, whoever calls it; None where nothing of that kind is known."""
    if seen.owner != "this loop":
        return Why("not ours", "nobody knows whose it is" if seen.owner == "stranger" else "it is another loop's")
    if not is_fine_tuned(seen.model):
        return Why("not fine-tuned", "base models have no hosting fee")
    if seen.created_at is None:
        return Why("unknown", "nobody knows when it was created")
    keep = max((each for each in seen.keeps if each.until > now), key=lambda each: each.until, default=None)
    if keep is not None:
        return Why("kept", f"{keep.by} keeps it until {moment(keep.until)}: {keep.why}", keep.until)
    role = _needed_as(seen, policy)
    return Why("protected", f"it is needed as {role}") if role else None


def why_unknown(seen: ObservedDeployment, now: datetime, oldest: timedelta) -> Why | None:
    """What is not known of its calls, with evidence that may be *oldest* old; None where enough is."""
    calls = seen.calls
    if calls is None:
        return Why("unknown", "nothing is known about its calls")
    if now - calls.observed_at > oldest:
        return Why("unknown", f"what is known about its calls is of {moment(calls.observed_at)}")
    if calls.unknown_now:
        return Why("unknown", "the figures of its last hours are missing or contradict our own log")
    return None


def _needed_as(seen: ObservedDeployment, policy: DeletionPolicy) -> str | None:
    found = [role for role in NEEDED if role in seen.roles]
    if "champion" in seen.roles and policy.idle_champion == "keep alive":
        found.append("champion")
    return " and ".join(found) or None
