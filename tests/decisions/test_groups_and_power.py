"""Tests over groups of images, power and sizes, against independent libraries (vectors.json) and brute force."""

import itertools
import random

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from decisions.intervals import (
    clustered_error,
    detectable_gain,
    exact_power,
    holm,
    mcnemar_harm,
    mcnemar_midp,
    mcnemar_superiority,
    noninferiority,
    sample_size,
    sample_size_noninferiority,
    signflip,
    tango,
    weighted_difference,
    wilson,
)


def close(expected: object) -> object:
    return pytest.approx(expected, abs=1e-9, rel=0)


@pytest.mark.parametrize(
    ("net_wins", "p", "error"),
    [
        ([3, 2, 0, -1, 4, 1, 0, 2], 0.046875, 0.11914876655437341),
        ([5, -1, -1, -1, -1, -1, 1, 0], 0.5, 0.0),
    ],
)
def test_sign_flips_agree_with_the_reference(net_wins: list[int], p: float, error: float) -> None:
    assert signflip(net_wins) == close(p)
    assert error == 0.0 or clustered_error(net_wins, [5] * 8) == close(error)


def test_the_clustered_error_of_a_flat_result_agrees_with_the_reference() -> None:
    assert clustered_error([5, -1, -1, -1, -1, -1, 1, 0], [8] * 8) == close(0.09281528074237407)


def test_sign_flips_agree_with_all_patterns_counted_one_by_one() -> None:
    rng = random.Random(5)
    for groups in range(1, 11):
        net = [rng.randint(-4, 5) for _ in range(groups)]
        sums = [
            sum(sign * each for sign, each in zip(signs, net, strict=True))
            for signs in itertools.product((1, -1), repeat=groups)
        ]

        assert signflip(net) == close(sum(each >= sum(net) for each in sums) / len(sums)), net


def test_sign_flips_of_many_groups_agree_with_random_ones() -> None:
    rng = np.random.default_rng(3)
    net = rng.integers(-3, 5, size=60)
    flips = rng.choice((-1, 1), size=(100_000, 60)) @ net

    assert signflip(net.tolist()) == pytest.approx((1 + (flips >= net.sum()).sum()) / 100_001, abs=0.005)


def test_groups_of_one_image_prove_what_the_images_prove() -> None:
    for losses, wins in itertools.product(range(0, 60, 7), repeat=2):
        net = [-1] * losses + [1] * wins + [0] * 5

        assert signflip(net) == close(mcnemar_superiority(losses, wins))
        assert signflip([-each for each in net]) == close(mcnemar_harm(losses, wins))


@pytest.mark.parametrize("net", [[], [float("nan")], [1, float("inf")], [0.5]])
def test_groups_without_whole_net_wins_are_named(net: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^(no group, so|nan is no|inf is no|0.5 is no)"):
        signflip(net)  # type: ignore[arg-type]  # whatever a caller may hold


@pytest.mark.parametrize(("net", "sizes"), [([1], [3]), ([1, 2], [3]), ([1, 2], [3, 0])])
def test_groups_that_do_not_match_have_no_error(net: list[int], sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="have no standard error"):
        clustered_error(net, sizes)


@pytest.mark.parametrize(
    ("losses", "wins", "p"), [(1, 7, 0.019531249999999993), (1, 26, 1.0803341865539553e-07), (25, 20, 0.7693044089)]
)
def test_the_mid_p_value_agrees_with_the_reference(losses: int, wins: int, p: float) -> None:
    assert mcnemar_midp(losses, wins) == close(p)


def test_the_exact_test_agrees_with_scipy_on_random_tables() -> None:
    rng = random.Random(9)
    for _ in range(300):
        losses, wins = rng.randint(0, 200), rng.randint(0, 200)
        expected = binomtest(wins, losses + wins, alternative="greater").pvalue if losses + wins else 1.0

        assert mcnemar_superiority(losses, wins) == close(expected), (losses, wins)
        assert mcnemar_midp(losses, wins) <= mcnemar_superiority(losses, wins)


@pytest.mark.parametrize(
    ("n", "gain", "discordance", "power"),
    [
        (58, 0.4310344827586207, 0.45, 0.999867620565961),
        (200, 0.05, 0.12, 0.23009150368994874),
        (1800, 0.01, 0.05, 0.2175829686002014),
        (1749, 0.02, 0.06, 0.7831978114225171),
        (5837, 0.01, 0.05, 0.7872031548353825),
    ],
)
def test_the_exact_power_agrees_with_the_reference(n: int, gain: float, discordance: float, power: float) -> None:
    assert exact_power(n, gain, discordance, 0.005) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize(
    ("n", "alpha", "exact", "midp"),
    [
        (58, 0.05, 0.03517664977886202, 0.04976621602649767),
        (58, 0.005, 0.002895355424605323, 0.004525081762834842),
        (200, 0.025, 0.019767979720166525, 0.024637579252130032),
        (1800, 0.05, 0.04663476343355799, 0.049935756834574234),
        (1800, 0.005, 0.0045491698920908374, 0.004991850687385744),
    ],
)
def test_without_a_gain_the_exact_test_finds_one_less_often_than_alpha(
    n: int, alpha: float, exact: float, midp: float
) -> None:
    shares = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)

    assert max(exact_power(n, 0, share, alpha) for share in shares) == close(exact)
    assert max(size_by_midp(n, share, alpha) for share in shares) == close(midp)


def size_by_midp(n: int, discordance: float, alpha: float) -> float:
    """How often the mid-p value is at most *alpha* without any gain, table by table."""
    size = 0.0
    likely = np.arange(*binom.ppf([1e-13, 1 - 1e-13], n, discordance)).astype(int)
    for differing in likely:
        wins = np.arange(differing // 2, differing + 1)
        midp = binom.sf(wins - 1, differing, 0.5) - binom.pmf(wins, differing, 0.5) / 2
        size += binom.pmf(differing, n, discordance) * binom.pmf(wins, differing, 0.5)[midp <= alpha].sum()
    return float(size)


def test_the_power_is_the_share_of_all_tables_that_prove_a_gain() -> None:
    n, gain, discordance, alpha = 30, 0.2, 0.4, 0.05
    lose, win = (discordance - gain) / 2, (discordance + gain) / 2
    share = 0.0
    for losses in range(n + 1):
        for wins in range(n + 1 - losses):
            table = binom.pmf(losses + wins, n, discordance) * binom.pmf(wins, losses + wins, win / (lose + win))
            share += table if mcnemar_superiority(losses, wins) <= alpha else 0

    assert exact_power(n, gain, discordance, alpha) == close(share)


@pytest.mark.parametrize(
    ("n", "discordance", "alpha", "gain"),
    [
        (58, 0.2, 0.025, 0.16119277859061895),
        (500, 0.1, 0.005, 0.04819102881309741),
        (1800, 0.06, 0.025, 0.016164368093702135),
    ],
)
def test_the_detectable_gain_agrees_with_the_reference(n: int, discordance: float, alpha: float, gain: float) -> None:
    assert detectable_gain(n, discordance, alpha) == close(gain)
    assert sample_size(gain + 1e-9, discordance, alpha) == n


def test_where_nothing_can_be_found_the_detectable_gain_is_all_that_differs() -> None:
    assert detectable_gain(20, 0.06, 0.005) == 0.06


@pytest.mark.parametrize(("margin", "alpha", "images"), [(0.02, 0.005, 1460), (0.01, 0.025, 3925)])
def test_sizes_for_not_being_worse_agree_with_the_reference(margin: float, alpha: float, images: int) -> None:
    assert sample_size_noninferiority(margin, 0.05, alpha) == images


@pytest.mark.parametrize(
    ("tables", "shares", "expected"),
    [
        (
            {"A": (1000, 20, 40), "B": (500, 15, 10), "C": (300, 5, 20)},
            {"A": 0.9, "B": 0.09, "C": 0.01},
            (0.0176, 0.007007947234707496, 2.5114344344424286, -0.0004512758448840526),
        ),
        (
            {"A": (100, 2, 8), "B": (50, 4, 1)},
            {"A": 0.3, "B": 0.7},
            (-0.024, 0.032116662342155045, -0.7472756584826861, -0.10672703999310844),
        ),
    ],
)
def test_the_gain_weighed_as_in_production_agrees_with_the_reference(
    tables: dict[str, tuple[int, int, int]], shares: dict[str, float], expected: tuple[float, ...]
) -> None:
    found = weighted_difference(tables, shares)

    assert (*found, found.lower(0.005)) == close(expected)


def test_classes_without_a_share_have_no_weighted_gain() -> None:
    with pytest.raises(ValueError, match="are not those of A, B"):
        weighted_difference({"A": (10, 1, 1), "B": (10, 1, 1)}, {"A": 1})


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_an_alpha_outside_zero_and_one_is_named(alpha: float) -> None:
    with pytest.raises(ValueError, match=f"^alpha of {alpha} is not between 0 and 1$"):
        sample_size(0.02, 0.06, alpha)
    with pytest.raises(ValueError, match=f"^alpha of {alpha} is not between 0 and 1$"):
        detectable_gain(100, 0.06, alpha)
    with pytest.raises(ValueError, match=f"^alpha of {alpha} is not between 0 and 1$"):
        exact_power(100, 0.02, 0.06, alpha)


@pytest.mark.parametrize(("alpha", "power"), [(0.6, 0.3), (0.05, 0.04), (0.5, 0.5)])
def test_a_power_that_is_reached_without_a_gain_is_refused(alpha: float, power: float) -> None:
    told = f"^a power of {power} is not above alpha of {alpha}, .*; ask for a larger power$"
    with pytest.raises(ValueError, match=told):
        detectable_gain(500, 0.1, alpha, power)
    with pytest.raises(ValueError, match=told):
        sample_size(0.05, 0.1, alpha, power)
    with pytest.raises(ValueError, match=told):
        sample_size_noninferiority(0.05, 0.1, alpha, power)


def test_values_outside_their_range_are_named() -> None:
    with pytest.raises(ValueError, match=r"1.5 is no p-value"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="nan is no p-value"):
        holm([float("nan")])
    with pytest.raises(ValueError, match=r"a margin of -0\.1"):
        noninferiority(10, 1, 1, -0.1)
    with pytest.raises(ValueError, match="confidence of 1 is"):
        tango(10, 1, 1, confidence=1)
    with pytest.raises(ValueError, match="confidence of 0 is"):
        wilson(1, 2, confidence=0)


def test_nothing_can_be_shown_without_images_or_differences() -> None:
    with pytest.raises(ValueError, match=r"^0 images of which 0.06 differ find no gain$"):
        detectable_gain(0, 0.06, 0.05)
    with pytest.raises(ValueError, match=r"cannot show a gain of 0\.1"):
        exact_power(10, 0.1, 0.05, 0.05)
    with pytest.raises(ValueError, match="a margin of 0 cannot be shown"):
        sample_size_noninferiority(0, 0.05, 0.05)
