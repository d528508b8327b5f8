"""Model deployments that are gone though nobody of us deleted them."""

import pytest

from data_contracts.idle import ObservedDeployment, Vanished
from decisions.idle.vanished import vanished
from tests.decisions.idle.fleets import DAY, HOUR, NOW, deployment, policy


def gone(seen: ObservedDeployment, on_vanished: str = "revive") -> Vanished:
    (found,) = vanished([seen], set(), NOW, policy(on_vanished=on_vanished))
    return found


def test_what_is_listed_did_not_vanish() -> None:
    assert vanished([deployment()], {("plant", "steel-i0001")}, NOW, policy()) == ()


def test_what_belongs_to_others_may_vanish() -> None:
    assert vanished([deployment(owner="stranger")], set(), NOW, policy()) == ()


def test_what_was_just_created_may_not_be_listed_yet() -> None:
    assert vanished([deployment(created_at=NOW - HOUR / 2)], set(), NOW, policy()) == ()


def test_a_champion_is_revived_and_an_idle_one_is_parked() -> None:
    assert gone(deployment(roles={"champion"})).then == "revive"
    assert gone(deployment(NOW - DAY)).then == "revive"
    assert gone(deployment(NOW - 8 * DAY)).then == "park"
    assert gone(deployment(roles={"orphan"})).then == "park"


def test_the_developer_tier_is_revived_for_a_part_and_not_for_its_customers() -> None:
    assert gone(deployment(NOW - HOUR, sku="DeveloperTier")).then == "park"
    assert gone(deployment(sku="DeveloperTier", roles={"running evaluation"})).then == "revive"


def test_the_policy_may_park_everything() -> None:
    assert gone(deployment(roles={"champion"}), "park").then == "park"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (deployment(NOW - 8 * DAY), "before Azure's own date, 2026-03-18 11:00 UTC"),
        (deployment(NOW - 16 * DAY), "Azure deleted it after 15 days without a call"),
        (deployment(sku="DeveloperTier"), "the developer tier's 24 hours"),
        (deployment(created_at=None), "nobody knows why"),
    ],
)
def test_the_reason_is_told_as_far_as_it_is_known(seen: ObservedDeployment, reason: str) -> None:
    assert reason in gone(seen).reason
