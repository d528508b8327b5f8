"""When a model deployment was called last: customers' calls are the metric's less our own."""

from datetime import timedelta

import pytest

from data_contracts.idle import CallEvidence, HourlyCalls
from decisions.idle.last_calls import calls_of
from tests.decisions.idle.fleets import HOUR, NOW

Count = int | None


def read(successes: list[Count], own: list[Count] | None = None, lag: timedelta = timedelta(0)) -> CallEvidence:
    """The evidence of hours of which the last ended just now."""
    ours = own or [0] * len(successes)
    begins = NOW - len(successes) * HOUR
    return calls_of(HourlyCalls(begins=begins, observed_at=NOW, successes=tuple(successes), own=tuple(ours)), lag)


def test_the_last_hour_with_more_successes_than_our_own_is_the_last_customers() -> None:
    seen = read([2, 5, 3, 0], [2, 4, 3, 0])

    assert seen.last_customer_call == NOW - 2 * HOUR
    assert seen.last_call == NOW - 2 * HOUR
    assert seen.last_unknown is None
    assert not seen.unknown_now


def test_our_own_calls_count_for_the_provider_only() -> None:
    seen = read([0, 7, 0], [0, 7, 0])

    assert seen.last_customer_call is None
    assert seen.last_call == NOW - 2 * HOUR


@pytest.mark.parametrize(("successes", "own"), [(None, 0), (3, None), (None, None), (1, 2)])
def test_a_missing_or_negative_figure_is_unknown(successes: Count, own: Count) -> None:
    seen = read([0, successes, 0], [0, own, 0])

    assert seen.last_unknown == NOW - HOUR
    assert seen.last_customer_call is None


def test_what_one_source_counts_is_a_call_though_the_other_is_silent() -> None:
    assert read([0, None, 0], [0, 1, 0]).last_call == NOW - 2 * HOUR
    assert read([0, 1, 0], [0, None, 0]).last_call == NOW - 2 * HOUR


def test_hours_that_may_still_be_counted_are_no_gap() -> None:
    assert read([0, 0, None], lag=HOUR).last_unknown is None
    assert read([0, None, None], lag=HOUR).last_unknown == NOW - HOUR


def test_a_call_in_such_an_hour_counts() -> None:
    assert read([0, 0, 1], lag=HOUR).last_customer_call == NOW


def test_an_outage_that_goes_on_is_told() -> None:
    assert read([0, 0, None]).unknown_now
    assert not read([0, None, 0]).unknown_now


def test_hours_that_end_too_early_are_an_outage() -> None:
    stale = HourlyCalls(begins=NOW - 5 * HOUR, observed_at=NOW, successes=(0, 0, 0), own=(0, 0, 0))

    assert calls_of(stale, HOUR).unknown_now
    assert not calls_of(stale, 2 * HOUR).unknown_now


def test_no_hours_are_unknown() -> None:
    assert read([]).unknown_now


def test_the_hour_that_is_not_over_ends_now() -> None:
    running = HourlyCalls(begins=NOW - 1.5 * HOUR, observed_at=NOW, successes=(0, 1), own=(0, 0))

    assert calls_of(running, HOUR).last_customer_call == NOW


def test_sources_over_different_hours_are_refused() -> None:
    uneven = HourlyCalls(begins=NOW, observed_at=NOW, successes=(0, 0), own=(0,))

    with pytest.raises(ValueError, match="2 hours of the metric and 1 of our log"):
        calls_of(uneven, HOUR)
