"""Whether a planned deletion is carried out, asked at its moment."""

from datetime import datetime, timedelta

from data_contracts.idle import DeletionVerdict, ObservedDeployment, PlannedDeletion
from data_contracts.policies import DeletionPolicy
from decisions.idle.dates import Dates, dates, is_developer
from decisions.idle.plan import AT_WORK
from decisions.idle.protection import why_protected, why_unknown
from decisions.idle.wording import moment
from decisions.idle.working_hours import WorkingHours


def still_idle(
    planned: PlannedDeletion, seen: ObservedDeployment | None, now: datetime, policy: DeletionPolicy
) -> DeletionVerdict:
    """Whether the model deployment of *planned*, as it is *seen* now, is deleted; None for one that is gone.

    Only on evidence that is younger than the policy's `evidence_minutes`: whatever is not known is a no.
    """
    no = _another(planned, seen)
    if seen is None or no is not None:
        return _no(no or "it is gone")
    why = why_protected(seen, now, policy) or why_unknown(seen, now, timedelta(minutes=policy.evidence_minutes))
    if why is not None or seen.calls is None:
        return _no(why.reason if why else "nothing is known about its calls")
    found = dates(planned.created_at, seen, seen.calls, policy)
    return _by_dates(planned, seen, found, now, policy)


def _another(planned: PlannedDeletion, seen: ObservedDeployment | None) -> str | None:
    if seen is None:
        return "it is gone already"
    if (seen.account, seen.name) != (planned.account, planned.name):
        return f"it is {seen.account}/{seen.name}, and {planned.account}/{planned.name} was planned"
    if seen.created_at != planned.created_at:
        return "another model deployment has its name by now"
    return None


def _by_dates(
    planned: PlannedDeletion, seen: ObservedDeployment, found: Dates, now: datetime, policy: DeletionPolicy
) -> DeletionVerdict:
    if now < planned.at:
        return _no(f"its moment is {moment(planned.at)}")
    if is_developer(seen.sku):
        quiet = found.idle_since <= planned.created_at
        return _yes("no customer has called it") if quiet else _no("customers may have called it")
    forced = planned.forced and found.azure <= planned.azure_deletes_at  # a call since then gives Azure, and us, time
    from_when = found.forced_from if forced else found.earliest
    if found.in_doubt or now < from_when:
        return _no(f"customers may have called it until {moment(found.idle_since)}")
    if now - planned.at > AT_WORK and now < found.latest and not WorkingHours(policy).holds(now):
        return _no("it is late and nobody is at work; it is planned anew")
    return _yes(f"no customer has called it since {moment(found.customers_silent_since)}")


def _yes(reason: str) -> DeletionVerdict:
    return DeletionVerdict(delete=True, reason=reason)


def _no(reason: str) -> DeletionVerdict:
    return DeletionVerdict(delete=False, reason=reason)
