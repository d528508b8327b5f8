"""Tests of paired answers, over images, or over groups where several images show the same part.

Images of a group are right or wrong together, so that their number says more than they do. Signs of groups are
flipped then; intervals and margins take Student's t of the clustered error, with a lost and a won group added, as
Bonett and Price (2012, J. Educ. Behav. Stat. 37:479) add one image of each, lest few groups that agree seem to prove
everything; they are never narrower than those of as many independent images.

An answer that the service lost says nothing of a model. It counts as wrong, but no win by the other's lost answers
helps to show that a challenger is as good, and nothing that was lost helps to prove it worse.
"""

import math
from collections.abc import Sequence

from scipy.stats import t as student

from data_contracts.evaluation import PairedCounts
from decisions.intervals import (
    Interval,
    clustered_error,
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
    return _p_value(counts, n, counts.losses, counts.wins, counts.group_net_wins)


def p_better_if_heard(counts: PairedCounts, n: int) -> float:
    """The same, as if the other model had been right wherever its answer was lost."""
    wins, net = _without_lucky_wins(counts)
    return _p_value(counts, n, counts.losses, wins, net)


def p_worse(counts: PairedCounts, n: int) -> float:
    """Exact p-value for the challenger being worse, on images of which no answer was lost."""
    wins, net = _without_lucky_wins(counts)
    unlucky = counts.group_losses_by_failure or (0,) * len(net)
    heard = [-each - lost for each, lost in zip(net, unlucky, strict=True)]
    return _p_value(counts, n, wins, counts.losses - counts.losses_by_failure, heard)


def p_at_most_worse(counts: PairedCounts, n: int, margin: float) -> float:
    """p-value for the challenger being at most *margin* worse."""
    wins, net = _without_lucky_wins(counts)
    by_image = noninferiority(n, counts.losses, wins, margin)
    if not grouped(counts, n):
        return by_image
    distance = (wins - counts.losses) / n + margin
    by_group = float(student.sf(distance / _error(counts, n, net), len(net) + 1))
    return max(by_image, by_group)


def gain_interval(counts: PairedCounts, n: int) -> Interval:
    """The two-sided 95 % interval of the gain, (wins - losses) / n."""
    low, high = tango(n, counts.losses, counts.wins, CONFIDENCE)
    if not grouped(counts, n):
        return low, high
    net, gain = counts.group_net_wins, (counts.wins - counts.losses) / n
    half = float(student.isf((1 - CONFIDENCE) / 2, len(net) + 1)) * _error(counts, n, net)
    return max(-1.0, min(low, gain - half)), min(1.0, max(high, gain + half))


def images_to_show(counts: PairedCounts, n: int, alpha: float) -> int | None:
    """Images on which the gain that was seen is found at *alpha* if it is real; None where no gain was seen.

    As many as their images' spread asks for (Connor 1987), times how much wider that of groups is.
    """
    gain, discordance = (counts.wins - counts.losses) / n, (counts.wins + counts.losses) / n
    if gain <= 0 or not 0 < alpha < 1:
        return None
    needed = sample_size(gain, discordance, alpha)
    by_image = discordance - gain**2
    if not grouped(counts, n) or by_image <= 0:
        return needed
    if len(counts.group_net_wins) == 1:
        return needed
    error = clustered_error(counts.group_net_wins, _sizes(counts, n))
    return math.ceil(needed * max(1.0, n * error**2 / by_image))


def _p_value(counts: PairedCounts, n: int, losses: int, wins: int, net: Sequence[int]) -> float:
    return signflip(net) if grouped(counts, n) else mcnemar_superiority(losses, wins)


def _without_lucky_wins(counts: PairedCounts) -> tuple[int, Sequence[int]]:
    """Wins, and net wins by group, without those where the other's answer was lost."""
    lucky = counts.group_wins_by_failure or (0,) * len(counts.group_net_wins)
    net = [each - won for each, won in zip(counts.group_net_wins, lucky, strict=True)]
    return counts.wins - counts.wins_by_failure, net


def _error(counts: PairedCounts, n: int, net: Sequence[int]) -> float:
    """The clustered error of the gain with two groups added."""
    usual = math.ceil(n / len(net))
    return clustered_error([*net, usual, -usual], [*_sizes(counts, n), usual, usual])


def _sizes(counts: PairedCounts, n: int) -> Sequence[float]:
    """Images of each group; all the same where they are not known."""
    groups = len(counts.group_net_wins)
    return counts.group_images or [n / groups] * groups
