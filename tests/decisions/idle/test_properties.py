"""What holds of every plan, on fleets drawn at random."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from data_contracts.idle import Keep, ObservedDeployment
from data_contracts.policies import DeletionPolicy
from decisions.idle.still_idle import still_idle
from tests.decisions.idle.fleets import DAY, HOUR, NOW, deployment, evidence, planned, policy

SEEDS = range(40)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe")
ROLES: tuple[frozenset[Any], ...] = (
    *(frozenset[Any](),) * 6,
    frozenset({"champion"}),
    frozenset({"rollback twin"}),
    frozenset({"running evaluation"}),
    frozenset({"orphan"}),
)


def some_policy(draw: random.Random) -> DeletionPolicy:
    opens = draw.randrange(0, 16)
    return policy(
        idle_days=draw.choice((1, 3, 7, 13, 20)),
        safety_margin_hours=draw.choice((24, 36, 72)),
        notice_days=draw.choice((0, 3, 7)),
        working_from=opens,
        working_until=draw.randrange(opens + 1, 25),
        time_zone=draw.choice(ZONES),
        most_a_day=draw.choice((1, 3, 50)),
        most_days_earlier=draw.choice((0, 2, 4)),
        idle_champion=draw.choice(("park", "keep alive")),
    )


def some_deployment(draw: random.Random, number: int, now: Any) -> ObservedDeployment:
    customer = draw.choice((None, now - draw.uniform(0, 20) * DAY))
    ours = draw.choice((None, now - draw.uniform(0, 20) * DAY))
    called = max((each for each in (customer and customer - HOUR, ours) if each), default=None)
    return deployment(
        name=f"k{number:03d}",
        now=now,
        created_at=now - draw.uniform(0, 40) * DAY,
        sku=draw.choice(("GlobalStandard", "GlobalStandard", "GlobalStandard", "DeveloperTier")),
        owner=draw.choice(("this loop",) * 6 + ("another loop", "stranger")),
        roles=draw.choice(ROLES),
        keeps=(Keep(until=now + draw.uniform(-5, 30) * DAY, by="ada", why="trial"),) if draw.random() < 0.2 else (),
        calls=evidence(
            customer,
            now=now,
            last_call=called,
            last_unknown=draw.choice((None, None, now - draw.uniform(0, 20) * DAY)),
            unknown_now=draw.random() < 0.1,
        ),
        planned_for=draw.choice((None, now + draw.uniform(-2, 10) * DAY)),
    )


def some_fleet(seed: int) -> tuple[list[ObservedDeployment], DeletionPolicy, Any]:
    draw = random.Random(seed)
    now = NOW + draw.randrange(365 * 24) * HOUR  # all through a year with its changes of the clock
    return [some_deployment(draw, number, now) for number in range(40)], some_policy(draw), now


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_is_either_planned_once_or_left_alone_once(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    plan = planned(fleet, rules, now)

    told = [each.name for each in plan.deletions] + [each.name for each in plan.left_alone]
    assert Counter(told) == Counter(each.name for each in fleet)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_fleet_does_not_matter_and_the_same_fleet_gives_the_same_plan(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    mixed = random.Random(seed).sample(fleet, len(fleet))

    assert planned(mixed, rules, now) == planned(fleet, rules, now)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_what_is_ours_and_not_kept_or_needed_is_planned(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    by_name = {each.name: each for each in fleet}

    for each in planned(fleet, rules, now).deletions:
        seen = by_name[each.name]
        assert seen.owner == "this loop"
        assert not seen.roles & {"rollback twin", "running evaluation"}
        assert rules.idle_champion == "park" or "champion" not in seen.roles
        assert all(keep.until <= now for keep in seen.keeps)
        assert seen.calls is not None
        assert not seen.calls.unknown_now


@pytest.mark.parametrize("seed", SEEDS)
def test_no_customer_and_nothing_unknown_is_within_the_idle_days_unless_azure_forces_it(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    by_name = {each.name: each for each in fleet}
    enough = min(timedelta(days=rules.idle_days), rules.azure_span - rules.safety_margin)

    for each in planned(fleet, rules, now).deletions:
        calls = by_name[each.name].calls
        assert calls is not None
        silent = max(filter(None, (each.created_at, calls.begins, calls.last_customer_call)))
        if by_name[each.name].sku == "DeveloperTier":
            assert max(silent, calls.last_unknown or silent) == each.created_at
        elif not each.forced:
            assert each.at - max(silent, calls.last_unknown or silent) >= timedelta(days=rules.idle_days)
        elif calls.last_unknown is not None and calls.last_unknown > silent:
            assert each.at - calls.last_unknown >= enough
        else:
            assert each.at - silent >= max(enough - timedelta(days=rules.most_days_earlier), DAY)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_planned_past_our_last_moment_but_what_is_late_now(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    by_name = {each.name: each for each in fleet}

    for each in planned(fleet, rules, now).deletions:
        margin = HOUR if by_name[each.name].sku == "DeveloperTier" else rules.safety_margin
        assert each.at <= max(now, each.azure_deletes_at - margin)
        assert each.at >= now - HOUR


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_ours_and_stays_does_not_fall_to_azure_before_a_call(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    by_name = {each.name: each for each in fleet}

    for each in planned(fleet, rules, now).left_alone:
        seen = by_name[each.name]
        if each.code in ("protected", "unknown") and seen.sku != "DeveloperTier":
            assert each.keep_alive is not None
            assert each.azure_deletes_at is not None
            assert each.keep_alive.calls[0] <= max(now, each.azure_deletes_at - rules.safety_margin)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_week_with_room_everything_happens_in_working_hours_and_under_the_cap(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    roomy = rules.model_copy(update={"most_a_day": 50, "idle_days": 3})
    zone = ZoneInfo(roomy.time_zone)
    by_name = {each.name: each for each in fleet}
    unhurried = [
        each.at.astimezone(zone)
        for each in planned(fleet, roomy, now).deletions
        if by_name[each.name].sku != "DeveloperTier" and each.azure_deletes_at - roomy.safety_margin > now + 4 * DAY
    ]

    assert all(each.weekday() < 5 and roomy.working_from <= each.hour < roomy.working_until for each in unhurried)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_its_moment_an_unchanged_deletion_happens_and_a_call_in_the_last_days_stops_it(seed: int) -> None:
    fleet, rules, now = some_fleet(seed)
    by_name = {each.name: each for each in fleet}

    for each in planned(fleet, rules, now).deletions:
        seen, moment = by_name[each.name], max(each.at, now)
        assert seen.calls is not None
        later = seen.calls.model_copy(update={"observed_at": moment, "until": moment})
        called = later.model_copy(update={"last_customer_call": moment - HOUR, "last_call": moment - HOUR})
        if each.at < now or moment == now > each.azure_deletes_at - rules.safety_margin:
            continue
        assert still_idle(each, seen.model_copy(update={"calls": later}), moment, rules).delete
        if seen.sku != "DeveloperTier":
            assert not still_idle(each, seen.model_copy(update={"calls": called}), moment, rules).delete
