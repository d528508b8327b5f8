"""When a model deployment was last called, by customers and at all, from counts by the hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from data_contracts.idle import CallEvidence, HourlyCalls

HOUR = timedelta(hours=1)
Counts = NDArray[np.floating]


@dataclass(frozen=True)
class CallTable:
    """Counts of many model deployments, a row each, over the same hours; NaN where a source is silent."""

    begins: datetime
    observed_at: datetime
    successes: Counts
    own: Counts


def calls_of(hourly: HourlyCalls, lag: timedelta) -> CallEvidence:
    """What the hours of one model deployment say; see `read_calls`. ValueError where the sources differ in length."""
    successes, own = _row(hourly.successes), _row(hourly.own)
    if successes.shape != own.shape:
        raise ValueError(
            f"{successes.size} hours of the metric and {own.size} of our log; give both sources for the same hours"
        )
    return read_calls(CallTable(hourly.begins, hourly.observed_at, successes, own), lag)[0]


def read_calls(table: CallTable, lag: timedelta) -> list[CallEvidence]:
    """What the hours of each row say.

    Customers' calls in an hour are the metric's less our own; a missing source or a negative difference is unknown.
    Hours that ended less than *lag* before the observation may be incomplete: what they count counts, what they do not
    count is no gap. Any count makes the hour one with a call, for the provider's clock, whatever the other source says.
    """
    hours = table.successes.shape[1]
    customers = table.successes - table.own
    settled = max(0, min(hours, (table.observed_at - lag - table.begins) // HOUR))
    unknown = ~(customers[:, :settled] >= 0)
    by_customers = _last(customers > 0)
    by_anybody = _last((table.successes > 0) | (table.own > 0))
    unclear = _last(unknown)
    short = table.begins + hours * HOUR < table.observed_at - lag
    until = min(table.begins + hours * HOUR, table.observed_at)
    return [
        CallEvidence(
            begins=table.begins,
            until=until,
            observed_at=table.observed_at,
            last_customer_call=_end(table, customer),
            last_call=None if anybody < 0 else table.begins + anybody * HOUR,
            last_unknown=_end(table, gap),
            unknown_now=short or settled == 0 or gap == settled - 1,
        )
        for customer, anybody, gap in zip(by_customers, by_anybody, unclear, strict=True)
    ]


def _row(counts: tuple[int | None, ...]) -> Counts:
    return np.array([[np.nan if each is None else each for each in counts]], dtype=float)


def _last(marked: NDArray[np.bool_]) -> list[int]:
    """Index of the last marked hour of each row, -1 where none is."""
    if not marked.shape[1]:
        return [-1] * len(marked)
    found = marked.shape[1] - 1 - marked[:, ::-1].argmax(axis=1)
    last: list[int] = np.where(marked.any(axis=1), found, -1).tolist()
    return last


def _end(table: CallTable, hour: int) -> datetime | None:
    return None if hour < 0 else min(table.begins + (hour + 1) * HOUR, table.observed_at)
