"""At its moment a deletion looks again, and whatever is not known is a no."""

from datetime import timedelta
from typing import Any

import pytest

from data_contracts.idle import Keep
from decisions.idle.still_idle import still_idle
from tests.decisions.idle.fleets import ALWAYS, DAY, HOUR, NOW, deletion, deployment, evidence, policy

IDLE = deployment(NOW - 8 * DAY)
PLANNED = deletion(IDLE)


def test_what_is_still_idle_is_deleted() -> None:
    verdict = still_idle(PLANNED, IDLE, NOW, policy())

    assert verdict.delete
    assert verdict.reason == "no customer has called it since 2026-03-03 12:00 UTC"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"calls": evidence(NOW - HOUR)}, "customers may have called it"),
        ({"calls": evidence(NOW - 8 * DAY, last_unknown=NOW - DAY)}, "customers may have called it"),
        ({"calls": evidence(NOW - 8 * DAY, unknown_now=True)}, "missing or contradict"),
        ({"calls": evidence(NOW - 8 * DAY, observed_at=NOW - timedelta(minutes=31))}, "2026-03-11 11:29"),
        ({"calls": None}, "nothing is known"),
        ({"owner": "another loop"}, "another loop"),
        ({"roles": {"rollback twin"}}, "rollback twin"),
        ({"keeps": (Keep(until=NOW + DAY, by="ada", why="trial"),)}, "ada keeps it"),
        ({"created_at": NOW - 9 * DAY}, "has its name by now"),
        ({"name": "steel-i0002"}, "steel-i0001 was planned"),
    ],
)
def test_what_changed_is_a_no(changes: dict[str, Any], reason: str) -> None:
    verdict = still_idle(PLANNED, deployment(**{"customer": NOW - 8 * DAY, **changes}), NOW, policy())

    assert not verdict.delete
    assert reason in verdict.reason


def test_what_is_gone_is_not_deleted_again() -> None:
    assert not still_idle(PLANNED, None, NOW, policy()).delete


def test_before_its_moment_nothing_is_deleted() -> None:
    assert not still_idle(PLANNED, IDLE, NOW - timedelta(minutes=1), policy()).delete


def test_a_run_that_is_late_waits_for_working_hours() -> None:
    night = NOW + 12 * HOUR
    seen = deployment(NOW - 8 * DAY, calls=evidence(NOW - 8 * DAY, now=night))

    assert not still_idle(PLANNED, seen, night, policy()).delete
    assert still_idle(PLANNED, seen, night, policy(**ALWAYS)).delete


def test_a_forced_deletion_needs_less_idleness_but_not_none() -> None:
    forced = policy(idle_days=20, **ALWAYS)
    seen = deployment(NOW - 14 * DAY + HOUR)
    plan = deletion(seen, forced)

    assert plan.forced
    assert still_idle(plan, seen, plan.at, forced).delete
    assert not still_idle(plan, deployment(NOW - 9 * DAY), plan.at, forced).delete
    assert not still_idle(plan.model_copy(update={"forced": False}), seen, plan.at, forced).delete


def test_a_call_that_moves_azures_date_ends_what_forced_a_deletion() -> None:
    forced = policy(idle_days=20, **ALWAYS)
    silent = NOW - 14 * DAY + HOUR
    plan = deletion(deployment(silent), forced)
    audited = deployment(silent, calls=evidence(silent, now=plan.at, last_call=NOW - HOUR))

    assert plan.forced
    assert not still_idle(plan, audited, plan.at, forced).delete


def test_the_developer_tier_is_deleted_unless_somebody_called() -> None:
    seen = deployment(sku="DeveloperTier", created_at=NOW - 23 * HOUR)
    plan = deletion(seen)

    assert still_idle(plan, seen, NOW, policy()).delete
    assert not still_idle(plan, seen.model_copy(update={"calls": evidence(NOW - HOUR)}), NOW, policy()).delete
