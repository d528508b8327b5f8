"""How recall grows with training images, by class, and which images the next point of accuracy is likely to need.

The error of a class falls as a power of its training images, error(n) = e * (n / n0) ** -b (Cortes et al. 1993;
Hestness et al. 2017, arXiv:1712.00409). All classes share b, which is taken as equally likely between 0 (more images
change nothing) and 0.7; each class has an e of its own. Right answers are binomial. A grid over b and e gives the
posterior, so that one iteration already tells something, with the width that it deserves.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_contracts.learning_curve import ClassCurve, ClassPoint, CurveEstimate, PhotographNext

Floats = NDArray[np.float64]

EXPONENTS = np.linspace(0, 0.7, 36)
ERRORS = 1 / (1 + np.exp(-np.linspace(-8, 5, 132)))
"""Errors at the reference number of images, equally likely on the scale of log-odds."""
DRAWS = 2000
SEED = 20170
INTERVAL = (0.1, 0.9)
STEP = 0.1
"""Images are handed out in tenths of what a class has, at least one."""
SMALLEST_STEP = 5
LARGEST_GROWTH = 8
"""More than eight times the images of today is no plan but an extrapolation."""


class _Drawn(NamedTuple):
    """Draws of the posterior of one class: its error at the images that it has now, and the exponent."""

    label: str
    now: int
    errors: Floats
    exponents: Floats

    def recall(self, images: int) -> Floats:
        """Of each draw, with so many training images."""
        grown: Floats = 1 - np.minimum(1, self.errors * (max(images, 1) / self.now) ** -self.exponents)
        return grown


def class_curves(points: Mapping[str, Sequence[ClassPoint]]) -> tuple[ClassCurve, ...]:
    """The curve of each class that was asked about, and what 1, 1.5, 2 and 4 times its images would give."""
    drawn = _drawn(points)
    return tuple(
        ClassCurve(
            label=each.label,
            points=tuple(sorted(points[each.label], key=lambda point: point.iteration)),
            estimates=tuple(_estimate(each, math.ceil(each.now * times)) for times in (1, 1.5, 2, 4)),
        )
        for each in drawn
    )


def photograph_next(
    points: Mapping[str, Sequence[ClassPoint]], shares: Mapping[str, float], gain: float = 0.01
) -> PhotographNext | None:
    """Which images are likely to bring the next *gain* of accuracy; None before any class was asked about.

    *shares* says how large a part of the images each class is. Images go, a tenth of a class at a time, to where the
    posterior mean of the accuracy grows most for each image; the interval is that of the images after which 10 % and
    90 % of the draws have gained as much.
    """
    drawn = [each for each in _drawn(points) if shares.get(each.label)]
    if not drawn:
        return None
    total = sum(shares[each.label] for each in drawn)
    weights = {each.label: shares[each.label] / total for each in drawn}
    accuracy = float(sum(weights[each.label] * each.recall(each.now).mean() for each in drawn))
    if 1 - accuracy <= gain:
        return PhotographNext(gain=gain, accuracy=accuracy, reason=_nothing_left(accuracy, gain))
    proposed = _handed_out(drawn, weights, gain, accuracy)
    if max(len(each) for each in points.values()) > 1:
        return proposed
    return proposed.model_copy(
        update={"reason": f"{proposed.reason}; after one iteration this is hardly more than a guess"}
    )


def _handed_out(drawn: Sequence[_Drawn], weights: Mapping[str, float], gain: float, accuracy: float) -> PhotographNext:
    images = {each.label: each.now for each in drawn}
    most = LARGEST_GROWTH * sum(images.values())
    needed: dict[float, int] = {}
    wanted: dict[str, int] = {}
    while len(needed) < len(INTERVAL) + 1 and sum(images.values()) < most:
        label, step = _best_step(drawn, weights, images)
        images[label] += step
        gained = sum(weights[each.label] * (each.recall(images[each.label]) - each.recall(each.now)) for each in drawn)
        more = sum(images.values()) - sum(each.now for each in drawn)
        for share in (INTERVAL[0], 0.5, INTERVAL[1]):
            if share not in needed and np.mean(gained >= gain) >= share:
                needed[share] = more
                if share == 0.5:  # noqa: PLR2004  (the median draw has gained enough: this is the proposal)
                    wanted = {each.label: images[each.label] - each.now for each in drawn}
    return _proposal(gain, accuracy, needed, wanted)


def _best_step(drawn: Sequence[_Drawn], weights: Mapping[str, float], images: Mapping[str, int]) -> tuple[str, int]:
    """The class whose next images raise the mean accuracy most for each of them, and how many those are."""
    best = ("", 0, -1.0)
    for each in drawn:
        had = images[each.label]
        step = max(SMALLEST_STEP, math.ceil(STEP * had))
        rise = weights[each.label] * float(np.mean(each.recall(had + step) - each.recall(had))) / step
        if rise > best[2]:
            best = (each.label, step, rise)
    return best[0], best[1]


def _proposal(gain: float, accuracy: float, needed: Mapping[float, int], wanted: Mapping[str, int]) -> PhotographNext:
    likely, low, high = needed.get(0.5), needed.get(INTERVAL[0]), needed.get(INTERVAL[1])
    more = {label: count for label, count in sorted(wanted.items(), key=lambda each: -each[1]) if count}
    return PhotographNext(
        gain=gain,
        accuracy=accuracy,
        images=likely,
        at_least=low,
        at_most=high,
        classes=more,
        reason=_in_words(gain, likely, low, high, more),
    )


def _in_words(gain: float, likely: int | None, low: int | None, high: int | None, more: Mapping[str, int]) -> str:
    points = f"{100 * gain:.0f} point" + ("s" if gain >= 0.02 else "")  # noqa: PLR2004
    if likely is None:
        return (
            f"{LARGEST_GROWTH} times the training images of today are unlikely to bring {points} of accuracy; "
            "look at labels, at the prompt or at the image detail instead"
        )
    few = f"{low:,}" if low is not None and low < likely else "fewer"
    many = f"{high:,}" if high is not None else "far more than the iterations so far can tell"
    of = ", ".join(f"{count:,} of {label}" for label, count in more.items())
    return (
        f"the next {points} of accuracy is likely to need {likely:,} more images (80 % interval {few} to {many}): {of}"
    )


def _nothing_left(accuracy: float, gain: float) -> str:
    left = f"less than {100 * gain:.0f} point of error"
    return f"an accuracy of about {accuracy:.1%} leaves {left}: there is nothing to photograph for"


def _estimate(drawn: _Drawn, images: int) -> CurveEstimate:
    recall = drawn.recall(images)
    low, high = np.quantile(recall, INTERVAL)
    return CurveEstimate(images=images, recall=float(recall.mean()), low=float(low), high=float(high))


def _drawn(points: Mapping[str, Sequence[ClassPoint]]) -> list[_Drawn]:
    """Draws for each class with an answered image, largest number of training images as the reference."""
    known = {label: [p for p in each if p.asked > 0] for label, each in sorted(points.items())}
    known = {label: each for label, each in known.items() if each}
    if not known:
        return []
    now = {label: max(1, *(max(1, point.images) for point in each)) for label, each in known.items()}
    tables = {label: _log_likelihood(each, now[label]) for label, each in known.items()}
    shared = sum((_log_mean(table, axis=1) for table in tables.values()), np.zeros(len(EXPONENTS)))
    random = np.random.default_rng(SEED)
    drawn_exponents = random.choice(len(EXPONENTS), DRAWS, p=_normalized(shared))
    return [
        _Drawn(label, now[label], _errors(table, drawn_exponents, random), EXPONENTS[drawn_exponents])
        for label, table in tables.items()
    ]


def _log_likelihood(points: Sequence[ClassPoint], now: int) -> Floats:
    """Log-likelihood of the answers to one class: rows are exponents, columns errors at *now* images."""
    table = np.zeros((len(EXPONENTS), len(ERRORS)))
    for point in points:
        growth = (max(1, point.images) / now) ** -EXPONENTS
        error = np.clip(growth[:, None] * ERRORS[None, :], 1e-9, 1 - 1e-9)
        table += (point.asked - point.right) * np.log(error) + point.right * np.log1p(-error)
    return table


def _errors(table: Floats, exponents: NDArray[np.int64], random: np.random.Generator) -> Floats:
    """For each drawn exponent an error drawn from what the class's answers leave of it."""
    weights = np.exp(table - table.max(axis=1, keepdims=True))
    cumulated = np.cumsum(weights, axis=1)
    cumulated /= cumulated[:, -1:]
    levels = random.random(len(exponents))
    columns = (cumulated[exponents] < levels[:, None]).sum(axis=1)
    drawn: Floats = ERRORS[np.minimum(columns, len(ERRORS) - 1)]
    return drawn


def _log_mean(table: Floats, axis: int) -> Floats:
    largest = table.max(axis=axis)
    mean: Floats = largest + np.log(np.mean(np.exp(table - largest[:, None]), axis=axis))
    return mean


def _normalized(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    shares: Floats = weights / weights.sum()
    return shares
