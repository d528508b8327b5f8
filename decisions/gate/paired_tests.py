"""Tests of paired answers, over images, or over groups where several images show the same part.

Images of a group are right or wrong together, so that their number says more than they do. Signs of groups are flipped
then; intervals and margins take Student's t of the clustered error with one degree of freedom less than there are
groups, and are never narrower than those of as many independent images (methods as `decisions.intervals` names them).
"""

import math

from scipy.stats import t as student

from data_contracts.evaluation import PairedCounts
from decisions.intervals import (
    Interval,
    clustered_error,
    mcnemar_harm,
    mcnemar_superiority,
    noninferiority,
    sample_size,
    signflip,
    tango,
)

CONFIDENCE = 0.95


def grouped(counts: PairedCounts, n: int) -> bool:
    """Whether groups, not the *n* images, are what a test counts: some group has several images."""
    return 0 < len(counts.group_net_wins) < n


def p_better(counts: PairedCounts, n: int) -> float:
    """Exact p-value for the challenger being better."""
    if grouped(counts, n):
        return signflip(counts.group_net_wins)
    return mcnemar_superiority(counts.losses, counts.wins)


def p_worse(counts: PairedCounts, n: int) -> float:
    """Exact p-value for the challenger being worse."""
    if grouped(counts, n):
        return signflip([-each for each in counts.group_net_wins])
    return mcnemar_harm(counts.losses, counts.wins)


def p_at_most_worse(counts: PairedCounts, n: int, margin: float) -> float:
    """p-value for the challenger being at most *margin* worse; 1 where one group is all there is."""
    by_image = noninferiority(n, counts.losses, counts.wins, margin)
    if not grouped(counts, n):
        return by_image
    groups, error = len(counts.group_net_wins), _error(counts, n)
    if error is None:
        return 1.0
    distance = (counts.wins - counts.losses) / n + margin
    by_group = float(student.sf(distance / error, groups - 1)) if error else float(distance <= 0)
    return max(by_image, by_group)


def gain_interval(counts: PairedCounts, n: int) -> Interval:
    """The two-sided 95 % interval of the gain, (wins - losses) / n."""
    low, high = tango(n, counts.losses, counts.wins, CONFIDENCE)
    if not grouped(counts, n):
        return low, high
    error = _error(counts, n)
    if error is None:
        return -1.0, 1.0
    gain = (counts.wins - counts.losses) / n
    half = float(student.isf((1 - CONFIDENCE) / 2, len(counts.group_net_wins) - 1)) * error
    return max(-1.0, min(low, gain - half)), min(1.0, max(high, gain + half))


def images_to_show(counts: PairedCounts, n: int, alpha: float) -> int | None:
    """Images on which the gain that was seen is found at *alpha* if it is real; None where no gain was seen.

    As many as their images' spread asks for (Connor 1987), times how much wider that of groups is.
    """
    gain, discordance = (counts.wins - counts.losses) / n, (counts.wins + counts.losses) / n
    if gain <= 0 or not 0 < alpha < 1:
        return None
    needed = sample_size(gain, discordance, alpha)
    error, by_image = _error(counts, n) if grouped(counts, n) else None, discordance - gain**2
    wider = n * error**2 / by_image if error and by_image > 0 else 1.0
    return math.ceil(needed * max(1.0, wider))


def _error(counts: PairedCounts, n: int) -> float | None:
    """The clustered error of the gain, of groups of one size where none is known; None of a single group."""
    groups = len(counts.group_net_wins)
    if groups == 1:
        return None
    return clustered_error(counts.group_net_wins, counts.group_images or [n / groups] * groups)
