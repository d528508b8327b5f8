"""Which idle model deployments are deleted, and when.

What counts, each rule before the ones below it:

1. What is not ours, kept, needed, or not known well enough is not planned. Where the provider might delete what is ours
   meanwhile, calls that keep it alive are planned instead.
2. Nothing is planned later than the provider's date less the safety margin, but what is late already: that is due now.
3. Nothing is planned before its idle days are over, if after them there is a moment in working hours of a day with
   room; the first of these is taken. A moment that is planned already stays while it keeps these rules.
4. Where there is none, and our last moment is near, the provider's date forces an earlier one: the last in working
   hours of a day with room, at most `most_days_earlier` before that moment and missing as many idle days. But not where
   hours that say nothing may hide a call: one call of ours gives time then.
5. Where there is none either, the cap of the day yields; and at last, the working hours.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from data_contracts.idle import DeletionPlan, KeepAlive, LeftAlone, ObservedDeployment, PlannedDeletion
from data_contracts.policies import DeletionPolicy
from data_contracts.prices import Prices
from data_contracts.training import is_fine_tuned
from decisions.costs import hosting_cost
from decisions.idle.dates import Dates, azure_deletes_at, dates, is_developer
from decisions.idle.keeping_alive import kept_once, kept_until
from decisions.idle.protection import Why, why_protected, why_unknown
from decisions.idle.wording import left_in_words, planned_in_words
from decisions.idle.working_hours import WorkingHours

DAY = timedelta(days=1)
AT_WORK = timedelta(hours=1)
"""A deletion whose moment passed no longer ago is being carried out, and is not moved."""


class _Candidate(NamedTuple):
    seen: ObservedDeployment
    created_at: datetime
    dates: Dates


def plan_deletions(
    fleet: Sequence[ObservedDeployment],
    now: datetime,
    policy: DeletionPolicy,
    prices: Prices,
    carried_out: Sequence[datetime] = (),
) -> DeletionPlan:
    """What becomes of each model deployment of *fleet*: one deletion, or why none. The order of the fleet is no matter.

    *carried_out* are the moments of the loop's last deletions, which count to the cap of their day.
    """
    left: list[LeftAlone] = []
    candidates: list[_Candidate] = []
    for seen in sorted(fleet, key=lambda each: (each.account, each.name)):
        judged = _judged(seen, now, policy)
        if isinstance(judged, _Candidate):
            candidates.append(judged)
        else:
            left.append(_left(seen, judged, now, policy, prices))
    planned = _planned(candidates, now, prices, WorkingHours(policy, carried_out))
    return DeletionPlan(
        deletions=tuple(sorted(planned, key=lambda each: (each.at, each.account, each.name))), left_alone=tuple(left)
    )


def key_of(seen: ObservedDeployment, created_at: datetime) -> str:
    """Idempotency key of its deletion run: the same until a run of it has ended."""
    named = json.dumps([seen.account, seen.name, created_at.timestamp(), seen.runs_ended])
    return f"delete-idle-{hashlib.sha256(named.encode()).hexdigest()[:16]}"


def _judged(seen: ObservedDeployment, now: datetime, policy: DeletionPolicy) -> _Candidate | Why:
    why = why_protected(seen, now, policy) or why_unknown(seen, now, timedelta(hours=max(1, policy.metrics_lag_hours)))
    if why is not None or seen.calls is None or seen.created_at is None:
        return why or Why("unknown", "nothing is known about it")
    found = dates(seen.created_at, seen, seen.calls, policy)
    if is_developer(seen.sku):
        return _short_lived(_Candidate(seen, seen.created_at, found))
    if found.in_doubt:
        return Why("unknown", left_in_words(found))
    if now + timedelta(days=policy.notice_days) < min(found.earliest, found.forced_from):
        return Why("has traffic", left_in_words(found))
    return _Candidate(seen, seen.created_at, found)


def _short_lived(candidate: _Candidate) -> _Candidate | Why:
    """The developer tier ends by itself after 24 hours: in good order before that, unless somebody is calling."""
    if candidate.dates.idle_since > candidate.created_at:
        return Why("has traffic", "customers may be calling it; its 24 hours end without us, and it costs nothing")
    return candidate


def _planned(
    candidates: Sequence[_Candidate], now: datetime, prices: Prices, hours: WorkingHours
) -> list[PlannedDeletion]:
    """Deletions for the candidates: first those that stay where they are, then the others, the most urgent first."""
    by_urgency = sorted(candidates, key=lambda each: (each.dates.latest, each.dates.earliest, _name(each)))
    staying = {_name(each): _staying(each, now, hours) for each in by_urgency}
    return [_deletion(each, staying[_name(each)] or _moment(each, now, hours), now, prices) for each in by_urgency]


def _name(candidate: _Candidate) -> tuple[str, str]:
    return candidate.seen.account, candidate.seen.name


def _staying(candidate: _Candidate, now: datetime, hours: WorkingHours) -> datetime | None:
    """The moment for which it is planned, counted to its day, where that still keeps the rules."""
    at, found = candidate.seen.planned_for, candidate.dates
    if at is None or not max(now - AT_WORK, found.earliest) <= at <= found.latest:
        return None
    if not hours.holds(at) or not hours.has_room(hours.day(at)):
        return None
    hours.take(at)
    return at


def _moment(candidate: _Candidate, now: datetime, hours: WorkingHours) -> datetime:
    found = candidate.dates
    if is_developer(candidate.seen.sku):
        return max(now, found.latest)
    begin = max(found.forced_from, now)
    moment = (
        hours.first(max(found.earliest, now), found.latest)
        or hours.last(begin, found.latest)
        or hours.last(begin, found.latest, crowded=True)
        or max(now, min(found.earliest, found.latest))
    )
    hours.take(moment)
    return moment


def _deletion(candidate: _Candidate, at: datetime, now: datetime, prices: Prices) -> PlannedDeletion:
    seen, created_at, found = candidate
    saved = hosting_cost(DAY, seen.sku, prices)
    return PlannedDeletion(
        account=seen.account,
        name=seen.name,
        created_at=created_at,
        at=at,
        reason=planned_in_words(seen, found, saved, late=not is_developer(seen.sku) and now > found.latest),
        azure_deletes_at=found.azure,
        forced=not is_developer(seen.sku) and at < found.earliest,
        saved_per_day=saved,
        key=key_of(seen, created_at),
    )


def _left(seen: ObservedDeployment, why: Why, now: datetime, policy: DeletionPolicy, prices: Prices) -> LeftAlone:
    counted = seen.created_at if is_fine_tuned(seen.model) else None
    return LeftAlone(
        account=seen.account,
        name=seen.name,
        code=why.code,
        reason=why.reason,
        azure_deletes_at=None if counted is None else azure_deletes_at(counted, seen, policy),
        keep_alive=_keep_alive(seen, why, now, policy, prices),
    )


def _keep_alive(
    seen: ObservedDeployment, why: Why, now: datetime, policy: DeletionPolicy, prices: Prices
) -> KeepAlive | None:
    if why.code == "unknown":
        return kept_once(seen, now, policy, prices)
    return kept_until(seen, why.until, now, policy, prices) if why.code in ("kept", "protected") else None
