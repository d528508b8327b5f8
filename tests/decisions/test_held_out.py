"""How often a held-out set may decide."""

import pytest

from data_contracts.policies import PromotionPolicy
from decisions.held_out import budget, smallest_gain, uses_available


@pytest.mark.parametrize(
    ("n", "gain", "discordance", "alpha_needed", "uses"),
    [
        (1800, 0.02, 0.06, 0.00432875368973004, 11),
        (1800, 0.01, 0.04, 0.10014043035919279, 0),
        (10_000, 0.01, 0.05, 0.00014096756044160313, 354),
        (200, 0.05, 0.12, 0.11344032844665664, 0),
        (58, 0.4310344827586207, 0.4310344827586207, 6.351290696278887e-06, 7872),
    ],
)
def test_significance_needed_and_uses_agree_with_the_reference(
    n: int, gain: float, discordance: float, alpha_needed: float, uses: int
) -> None:
    needed, available = uses_available(n, gain, discordance)

    assert needed == pytest.approx(alpha_needed, abs=1e-9, rel=0)
    assert available == uses


@pytest.mark.parametrize(
    ("n", "gain", "discordance", "uses"), [(1800, 0.03, 0.08, 401), (58, 0.1, 0.2, 0), (500, 0.05, 0.12, 6)]
)
def test_uses_agree_with_the_examples_of_the_methods(n: int, gain: float, discordance: float, uses: int) -> None:
    assert uses_available(n, gain, discordance)[1] == uses


def test_a_gain_takes_at_least_as_many_differing_images() -> None:
    assert uses_available(500, 0.2, 0.06) == uses_available(500, 0.2, 0.2)


def test_more_images_never_leave_fewer_uses() -> None:
    uses = [uses_available(n, 0.02, 0.06)[1] for n in range(100, 4000, 50)]

    assert uses == sorted(uses)


def test_uses_are_capped_by_the_policy() -> None:
    policy = PromotionPolicy(target_gain=0.05, largest_number_of_uses=7)

    assert budget(10_000, policy).uses == 7


@pytest.mark.parametrize("n", [100, 228, 500, 1800, 20_000])
def test_all_uses_together_spend_the_policys_alpha(n: int) -> None:
    allowance = budget(n, PromotionPolicy())

    assert allowance.uses * allowance.alpha_per_use == pytest.approx(0.05)


def test_1800_images_find_two_points_eleven_times() -> None:
    allowance = budget(1800, PromotionPolicy(target_gain=0.02))

    assert allowance.uses == 11
    assert allowance.alpha_per_use == pytest.approx(0.05 / 11)


def test_a_set_too_small_for_the_gain_wanted_has_no_uses_and_no_alpha() -> None:
    allowance = budget(58, PromotionPolicy(target_gain=0.02))

    assert (allowance.uses, allowance.alpha_per_use) == (0, 0)


def test_a_single_image_has_no_uses_whatever_the_gain() -> None:
    assert budget(1, PromotionPolicy()).uses == 0


@pytest.mark.parametrize("n", [50, 58, 100, 228, 500, 1800, 5000, 100_000])
def test_the_smallest_gain_leaves_four_uses_and_a_tenth_of_a_point_less_does_not(n: int) -> None:
    gain = smallest_gain(n, 0.05)

    assert uses_available(n, gain, 0.06)[1] >= 4
    assert uses_available(n, gain - 0.001, 0.06)[1] < 4


def test_the_smallest_gain_is_in_tenths_of_a_point() -> None:
    gain = smallest_gain(1800, 0.05)

    assert gain * 1000 == pytest.approx(round(gain * 1000), abs=1e-9)


def test_more_images_find_smaller_gains() -> None:
    gains = [smallest_gain(n, 0.05) for n in (58, 200, 500, 1800, 5000, 50_000)]

    assert gains == sorted(gains, reverse=True)
    assert len(set(gains)) == len(gains)
