"""Working hours of a time zone, also when its clocks change."""

from datetime import UTC, datetime

import pytest

from decisions.idle.working_hours import WorkingHours
from tests.decisions.idle.fleets import HOUR, policy

BERLIN = policy(time_zone="Europe/Berlin")


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_nine_oclock_in_berlin_moves_with_the_summer() -> None:
    hours = WorkingHours(BERLIN)

    assert hours.first(utc(3, 27, 20), utc(4, 10, 0)) == utc(3, 30, 7)  # clocks changed on Sunday, the 29th
    assert hours.first(utc(3, 26, 20), utc(4, 10, 0)) == utc(3, 27, 8)
    assert hours.first(utc(10, 23, 20), utc(11, 10, 0)) == utc(10, 26, 8)


@pytest.mark.parametrize(("friday", "length"), [((3, 20), 48), ((3, 27), 47), ((10, 23), 49)])
def test_a_weekend_is_as_long_as_its_clocks_make_it(friday: tuple[int, int], length: int) -> None:
    weekend = policy(time_zone="Europe/Berlin", working_from=0, working_until=24, weekdays=("Saturday", "Sunday"))
    hours = WorkingHours(weekend)

    assert sum(hours.holds(utc(*friday, 0) + each * HOUR) for each in range(96)) == length


def test_an_hour_that_a_change_leaves_out_ends_nothing() -> None:
    """Work from 2 to 3 in the night: on 29 March there is no such hour, and nothing happens on that day."""
    night = policy(time_zone="Europe/Berlin", working_from=2, working_until=3, weekdays=("Sunday", "Monday"))

    assert WorkingHours(night).first(utc(3, 29, 0), utc(3, 31, 0)) == utc(3, 30, 0)


def test_an_hour_that_a_change_repeats_is_worked_twice() -> None:
    night = policy(time_zone="Europe/Berlin", working_from=2, working_until=3, weekdays=("Sunday",))
    hours = WorkingHours(night)

    assert hours.holds(utc(10, 25, 0, 30))
    assert hours.holds(utc(10, 25, 1, 30))
    assert not hours.holds(utc(10, 25, 2, 0))


def test_a_day_belongs_to_the_zone() -> None:
    auckland = policy(time_zone="Pacific/Auckland", weekdays=("Monday",))

    assert WorkingHours(auckland).holds(utc(3, 8, 21))  # Monday, 10 o'clock there
    assert not WorkingHours(auckland).holds(utc(3, 9, 21))


def test_the_last_moment_is_an_hour_before_closing_or_the_end() -> None:
    hours = WorkingHours(policy())

    assert hours.last(utc(3, 11, 0), utc(3, 15, 12)) == utc(3, 13, 16)
    assert hours.last(utc(3, 11, 0), utc(3, 13, 10)) == utc(3, 13, 10)
    assert hours.last(utc(3, 13, 16, 30), utc(3, 15, 12)) is None
    assert hours.last(utc(3, 14, 0), utc(3, 15, 12)) is None


def test_a_full_day_has_no_first_moment_but_a_crowded_one() -> None:
    hours = WorkingHours(policy(most_a_day=1), [utc(3, 13, 9)])

    assert hours.first(utc(3, 13, 0), utc(3, 13, 20)) is None
    assert hours.last(utc(3, 13, 0), utc(3, 13, 20)) is None
    assert hours.last(utc(3, 13, 0), utc(3, 13, 20), crowded=True) == utc(3, 13, 16)
