"""Intervals and tests of the gate, one-sided unless said otherwise.

*Losses* are images that the champion had right and the challenger wrong, *wins* the reverse.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, ndtr
from scipy.stats import binom, norm

Interval = tuple[float, float]
SMALLEST_GAIN = 1e-9
"""Below it no number of images can be told."""


class Weighted(NamedTuple):
    """A gain weighed by the classes' shares in production, its standard error, and how many of these it is."""

    gain: float
    error: float
    z: float

    def lower(self, alpha: float) -> float:
        """The one-sided lower limit at significance *alpha*; raises ValueError unless 0 < alpha < 1."""
        _check_open("alpha", alpha)
        return self.gain - float(norm.isf(alpha)) * self.error


def wilson(correct: int, n: int, confidence: float = 0.95) -> Interval:
    """The two-sided score interval of a share (Wilson 1927); raises ValueError unless 0 <= correct <= n, n > 0."""
    _whole([correct, n])
    if n <= 0 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right of {n} is no share")
    _check_open("confidence", confidence)
    z, p = norm.ppf((1 + confidence) / 2), correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if correct == 0 else float(centre - half)
    high = 1.0 if correct == n else float(centre + half)
    return low, high


def mcnemar_superiority(losses: int, wins: int) -> float:
    """Exact p-value for the challenger being better (McNemar): P[Bin(losses + wins, 1/2) >= wins]."""
    _check_counts(losses, wins)
    return float(betainc(wins, losses + 1, 0.5)) if wins else 1.0  # the upper tail of the binomial


def mcnemar_harm(losses: int, wins: int) -> float:
    """Exact p-value for the challenger being worse: P[Bin(losses + wins, 1/2) >= losses]."""
    return mcnemar_superiority(wins, losses)


def mcnemar_midp(losses: int, wins: int) -> float:
    """The mid-p value for the challenger being better: half of what was seen counts. Shown, never decided on."""
    return mcnemar_superiority(losses, wins) - float(binom.pmf(wins, losses + wins, 0.5)) / 2


def signflip(net_wins_by_group: Sequence[int]) -> float:
    """Exact p-value for the challenger being better where the images of a group show the same part.

    The wins less the losses of each group keep their size, and their signs are as likely one way as the other: the
    share of all sign patterns whose sum is at least the one seen, counted in full for any number of groups. Raises
    ValueError without groups, or when one is no whole number.
    """
    net = _whole(net_wins_by_group)
    sizes = [abs(each) for each in net if each]
    share = np.zeros(2 * sum(sizes) + 1)
    middle = sum(sizes)
    share[middle] = 1.0
    for size in sizes:
        share = (np.roll(share, size) + np.roll(share, -size)) / 2
    return min(1.0, float(share[middle + sum(net) :].sum()))


def clustered_error(net_wins_by_group: Sequence[int], images_by_group: Sequence[float]) -> float:
    """Standard error of the gain per image where groups, not images, are independent; needs two groups."""
    net, images = np.array(_whole(net_wins_by_group)), np.array(images_by_group, dtype=float)
    if len(net) != len(images) or len(net) == 1 or not (images >= 1).all():
        raise ValueError(f"{len(net)} net wins and {len(images)} sizes of groups have no standard error")
    gain = net.sum() / images.sum()
    spread = ((net - images * gain) ** 2).sum() * len(net) / (len(net) - 1)
    return float(math.sqrt(spread) / images.sum())


def tango(n: int, losses: int, wins: int, confidence: float = 0.95) -> Interval:
    """Two-sided score interval of the gain (wins - losses) / n of paired answers (Tango 1998, Stat Med 17:891)."""
    _check_counts(losses, wins, n)
    _check_open("confidence", confidence)
    z = float(norm.ppf((1 + confidence) / 2))
    estimate = (wins - losses) / n
    return (
        _limit((n, losses, wins), z, (-1.0, estimate)),
        _limit((n, losses, wins), -z, (estimate, 1.0)),
    )


def noninferiority(n: int, losses: int, wins: int, margin: float) -> float:
    """p-value for the challenger being at most *margin* worse, by Tango's score statistic."""
    _check_counts(losses, wins, n)
    if not 0 <= margin <= 1:
        raise ValueError(f"a margin of {margin} is not between 0 and 1")
    return float(ndtr(-_score(n, losses, wins, -margin)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979), in the order given; ValueError for one outside 0 to 1."""
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"{p} is no p-value: it is not between 0 and 1")
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def sample_size(gain: float, discordance: float, alpha: float, power: float = 0.8) -> int:
    """Images on which a true *gain* is found with *power* at one-sided *alpha* (Connor 1987, Biometrics 43:207).

    *discordance* is the share of images that the two models answer differently. Raises ValueError unless
    0 < gain <= discordance <= 1 and 0 < alpha < power < 1.
    """
    _check_gain(gain, discordance)
    z_alpha, z_power = _quantiles(alpha, power)
    spread = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(discordance - gain**2)
    return math.ceil(spread**2 / gain**2)


def sample_size_noninferiority(margin: float, discordance: float, alpha: float, power: float = 0.8) -> int:
    """Images on which a challenger that is as good in truth is shown to be at most *margin* worse.

    Raises ValueError unless 0 < margin < 1, 0 < discordance <= 1 and 0 < alpha < power < 1.
    """
    if not 0 < margin < 1 or not 0 < discordance <= 1:
        raise ValueError(f"a margin of {margin} cannot be shown where {discordance} of the answers differ")
    return math.ceil(sum(_quantiles(alpha, power)) ** 2 * discordance / margin**2)


def detectable_gain(n: int, discordance: float, alpha: float, power: float = 0.8) -> float:
    """The smallest true gain that *n* images find with *power* at one-sided *alpha*, by the formula of `sample_size`.

    Where even a challenger that wins every differing image would be found too seldom, that gain: the discordance.
    Raises ValueError unless n > 0, 0 < discordance <= 1 and 0 < alpha < power < 1.
    """
    if n <= 0 or not 0 < discordance <= 1:
        raise ValueError(f"{n} images of which {discordance} differ find no gain")
    z_alpha, z_power = _quantiles(alpha, power)

    def missing(gain: float) -> float:
        spread = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(max(0.0, discordance - gain**2))
        return spread - gain * math.sqrt(n)

    if missing(discordance) > 0:
        return discordance
    return float(brentq(missing, 0.0, discordance, xtol=1e-14))


def exact_power(n: int, gain: float, discordance: float, alpha: float) -> float:
    """How often the exact test finds a true *gain* on *n* images at one-sided *alpha*; its size where the gain is 0."""
    if n <= 0 or not abs(gain) <= discordance <= 1:
        raise ValueError(f"{n} images of which {discordance} differ cannot show a gain of {gain}")
    _check_open("alpha", alpha)
    differing = np.arange(n + 1)
    won = 0.5 if discordance == 0 else (discordance + gain) / 2 / discordance
    needed = binom.isf(alpha, differing, 0.5)
    found = np.where(needed < differing, binom.sf(needed, differing, won), 0.0)
    return float((binom.pmf(differing, n, discordance) * found).sum())


def weighted_difference(tables: Mapping[str, tuple[int, int, int]], shares: Mapping[str, float]) -> Weighted:
    """The gain where classes are as frequent as in production: of images, losses and wins by class, and their shares.

    Raises ValueError when a class has no share or no images, or the shares do not add up to 1.
    """
    if set(tables) != set(shares) or not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ValueError(f"the shares {dict(shares)} are not those of {', '.join(tables)}, adding up to 1")
    gain = variance = 0.0
    for label, (n, losses, wins) in tables.items():
        _check_counts(losses, wins, n)
        mean = (wins - losses) / n
        gain += shares[label] * mean
        variance += shares[label] ** 2 * ((losses + wins) / n - mean**2) / n
    error = math.sqrt(variance)
    return Weighted(gain, error, gain / error if error else 0.0)


def _score(n: int, losses: int, wins: int, gain: float) -> float:
    """Tango's statistic for the hypothesis that the true gain is *gain*."""
    b, c = losses, wins
    linear = -b - c + (2 * n - c + b) * gain
    constant = -b * gain * (1 - gain)
    q = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * q + gain * (1 - gain))
    difference = c - b - n * gain
    if variance <= 0:
        return 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return difference / math.sqrt(variance)


def _limit(counts: tuple[int, int, int], z: float, within: Interval) -> float:
    """Where the score statistic of *counts* (n, losses, wins) equals *z*, *within* two gains."""
    low, high = within

    def distance(gain: float) -> float:
        return max(-1e9, min(1e9, _score(*counts, gain))) - z

    edge = low if z > 0 else high
    if distance(low) * distance(high) >= 0:
        return edge
    return float(brentq(distance, low, high, xtol=1e-14))


def _check_counts(losses: int, wins: int, n: int | None = None) -> None:
    _whole([losses, wins, *([] if n is None else [n])])
    if losses < 0 or wins < 0 or (n is not None and (n <= 0 or losses + wins > n)):
        raise ValueError(f"{losses} losses and {wins} wins of {n} images cannot be")


def _check_open(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} of {value} is not between 0 and 1")


def _check_gain(gain: float, discordance: float) -> None:
    if not SMALLEST_GAIN <= gain <= discordance <= 1:
        raise ValueError(f"a gain of {gain} cannot be found where {discordance} of the answers differ")


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    _check_open("alpha", alpha)
    _check_open("power", power)
    if power <= alpha:
        raise ValueError(
            f"a power of {power} is not above alpha of {alpha}, and is reached without any gain; ask for a larger power"
        )
    return float(norm.isf(alpha)), float(norm.ppf(power))


def _whole(values: Sequence[float]) -> list[int]:
    """The values as whole numbers; raises ValueError without any, or for one that is none."""
    if not len(values):
        raise ValueError("no group, so nothing to compare")
    for value in values:
        if not math.isfinite(value) or value != int(value):
            raise ValueError(f"{value} is no whole number of images")
    return [int(value) for value in values]
