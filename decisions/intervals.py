"""Intervals and tests of the gate, one-sided unless said otherwise.

*Losses* are images that the champion had right and the challenger wrong, *wins* the reverse.
"""

import math
from collections.abc import Sequence

from scipy.optimize import brentq
from scipy.stats import binom, norm

Interval = tuple[float, float]


def wilson(correct: int, n: int, confidence: float = 0.95) -> Interval:
    """The two-sided score interval of a share (Wilson 1927); raises ValueError unless 0 <= correct <= n, n > 0."""
    if n <= 0 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right of {n} is no share")
    z, p = norm.ppf((1 + confidence) / 2), correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if correct == 0 else float(centre - half)
    high = 1.0 if correct == n else float(centre + half)
    return low, high


def mcnemar_superiority(losses: int, wins: int) -> float:
    """Exact p-value for the challenger being better (McNemar): P[Bin(losses + wins, 1/2) >= wins]."""
    _check_counts(losses, wins)
    return float(binom.sf(wins - 1, losses + wins, 0.5))


def mcnemar_harm(losses: int, wins: int) -> float:
    """Exact p-value for the challenger being worse: P[Bin(losses + wins, 1/2) >= losses]."""
    return mcnemar_superiority(wins, losses)


def tango(n: int, losses: int, wins: int, confidence: float = 0.95) -> Interval:
    """Two-sided score interval of the gain (wins - losses) / n of paired answers (Tango 1998, Stat Med 17:891)."""
    _check_counts(losses, wins, n)
    z = float(norm.ppf((1 + confidence) / 2))
    estimate = (wins - losses) / n
    return (
        _limit((n, losses, wins), z, (-1.0, estimate)),
        _limit((n, losses, wins), -z, (estimate, 1.0)),
    )


def noninferiority(n: int, losses: int, wins: int, margin: float) -> float:
    """p-value for the challenger being at most *margin* worse, by Tango's score statistic."""
    _check_counts(losses, wins, n)
    return float(norm.sf(_score(n, losses, wins, -margin)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def sample_size(gain: float, discordance: float, alpha: float, power: float = 0.8) -> int:
    """Images on which a true *gain* is found with *power* at one-sided *alpha* (Connor 1987, Biometrics 43:207).

    *discordance* is the share of images that the two models answer differently. Raises ValueError unless
    0 < gain <= discordance <= 1.
    """
    if not 0 < gain <= discordance <= 1:
        raise ValueError(f"a gain of {gain} cannot be found where {discordance} of the answers differ")
    z_alpha, z_power = float(norm.isf(alpha)), float(norm.ppf(power))
    spread = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(discordance - gain**2)
    return math.ceil(spread**2 / gain**2)


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
    if losses < 0 or wins < 0 or (n is not None and (n <= 0 or losses + wins > n)):
        raise ValueError(f"{losses} losses and {wins} wins of {n} images cannot be")
