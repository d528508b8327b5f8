"""From when we may delete a model deployment, by when we have to, and when the provider would."""

from datetime import datetime, timedelta
from typing import NamedTuple

from data_contracts.idle import CallEvidence, ObservedDeployment
from data_contracts.limits import current_limits
from data_contracts.policies import DeletionPolicy

DEVELOPER = "DeveloperTier"
LEAST = timedelta(days=1)
"""Idle for less, nothing is deleted, whatever forces it."""
DEVELOPER_MARGIN = timedelta(hours=1)
"""Before the end of a life of 24 hours; a margin of a day would leave nothing of it."""


class Dates(NamedTuple):
    """The moments that a deletion hangs on; a moment that is unknown counts as a call for us, as none for Azure."""

    customers_silent_since: datetime
    """Since its creation, or the last call that is known to be a customer's."""
    idle_since: datetime
    """The same, or the last hour that may hide a customer's call."""
    earliest: datetime
    """Its idle days are over."""
    forced_from: datetime
    """From here on, days before `latest`, Azure's date may force it; the same as `earliest` where there is time."""
    azure: datetime
    latest: datetime
    """The provider's date less our margin."""

    @property
    def in_doubt(self) -> bool:
        """Whether hours that say nothing keep it from being idle in time; the provider may see no call in them."""
        return self.forced_from > self.latest


def is_developer(sku: str) -> bool:
    """Whether the tier lives 24 hours, whatever calls it; Azure takes its name in any case."""
    return sku.casefold() == DEVELOPER.casefold()


def dates(created_at: datetime, seen: ObservedDeployment, calls: CallEvidence, policy: DeletionPolicy) -> Dates:
    """The moments of a model deployment that was created at *created_at* and called as *calls* says."""
    silent = max(created_at, calls.begins, calls.last_customer_call or created_at)
    idle = max(silent, calls.last_unknown or silent)
    azure = azure_deletes_at(created_at, seen, policy)
    margin = DEVELOPER_MARGIN if is_developer(seen.sku) else policy.safety_margin
    idle_days = timedelta(days=policy.idle_days)
    earliest, latest = idle + idle_days, azure - margin
    enough = min(idle_days, policy.azure_span - policy.safety_margin)
    if idle == silent:  # Azure's date forces nothing where it may have seen a call that we did not
        enough -= timedelta(days=policy.most_days_earlier)
    forced_from = max(idle + max(enough, LEAST), min(earliest, latest - timedelta(days=policy.most_days_earlier)))
    return Dates(
        customers_silent_since=silent,
        idle_since=idle,
        earliest=earliest,
        forced_from=forced_from,
        azure=azure,
        latest=latest,
    )


def azure_deletes_at(created_at: datetime, seen: ObservedDeployment, policy: DeletionPolicy) -> datetime:
    """The earliest moment at which the provider may delete it, without another call.

    It is old enough and uncalled for as long, both; a call in an hour that says nothing is not relied on.
    """
    if is_developer(seen.sku):
        return created_at + timedelta(hours=current_limits().developer_tier_hours.value)
    called = seen.calls.last_call if seen.calls else None
    return max(created_at, called or created_at, seen.kept_alive_at or created_at) + policy.azure_span
