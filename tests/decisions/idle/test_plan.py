"""When an idle model deployment is deleted, rule by rule; NOW is Wednesday, 2026-03-11, 12:00 UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_contracts.idle import Keep
from tests.decisions.idle.fleets import ALWAYS, DAY, HOUR, NOW, deletion, deployment, evidence, left, planned, policy


def at(day: int, hour: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_it_is_deleted_when_its_idle_days_are_over() -> None:
    found = deletion(deployment(at(5, 10)))

    assert found.at == at(12, 10)
    assert found.azure_deletes_at == at(20, 9)
    assert not found.forced


def test_its_reason_says_since_when_and_what_it_costs() -> None:
    assert deletion(deployment(at(5, 10))).reason == (
        "no customer has called it since 2026-03-05 10:00 UTC, Azure would delete it on 2026-03-20 09:00 UTC, "
        "and it costs $40.80 a day"
    )


def test_it_waits_for_the_next_working_hour() -> None:
    assert deletion(deployment(at(6, 18))).at == at(16, 9)  # Friday evening to Monday morning
    assert deletion(deployment(at(5, 3))).at == at(12, 9)


def test_it_is_announced_so_many_days_ahead_and_not_before() -> None:
    assert left(deployment(NOW - 4 * DAY + HOUR)).code == "has traffic"
    assert deletion(deployment(NOW - 4 * DAY)).at == at(16, 9)  # Saturday noon to Monday


def test_one_that_was_never_called_is_idle_since_its_creation() -> None:
    found = deletion(deployment(created_at=at(5, 10)))

    assert found.at == at(12, 10)
    assert found.azure_deletes_at == at(20, 10)


def test_our_own_calls_move_azures_date_only() -> None:
    ours = evidence(at(5, 10), last_call=at(11, 8))

    found = deletion(deployment(calls=ours))

    assert (found.at, found.azure_deletes_at) == (at(12, 10), at(26, 8))


def test_azures_date_forces_one_whose_idle_days_would_end_too_late() -> None:
    found = deletion(deployment(NOW - 13 * DAY), policy(idle_days=20, **ALWAYS))

    # One hour before the call's end it may have been called: 15 days later less a day, and an hour before midnight.
    assert found.at == at(12, 11)
    assert found.azure_deletes_at == at(13, 11)
    assert found.forced


def test_a_weekend_before_azures_date_moves_a_deletion_earlier() -> None:
    # Our last moment is Sunday, 15th, at 9: the last call began on Sunday, 1st, at 9, and 14 days have to go by.
    found = deletion(deployment(at(1, 10)), policy(idle_days=14))

    assert found.at == at(13, 16)
    assert found.forced


def test_working_hours_yield_where_azures_date_leaves_none() -> None:
    only_mondays = policy(idle_days=14, most_days_earlier=1, weekdays=("Monday",))

    found = deletion(deployment(at(1, 10)), only_mondays)

    assert found.at == at(15, 9)


def test_a_late_one_is_due_now() -> None:
    found = deletion(deployment(NOW - 20 * DAY))

    assert found.at == NOW
    assert "it is late" in found.reason


def test_so_many_a_day_and_the_others_on_the_next() -> None:
    fleet = [deployment(at(3, 10), name=f"k{each}") for each in range(5)]

    found = planned(fleet, policy(most_a_day=2)).deletions

    assert [each.at for each in found] == [NOW, NOW, at(12, 9), at(12, 9), at(13, 9)]


def test_those_carried_out_today_count() -> None:
    assert deletion(deployment(at(3, 10)), policy(most_a_day=1), carried_out=[NOW - HOUR]).at == at(12, 9)


def test_the_cap_yields_to_azures_date() -> None:
    fleet = [deployment(NOW - 13.5 * DAY, name=f"k{each}") for each in range(3)]

    found = planned(fleet, policy(most_a_day=1, **ALWAYS)).deletions

    assert [each.at for each in found] == [NOW, NOW + 11 * HOUR, NOW + 11 * HOUR]


def test_the_cap_yields_before_the_idle_days_do_where_azures_date_is_far() -> None:
    fleet = [deployment(at(5, 10), name=f"k{each}") for each in range(8)]

    found = planned(fleet, policy(most_a_day=1)).deletions

    assert [each.at for each in found] == [at(day, 9) if day > 12 else at(12, 10) for day in (12, 13, 16, 17, 18)] + [
        at(19, 9)
    ] * 3
    assert not any(each.forced for each in found)


def test_a_planned_moment_stays_while_it_keeps_the_rules() -> None:
    assert deletion(deployment(at(5, 10), planned_for=at(13, 11))).at == at(13, 11)


@pytest.mark.parametrize("moved", [at(12, 9), at(14, 11), at(13, 18), at(20, 9), at(11, 10)])
def test_a_planned_moment_that_breaks_a_rule_is_moved(moved: datetime) -> None:
    """Before the idle days are over, on a Saturday, in the evening, after our last moment, and long past."""
    assert deletion(deployment(at(5, 10), planned_for=moved)).at == at(12, 10)


def test_one_that_is_being_carried_out_is_not_moved() -> None:
    moment = NOW - timedelta(minutes=20)

    assert deletion(deployment(at(2, 10), planned_for=moment)).at == moment


def test_traffic_withdraws_a_plan() -> None:
    assert left(deployment(at(11, 10), planned_for=at(12, 10))).code == "has traffic"


def test_traffic_moves_a_plan() -> None:
    assert deletion(deployment(at(6, 15), planned_for=at(12, 10))).at == at(13, 15)


def test_an_outage_counts_as_a_call() -> None:
    hidden = evidence(at(3, 10), last_unknown=at(6, 12))

    assert deletion(deployment(calls=hidden)).at == at(13, 12)


@pytest.mark.parametrize(
    "calls",
    [None, evidence(at(1, 10), unknown_now=True), evidence(at(1, 10), observed_at=NOW - 3 * HOUR)],
)
def test_what_is_not_known_is_not_planned(calls: object) -> None:
    found = left(deployment(calls=calls, created_at=at(5, 10)))

    assert found.code == "unknown"
    assert found.keep_alive is not None


def test_an_outage_before_azures_date_asks_for_one_call() -> None:
    hidden = evidence(NOW - 14 * DAY + 2 * HOUR, last_unknown=NOW - DAY)

    found = left(deployment(calls=hidden))

    assert found.code == "unknown"
    assert found.keep_alive is not None
    assert found.keep_alive.calls == (NOW + HOUR,)


def test_azures_date_forces_nothing_where_a_call_may_be_hidden() -> None:
    """Else a weekend before Azure's date would move it to Friday; here one call of ours gives time."""
    hidden = evidence(at(1, 10), last_unknown=at(1, 20))

    found = left(deployment(calls=hidden), policy(idle_days=14))

    assert found.code == "unknown"
    assert found.keep_alive is not None
    assert found.keep_alive.calls == (at(15, 9),)


def test_hours_that_do_not_reach_back_far_enough_are_unknown() -> None:
    assert left(deployment(calls=evidence(begins=NOW - 2 * DAY))).code == "unknown"


def test_one_of_unknown_age_is_not_planned() -> None:
    assert left(deployment(at(1, 10), created_at=None)).code == "unknown"


@pytest.mark.parametrize("owner", ["another loop", "stranger"])
def test_what_belongs_to_others_is_listed_and_never_touched(owner: str) -> None:
    found = left(deployment(owner=owner))

    assert (found.code, found.keep_alive) == ("not ours", None)


def test_base_models_are_let_be() -> None:
    found = left(deployment(model="gpt-4.1-2025-04-14"))

    assert (found.code, found.azure_deletes_at) == ("not fine-tuned", None)


@pytest.mark.parametrize("role", ["rollback twin", "running evaluation", "champion"])
def test_what_is_needed_is_kept_alive(role: str) -> None:
    found = left(deployment(at(5, 10), roles={role}))

    assert found.code == "protected"
    assert found.reason == f"it is needed as {role}"
    assert found.keep_alive is not None
    assert found.keep_alive.calls == (at(12, 9),)  # seven days after the hour of its last call began
    assert found.keep_alive.hosting == pytest.approx(30 * 24 * 1.70)


def test_an_idle_champion_is_parked_if_the_policy_says_so() -> None:
    found = deletion(deployment(at(5, 10), roles={"champion"}), policy(idle_champion="park"))

    assert found.reason.startswith("the champion is to be parked: ")


def test_a_parked_champion_that_is_being_evaluated_stays() -> None:
    seen = deployment(at(5, 10), roles={"champion", "running evaluation"})

    assert left(seen, policy(idle_champion="park")).code == "protected"


def test_an_orphan_is_told() -> None:
    assert deletion(deployment(at(5, 10), roles={"orphan"})).reason.startswith("its iteration is over and ")


def keep(until: datetime) -> Keep:
    return Keep(until=until, by="ada", why="a customer's trial")


def test_a_keep_that_ends_before_azures_date_needs_no_call() -> None:
    found = left(deployment(at(5, 10), keeps=(keep(at(15, 10)),)))

    assert (found.code, found.keep_alive) == ("kept", None)
    assert found.reason == "ada keeps it until 2026-03-15 10:00 UTC: a customer's trial"


def test_a_keep_that_passes_azures_date_calls_every_seven_days() -> None:
    found = left(deployment(at(5, 10), keeps=(keep(at(7, 12, 4)), keep(at(15, 10)))))

    assert found.keep_alive is not None
    # Each call leaves 14 days but a day for planning: that of 26 March lasts to 8 April.
    assert found.keep_alive.calls == (at(12, 9), at(19, 9), at(26, 9))
    assert found.keep_alive.hosting == pytest.approx(27 * 24 * 1.70)
    assert found.keep_alive.per_call == pytest.approx((20 * 2 + 1 * 8) / 1_000_000)


def test_a_keep_alive_call_in_the_ledger_moves_azures_date() -> None:
    seen = deployment(at(5, 10), keeps=(keep(at(7, 12, 4)),), kept_alive_at=at(11, 9))

    assert left(seen).azure_deletes_at == at(26, 9)


def test_a_keep_that_is_over_keeps_nothing() -> None:
    assert deletion(deployment(at(5, 10), keeps=(keep(NOW),))).at == at(12, 10)


def test_the_developer_tier_is_deleted_in_good_order_before_its_24_hours_are_over() -> None:
    found = deletion(deployment(sku="developertier", created_at=NOW - 4 * HOUR))

    assert (found.at, found.azure_deletes_at) == (NOW + 19 * HOUR, NOW + 20 * HOUR)
    assert found.saved_per_day == 0


def test_the_developer_tier_with_customers_or_in_doubt_is_left_to_its_end() -> None:
    created: dict[str, Any] = {"sku": "DeveloperTier", "created_at": NOW - 4 * HOUR}

    assert left(deployment(NOW - HOUR, **created)).code == "has traffic"
    assert left(deployment(calls=evidence(last_unknown=NOW - 2 * HOUR), **created)).code == "has traffic"


def test_no_call_prolongs_the_developer_tier() -> None:
    assert left(deployment(sku="DeveloperTier", roles={"running evaluation"})).keep_alive is None


def test_azures_rule_is_a_setting() -> None:
    assert deletion(deployment(at(5, 10)), policy(azure_days=30)).azure_deletes_at == at(4, 9, 4)


def test_the_key_is_the_same_until_a_run_has_ended() -> None:
    seen = deployment(at(5, 10))
    key = deletion(seen).key

    assert deletion(seen.model_copy(update={"planned_for": at(13, 11)}), now=NOW + HOUR).key == key
    assert deletion(seen.model_copy(update={"runs_ended": 1})).key != key
    assert deletion(seen.model_copy(update={"name": "steel-i0002"})).key != key
    assert deletion(seen.model_copy(update={"created_at": at(4, 1)})).key != key
