"""Moments at which deletions may happen: working hours of a time zone, and so many a day."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from data_contracts.policies import DeletionPolicy

DAY = timedelta(days=1)
BEFORE_CLOSING = timedelta(hours=1)
"""What is moved earlier happens so long before the end of work, for somebody to see it."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class WorkingHours:
    """The working hours of a policy, and how many deletions each of its days has already."""

    def __init__(self, policy: DeletionPolicy, taken: Iterable[datetime] = ()) -> None:
        """*taken*: moments of deletions that count, carried out or planned."""
        self._policy = policy
        self._zone = policy.zone
        self._weekdays = frozenset(WEEKDAYS.index(each) for each in policy.weekdays)
        self._hours: dict[date, tuple[datetime, datetime] | None] = {}
        self._taken: Counter[date] = Counter()
        for moment in taken:
            self.take(moment)

    def day(self, moment: datetime) -> date:
        """The day of *moment* in the policy's time zone."""
        return moment.astimezone(self._zone).date()

    def take(self, moment: datetime) -> None:
        """Count a deletion on its day."""
        self._taken[self.day(moment)] += 1

    def has_room(self, day: date) -> bool:
        """Whether another deletion may happen on *day*."""
        return self._taken[day] < self._policy.most_a_day

    def holds(self, moment: datetime) -> bool:
        """Whether *moment* is within working hours."""
        hours = self._of(self.day(moment))
        return hours is not None and hours[0] <= moment < hours[1]

    def first(self, begin: datetime, end: datetime) -> datetime | None:
        """The first moment from *begin* to *end* in working hours of a day that has room."""
        for day, opens, closes in self._days(begin, end):
            moment = max(opens, begin)
            if moment < closes and moment <= end and self.has_room(day):
                return moment
        return None

    def last(self, begin: datetime, end: datetime, *, crowded: bool = False) -> datetime | None:
        """The last moment from *begin* to *end*, not in the last hour of work, of a day with room, or *crowded*."""
        for day, opens, closes in reversed(list(self._days(begin, end))):
            moment = min(max(opens, closes - BEFORE_CLOSING), end)
            if opens <= moment and begin <= moment and (crowded or self.has_room(day)):
                return moment
        return None

    def _days(self, begin: datetime, end: datetime) -> Iterator[tuple[date, datetime, datetime]]:
        day = self.day(begin)
        while begin <= end and day <= self.day(end):
            hours = self._of(day)
            if hours is not None:
                yield day, *hours
            day += DAY

    def _of(self, day: date) -> tuple[datetime, datetime] | None:
        """When work begins and ends on *day*, None on a day off; UTC, for moments of a zone compare by its clock."""
        if day not in self._hours:
            works = day.weekday() in self._weekdays
            opens, closes = self._at(day, self._policy.working_from), self._at(day, self._policy.working_until)
            self._hours[day] = (opens, closes) if works and opens < closes else None
        return self._hours[day]

    def _at(self, day: date, hour: int) -> datetime:
        local = datetime.combine(day + (hour // 24) * DAY, time(hour % 24), self._zone)
        return local.astimezone(UTC)
