"""Calls of model deployments by the hour: what Azure Monitor counted, and what we asked ourselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field

from data_contracts.record import Record

METRICS_KEPT_DAYS = 93
"""Azure Monitor keeps metrics so long; our own calls are of no use any longer."""


class HourOfCalls(Record):
    """Successful calls of a model deployment in the hour that begins at *hour*, UTC."""

    model_deployment: str
    hour: datetime
    calls: int = Field(ge=1)


class CountedCalls(Record):
    """What Azure Monitor counted in the hours from *since* to *until*; an hour that is not listed had no call.

    The last minutes before the present may still be missing: a call is counted some minutes late.
    """

    since: datetime
    until: datetime
    calls: tuple[HourOfCalls, ...] = Field(description="Chat and responses calls: Azure's activity.")
    others: tuple[HourOfCalls, ...] = Field(
        description="Other successful calls, such as those of batches: no activity for Azure, use all the same."
    )


class OwnCallsPart(Record):
    """Calls that we made, as one file of the log keeps them."""

    account: str = Field(description="Resource id of the account, in lower case.")
    hours: tuple[HourOfCalls, ...]
    parts: tuple[str, ...] = Field((), description="Names of the files that this one took the place of.")


def by_hour(listed: Sequence[HourOfCalls], model_deployment: str) -> Mapping[datetime, int]:
    """Calls of one model deployment by the hour that they were in; several entries of an hour are summed."""
    found: dict[datetime, int] = {}
    for each in listed:
        if each.model_deployment == model_deployment:
            found[each.hour] = found.get(each.hour, 0) + each.calls
    return found


def summed(listed: Sequence[HourOfCalls]) -> tuple[HourOfCalls, ...]:
    """One entry for each model deployment and hour, in order."""
    found: dict[tuple[str, datetime], int] = {}
    for each in listed:
        key = (each.model_deployment, each.hour)
        found[key] = found.get(key, 0) + each.calls
    return tuple(HourOfCalls(model_deployment=name, hour=hour, calls=found[name, hour]) for name, hour in sorted(found))
