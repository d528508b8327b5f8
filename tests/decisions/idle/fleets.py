"""Model deployments of a made-up account, in whose hours everything is known unless a test says otherwise."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from data_contracts.idle import CallEvidence, DeletionPlan, LeftAlone, ObservedDeployment, PlannedDeletion
from data_contracts.policies import DeletionPolicy
from data_contracts.prices import Prices, current_prices
from decisions.idle.plan import plan_deletions

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
"""A Wednesday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MODEL = "gpt-4.1-2025-04-14.ft-0123456789abcdef0123456789abcdef-k0123456789abcdef"
ALWAYS: dict[str, Any] = {
    "working_from": 0,
    "working_until": 24,
    "weekdays": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def evidence(customer: datetime | None = None, *, now: datetime = NOW, **changes: Any) -> CallEvidence:
    """Forty days of hours, of which the last with a customer's call ended at *customer*."""
    seen = {
        "begins": now - 40 * DAY,
        "until": now,
        "observed_at": now,
        "last_customer_call": customer,
        "last_call": customer - HOUR if customer else None,
    }
    return CallEvidence.model_validate({**seen, **changes})


def deployment(customer: datetime | None = None, *, now: datetime = NOW, **changes: Any) -> ObservedDeployment:
    """A model deployment of ours, 30 days old, last called by a customer in the hour that ended at *customer*."""
    seen = {
        "account": "plant",
        "name": "steel-i0001",
        "model": MODEL,
        "sku": "GlobalStandard",
        "created_at": now - 30 * DAY,
        "owner": "this loop",
        "calls": evidence(customer, now=now),
    }
    return ObservedDeployment.model_validate({**seen, **changes})


def policy(**changes: Any) -> DeletionPolicy:
    """The default policy with *changes*."""
    return DeletionPolicy.model_validate(changes)


def planned(
    fleet: Sequence[ObservedDeployment], rules: DeletionPolicy | None = None, now: datetime = NOW, **changes: Any
) -> DeletionPlan:
    """What is planned for *fleet*."""
    return plan_deletions(fleet, now, rules or policy(), prices(), **changes)


def prices() -> Prices:
    """The shipped prices."""
    return current_prices()


def deletion(
    seen: ObservedDeployment, rules: DeletionPolicy | None = None, now: datetime = NOW, **changes: Any
) -> PlannedDeletion:
    """The one deletion that is planned for *seen* alone."""
    (found,) = planned([seen], rules, now, **changes).deletions
    return found


def left(seen: ObservedDeployment, rules: DeletionPolicy | None = None, now: datetime = NOW) -> LeftAlone:
    """Why *seen* alone is left alone."""
    (found,) = planned([seen], rules, now).left_alone
    return found
