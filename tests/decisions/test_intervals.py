"""The gate's arithmetic against independent libraries (vectors.json) and against what must hold for all counts."""

import itertools
import random
from decimal import Decimal, getcontext

import pytest
from scipy.stats import norm

from decisions.intervals import holm, mcnemar_harm, mcnemar_superiority, noninferiority, sample_size, tango, wilson

Counts = tuple[int, int, int]

# n, losses, wins; P superior, P harm, P non-inferior at 2 points and at 1 point; Tango 95 % and 99 %
PAIRED = [
    pytest.param(
        (21, 1, 7),
        (0.03515625, 0.99609375, 0.012447539904904818, 0.014540143415651264),
        ((0.026003032480868507, 0.5172322764213773), (-0.07580739874655966, 0.5824406790587644)),
        id="published by Bentur 2009",
    ),
    pytest.param(
        (58, 1, 26),
        (2.086162567138672e-07, 0.9999999925494194, 3.1208518691668816e-07, 4.856878165656541e-07),
        ((0.29120909081857493, 0.563595155409288), (0.24043277905540827, 0.6022308293984859)),
        id="58 images",
    ),
    pytest.param(
        (1800, 34, 70),
        (0.00026714209499008074, 0.9998764420794677, 4.1746613926523545e-11, 1.6678937242900869e-07),
        ((0.009065348426488585, 0.03152625614107238), (0.0055814562630570625, 0.035411620865777)),
        id="1,800 images, two points better",
    ),
    pytest.param(
        (1800, 25, 20),
        (0.8143509827644948, 0.2757421649012599, 3.9805599716278424e-05, 0.03221746640846118),
        ((-0.010468475838773547, 0.00471196267490512), (-0.013180546841248501, 0.007298169003096621)),
        id="1,800 images, flat",
    ),
    pytest.param(
        (228, 5, 3),
        (0.85546875, 0.36328125, 0.19849617497046373, 0.46070228694329407),
        ((-0.03896409014962671, 0.01898254394573914), (-0.05225082965393783, 0.03143952607847108)),
        id="228 images",
    ),
]


def close(expected: object) -> object:
    return pytest.approx(expected, abs=1e-9, rel=0)


@pytest.mark.parametrize(("counts", "p_values", "_"), PAIRED)
def test_p_values_agree_with_independent_libraries(counts: Counts, p_values: tuple[float, ...], _: object) -> None:
    n, losses, wins = counts

    computed = (
        mcnemar_superiority(losses, wins),
        mcnemar_harm(losses, wins),
        noninferiority(n, losses, wins, 0.02),
        noninferiority(n, losses, wins, 0.01),
    )

    assert computed == close(p_values)


@pytest.mark.parametrize(("counts", "_", "intervals"), PAIRED)
def test_tango_intervals_agree_with_independent_libraries(
    counts: Counts, _: object, intervals: tuple[tuple[float, float], ...]
) -> None:
    assert tango(*counts) == close(intervals[0])
    assert tango(*counts, confidence=0.99) == close(intervals[1])


@pytest.mark.parametrize(
    ("correct", "n", "confidence", "expected"),
    [
        (31, 58, 0.95, (0.408001750439952, 0.6566797767471373)),
        (1692, 1800, 0.95, (0.9280635495762666, 0.9500624033750416)),
        (0, 30, 0.95, (0.0, 0.11351339317396876)),
        (45, 50, 0.9, (0.8084624858484291, 0.950470965522555)),
    ],
)
def test_wilson_agrees_with_independent_libraries(
    correct: int, n: int, confidence: float, expected: tuple[float, float]
) -> None:
    assert wilson(correct, n, confidence) == close(expected)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.001, 0.01, 0.03, 0.04, 0.2, 0.9], [0.006, 0.05, 0.12, 0.12, 0.4, 0.9]),
        ([0.5, 0.5, 0.0009765625], [1.0, 1.0, 0.0029296875]),
        ([], []),
        ([0.3], [0.3]),
    ],
)
def test_holm_agrees_with_independent_libraries(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == close(expected)


def all_small_counts() -> list[Counts]:
    return [(n, losses, wins) for n in range(1, 11) for losses in range(n + 1) for wins in range(n + 1 - losses)]


def some_large_counts() -> list[Counts]:
    rng = random.Random(7)
    drawn = []
    for n, most in itertools.product((58, 200, 1800, 20_000, 1_000_000), (3, 20, 58)):
        for _ in range(12):
            differing = rng.randint(0, most)
            losses = rng.randint(0, differing)
            drawn.append((n, losses, differing - losses))
    return drawn


MANY_COUNTS = all_small_counts() + some_large_counts()


def test_the_tango_interval_contains_the_estimate_and_stays_within_possible_gains() -> None:
    for n, losses, wins in MANY_COUNTS:
        low, high = tango(n, losses, wins)

        assert -1 <= low <= (wins - losses) / n <= high <= 1, (n, losses, wins)


def score(n: int, losses: int, wins: int, gain: float) -> Decimal:
    """Tango's statistic as methods.md writes it, with 50 digits instead of 16."""
    getcontext().prec = 50
    b, c, d = Decimal(losses), Decimal(wins), Decimal(gain)
    linear = -b - c + (2 * n - c + b) * d
    q = ((linear**2 + 8 * n * b * d * (1 - d)).sqrt() - linear) / (4 * n)
    return (c - b - n * d) / (n * (2 * q + d * (1 - d))).sqrt()


def test_the_score_at_both_tango_limits_is_the_normal_quantile() -> None:
    z = float(norm.ppf(0.975))
    for counts in MANY_COUNTS:
        low, high = tango(*counts)

        assert low == -1 or float(score(*counts, low)) == pytest.approx(z, abs=1e-7), counts
        assert high == 1 or float(score(*counts, high)) == pytest.approx(-z, abs=1e-7), counts


def test_swapping_losses_and_wins_mirrors_the_tango_interval() -> None:
    for n, losses, wins in MANY_COUNTS:
        low, high = tango(n, losses, wins)

        assert tango(n, wins, losses) == pytest.approx((-high, -low), abs=1e-9), (n, losses, wins)


def test_more_confidence_widens_the_tango_interval() -> None:
    for counts in MANY_COUNTS:
        (low, high), (lower, higher) = tango(*counts, confidence=0.8), tango(*counts, confidence=0.99)

        assert lower <= low <= high <= higher, counts


@pytest.mark.parametrize("n", [1, 2, 58, 1800, 100_000])
def test_without_any_difference_the_gain_is_within_z_squared_over_n_plus_z_squared(n: int) -> None:
    z = float(norm.ppf(0.975))
    bound = z * z / (n + z * z)

    assert tango(n, 0, 0) == close((-bound, bound))


def test_wilson_lies_within_zero_and_one_around_the_share() -> None:
    for n in (1, 2, 3, 10, 58, 1800):
        for correct in range(n + 1):
            low, high = wilson(correct, n)

            assert 0 <= low <= correct / n <= high <= 1, (correct, n)


@pytest.mark.parametrize("n", [1, 30, 1800])
def test_wilson_of_none_starts_at_zero_and_of_all_ends_at_one(n: int) -> None:
    assert wilson(0, n)[0] == 0
    assert wilson(n, n)[1] == 1


def test_without_any_difference_nothing_is_better_and_nothing_worse() -> None:
    assert mcnemar_superiority(0, 0) == 1
    assert mcnemar_harm(0, 0) == 1


def test_more_wins_never_weaken_the_proof_of_superiority() -> None:
    for losses in range(12):
        p_values = [mcnemar_superiority(losses, wins) for wins in range(40)]

        assert p_values == sorted(p_values, reverse=True)


def test_superiority_and_harm_share_the_mass_of_the_table_seen() -> None:
    for losses, wins in itertools.product(range(15), repeat=2):
        both = mcnemar_superiority(losses, wins) + mcnemar_harm(losses, wins)

        assert both >= 1 - 1e-12


def test_a_wider_margin_makes_noninferiority_easier_to_show() -> None:
    for counts in MANY_COUNTS:
        p_values = [noninferiority(*counts, margin) for margin in (0.01, 0.02, 0.05, 0.1)]

        assert p_values == sorted(p_values, reverse=True), counts


def test_holm_keeps_order_never_shrinks_a_p_value_and_stays_at_most_one() -> None:
    rng = random.Random(11)
    for size in range(1, 30):
        p_values = [rng.random() ** 3 for _ in range(size)]
        adjusted = holm(p_values)
        in_order = [each for _, each in sorted(zip(p_values, adjusted, strict=True))]

        assert in_order == sorted(in_order)
        assert all(p <= each <= 1 for p, each in zip(p_values, adjusted, strict=True))


def test_holm_does_not_depend_on_the_order_given() -> None:
    p_values = [0.04, 0.001, 0.9, 0.03, 0.01, 0.2]

    assert sorted(holm(p_values)) == holm(sorted(p_values))


@pytest.mark.parametrize(("correct", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5), (0, -3)])
def test_more_right_answers_than_images_are_no_share(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"^{correct} right of {n} is no share$"):
        wilson(correct, n)


@pytest.mark.parametrize(("n", "losses", "wins"), [(0, 0, 0), (-1, 0, 0), (10, 6, 5), (10, -1, 2), (10, 2, -1)])
def test_counts_that_cannot_be_are_named(n: int, losses: int, wins: int) -> None:
    message = f"^{losses} losses and {wins} wins of {n} images cannot be$"
    with pytest.raises(ValueError, match=message):
        tango(n, losses, wins)
    with pytest.raises(ValueError, match=message):
        noninferiority(n, losses, wins, 0.02)


@pytest.mark.parametrize(("losses", "wins"), [(-1, 0), (0, -1)])
def test_negative_counts_have_no_p_value(losses: int, wins: int) -> None:
    with pytest.raises(ValueError, match=f"{losses} losses and {wins} wins"):
        mcnemar_superiority(losses, wins)


@pytest.mark.parametrize(
    ("gain", "discordance", "alpha", "power", "images"),
    [(0.02, 0.06, 0.005, 0.8, 1749), (0.01, 0.05, 0.005, 0.8, 5837), (0.1, 0.25, 0.005, 0.9, 368)],
)
def test_the_sample_size_follows_connor(
    gain: float, discordance: float, alpha: float, power: float, images: int
) -> None:
    assert sample_size(gain, discordance, alpha, power) == images


@pytest.mark.parametrize(("gain", "discordance"), [(0, 0.1), (-0.01, 0.1), (0.2, 0.1), (0.5, 1.5)])
def test_a_gain_larger_than_the_difference_cannot_be_found(gain: float, discordance: float) -> None:
    with pytest.raises(ValueError, match="cannot be found"):
        sample_size(gain, discordance, 0.05)
