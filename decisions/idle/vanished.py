"""Model deployments of ours that are gone though we did not delete them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from data_contracts.idle import ObservedDeployment, Vanished
from data_contracts.policies import DeletionPolicy
from decisions.idle.dates import azure_deletes_at, is_developer
from decisions.idle.wording import moment

SETTLING = timedelta(hours=1)
"""A list may not show yet what was created so short ago."""


def vanished(
    known: Sequence[ObservedDeployment],
    listed: Collection[tuple[str, str]],
    now: datetime,
    policy: DeletionPolicy,
) -> tuple[Vanished, ...]:
    """Those *known* by the ledger to be alive, as last observed, that are not *listed*, by account and name.

    *listed* has to be the whole list of each account: a part of it would make the rest vanish.
    """
    return tuple(
        Vanished(
            account=each.account,
            name=each.name,
            model=each.model,
            reason=f"{_how(each, now, policy)}; {'it is needed' if _needed(each, now, policy) else 'nobody needs it'}",
            then="revive" if policy.on_vanished == "revive" and _needed(each, now, policy) else "park",
        )
        for each in sorted(known, key=lambda one: (one.account, one.name))
        if each.owner == "this loop" and (each.account, each.name) not in listed and not _too_young(each, now)
    )


def _too_young(seen: ObservedDeployment, now: datetime) -> bool:
    return seen.created_at is not None and now - seen.created_at < SETTLING


def _how(seen: ObservedDeployment, now: datetime, policy: DeletionPolicy) -> str:
    if seen.created_at is None:
        return "it vanished, nobody knows why"
    azure = azure_deletes_at(seen.created_at, seen, policy)
    if now < azure:
        return f"it vanished before Azure's own date, {moment(azure)}: somebody or something else deleted it"
    rule = (
        "the developer tier's 24 hours" if is_developer(seen.sku) else f"{policy.azure_span.days} days without a call"
    )
    return f"Azure deleted it after {rule}, on {moment(azure)} or later"


def _needed(seen: ObservedDeployment, now: datetime, policy: DeletionPolicy) -> bool:
    """Whether it has a part, somebody keeps it, or a customer called it within the idle days.

    Calls do not count in the developer tier, which was never meant to outlive its 24 hours.
    """
    called = seen.calls.last_customer_call if seen.calls and not is_developer(seen.sku) else None
    recently = called is not None and now - called < timedelta(days=policy.idle_days)
    return bool(seen.roles - {"orphan"}) or any(each.until > now for each in seen.keeps) or recently
