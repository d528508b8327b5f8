"""Which training tiers are still to be asked."""

import pytest

from decisions.training.tiers import tiers_left

TIERS = ("Developer", "GlobalStandard", "Standard")


@pytest.mark.parametrize(("first", "left"), [(TIERS[0], TIERS), (TIERS[1], TIERS[1:]), (TIERS[2], TIERS[2:])])
def test_a_tier_that_refused_is_not_asked_again(first: str, left: tuple[str, ...]) -> None:
    assert tiers_left(TIERS, first) == left


def test_a_tier_that_the_policy_no_longer_names_gives_way_to_all_that_it_names() -> None:
    assert tiers_left(("Standard",), "Developer") == ("Standard",)
