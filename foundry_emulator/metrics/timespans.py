"""Of which time a query asks, and in which steps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from foundry_emulator.calls import MINUTE
from foundry_emulator.clock import iso
from foundry_emulator.metrics.problems import bad_query

HOUR, DAY = 3_600, 86_400
KEPT_SECONDS = 93 * DAY
MOST_POINTS = 50_000
FULL = "FULL"
_GRAINS = {
    60: ("PT1M", "00:01:00"),
    300: ("PT5M", "00:05:00"),
    900: ("PT15M", "00:15:00"),
    1_800: ("PT30M", "00:30:00"),
    HOUR: ("PT1H", "01:00:00"),
    6 * HOUR: ("PT6H", "06:00:00"),
    12 * HOUR: ("PT12H", "12:00:00"),
    DAY: ("P1D", "1.00:00:00"),
}
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?")


@dataclass(frozen=True)
class Timespan:
    """A stretch of time in steps of *seconds*; the moments are whole minutes since 1970."""

    start: int
    end: int
    interval: str
    seconds: int

    def steps(self) -> Iterator[int]:
        """Yield the moment at which each step begins."""
        yield from range(self.start, self.end, self.seconds)

    def step_of(self, minute: int) -> int:
        """Return when the step begins that a *minute* is in."""
        return self.start + (minute - self.start) // self.seconds * self.seconds


def timespan(start: str | None, end: str | None, interval: str | None, now: float) -> Timespan:
    """Return the time that a query asks for, the last hour in minutes if it does not say.

    *start* and *end* are ISO 8601 moments, *interval* is an ISO 8601 duration that Azure supports, or FULL.
    ServiceError 400 for others.
    """
    until = _moment(end) if end else now
    since = _moment(start) if start else until - HOUR
    if since >= until:
        raise bad_query(f"The start time {_told(since)} must be before the end time {_told(until)}.")
    if until - since > KEPT_SECONDS + MINUTE:
        raise bad_query(
            f"The time range from {_told(since)} to {_told(until)} is longer than the 93 days that are kept."
        )
    first, last = int(since // MINUTE) * MINUTE, -int(-until // MINUTE) * MINUTE
    seconds = _grain(interval or "PT1M", last - first)
    if (last - first) / seconds > MOST_POINTS:
        raise bad_query(f"The query would return more than {MOST_POINTS:,} points a series; use a longer interval.")
    return Timespan(first, last, (interval or "PT1M").upper(), seconds)


def parts_of(text: str | None) -> tuple[str | None, str | None]:
    """Return start and end from `START/END`, None for both from None; ServiceError 400 for anything else."""
    if not text:
        return None, None
    start, slash, end = text.partition("/")
    if not slash or not start or not end:
        raise bad_query(f"The timespan '{text[:100]}' is not of the form startDateTime/endDateTime.")
    return start, end


def _grain(interval: str, whole: int) -> int:
    if interval.upper() == FULL:
        return whole
    match = _DURATION.fullmatch(interval.upper())
    parts = [int(part or 0) for part in match.groups()] if match else [0, 0, 0, 0]
    days, hours, minutes, rest = parts
    seconds = days * DAY + hours * HOUR + minutes * MINUTE + rest
    if seconds not in _GRAINS:
        supported = ",".join(told for _, told in _GRAINS.values())
        raise bad_query(f"Invalid time grain duration: {interval[:40]}, supported ones are: {supported}")
    return seconds


def _moment(text: str) -> float:
    try:
        moment = _parsed(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as problem:
        raise bad_query(f"The time '{text[:60]}' is not a valid ISO 8601 date and time.") from problem


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # a plus sign that was not escaped in the address arrives as a space
        return datetime.fromisoformat(text.replace(" ", "+"))


def _told(moment: float) -> str:
    try:
        return iso(moment)
    except (ValueError, OverflowError):
        return f"{moment:.0f}"
