"""How accuracy grows with training images, class by class, and how many more the next point is likely to need.

The error of a class falls as a power of its training images, error(n) = e * (n / n0) ** -b (Cortes et al. 1993;
Hestness et al. 2017, arXiv:1712.00409). b is taken as equally likely between 0 (more images change nothing) and 0.7,
and for each class as likely one of its own as one that all share; each class has an e of its own. Right answers are
binomial. A grid over b and e gives the posterior, so that one iteration already tells something, with the width that
it deserves. A class that is answered no better than by chance follows no such law yet: only its recall of today is
told.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_contracts.learning_curve import ClassCurve, ClassPoint, CurveEstimate, PhotographNext
from decisions.intervals import wilson

Floats = NDArray[np.float64]

EXPONENTS = np.linspace(0, 0.7, 141)
ERRORS = 1 / (1 + np.exp(-np.linspace(-8, 8, 321)))
"""Errors at the reference number of images, equally likely on the scale of log-odds."""
DRAWS = 2000
SEED = 20170
INTERVAL = (0.1, 0.9)
STEP = 0.02
"""Images are handed out in fiftieths of what a class has, at least one."""
ALONE = 0.5
"""Share of classes that grow at a pace of their own, before their answers are known."""
LARGEST_GROWTH = 8
"""More than eight times the images of today is no plan but an extrapolation."""
ALL_BY_CHANCE = (
    "no class is answered better than by chance yet, so what more images would bring cannot be told; "
    "look at labels, at the prompt or at the image detail first"
)


class _Drawn(NamedTuple):
    """Draws of the posterior of one class: its error at the images that it has now, and the exponent."""

    label: str
    now: int
    above_chance: bool
    errors: Floats
    exponents: Floats

    def recall(self, images: int) -> Floats:
        """Of each draw, with so many training images."""
        grown: Floats = 1 - np.minimum(1, self.errors * (max(images, 1) / self.now) ** -self.exponents)
        return grown


def class_curves(points: Mapping[str, Sequence[ClassPoint]]) -> tuple[ClassCurve, ...]:
    """The curve of each class that was asked about, and what 1, 1.5, 2 and 4 times its images would give.

    Of a class that is not above chance, one of as many as there are classes, only the recall of today is estimated.
    """
    drawn = _drawn(points)
    return tuple(
        ClassCurve(
            label=each.label,
            points=tuple(sorted(points[each.label], key=lambda point: point.iteration)),
            estimates=tuple(_estimate(each, math.ceil(each.now * times)) for times in _times(each)),
            above_chance=each.above_chance,
        )
        for each in drawn
    )


def photograph_next(
    points: Mapping[str, Sequence[ClassPoint]], shares: Mapping[str, float], gain: float = 0.01
) -> PhotographNext | None:
    """Which images are likely to bring the next *gain* of accuracy; None before any class was asked about.

    *shares* says how large a part of the images each class is. Images go, a fiftieth of a class at a time, to where
    the posterior mean of the accuracy grows most for each image; the interval is that of the images after which 10 %
    and 90 % of the draws have gained as much. Nothing is proposed for classes that are not above chance.
    """
    drawn = [each for each in _drawn(points) if shares.get(each.label)]
    if not drawn:
        return None
    total = sum(shares[each.label] for each in drawn)
    weights = {each.label: shares[each.label] / total for each in drawn}
    accuracy = float(sum(weights[each.label] * each.recall(each.now).mean() for each in drawn))
    if 1 - accuracy <= gain:
        return PhotographNext(gain=gain, accuracy=accuracy, reason=_nothing_left(accuracy, gain))
    able = [each for each in drawn if each.above_chance]
    if not able:
        return PhotographNext(gain=gain, accuracy=accuracy, reason=ALL_BY_CHANCE)
    proposed = _handed_out(able, weights, gain, accuracy)
    reasons = [proposed.reason]
    if len(able) < len(drawn):
        others = ", ".join(each.label for each in drawn if not each.above_chance)
        reasons.append(f"what images would bring to {others} cannot be told, for no better than chance is seen there")
    if max(len(each) for each in points.values()) == 1:
        reasons.append("after one iteration this is hardly more than a guess")
    return proposed.model_copy(update={"reason": "; ".join(reasons)})


def _handed_out(drawn: Sequence[_Drawn], weights: Mapping[str, float], gain: float, accuracy: float) -> PhotographNext:
    classes = {each.label: each for each in drawn}
    images = {each.label: each.now for each in drawn}
    rises = {each.label: weights[each.label] * _rise(each, each.now) for each in drawn}
    now, gained = sum(images.values()), np.zeros(DRAWS)
    needed: dict[float, int] = {}
    wanted: dict[str, int] = {}
    while len(needed) < len(INTERVAL) + 1 and sum(images.values()) < LARGEST_GROWTH * now:
        label = max(rises, key=rises.__getitem__)
        had, has = images[label], images[label] + _step(images[label])
        gained += weights[label] * (classes[label].recall(has) - classes[label].recall(had))
        images[label], rises[label] = has, weights[label] * _rise(classes[label], has)
        for share in (INTERVAL[0], 0.5, INTERVAL[1]):
            if share not in needed and np.mean(gained >= gain) >= share:
                needed[share] = sum(images.values()) - now
                if share == 0.5:  # noqa: PLR2004  (the median draw has gained enough: this is the proposal)
                    wanted = {each.label: images[each.label] - each.now for each in drawn}
    return _proposal(gain, accuracy, needed, wanted)


def _step(images: int) -> int:
    return math.ceil(STEP * images)


def _rise(drawn: _Drawn, images: int) -> float:
    """How much the class's mean recall rises for each of its next images."""
    step = _step(images)
    return float(np.mean(drawn.recall(images + step) - drawn.recall(images))) / step


def _proposal(gain: float, accuracy: float, needed: Mapping[float, int], wanted: Mapping[str, int]) -> PhotographNext:
    likely, low, high = needed.get(0.5), needed.get(INTERVAL[0]), needed.get(INTERVAL[1])
    if likely is None:
        return PhotographNext(gain=gain, accuracy=accuracy, reason=_out_of_reach(gain))
    at_least = low if low is not None and low < likely else None
    at_most = high if at_least is not None and high is not None and likely < high else None
    more = {label: count for label, count in sorted(wanted.items(), key=lambda each: -each[1]) if count}
    of = ", ".join(f"{count:,} of {label}" for label, count in more.items())
    return PhotographNext(
        gain=gain,
        accuracy=accuracy,
        images=likely,
        at_least=at_least,
        at_most=at_most,
        classes=more,
        reason=f"the next {_points(gain)} of accuracy is likely to need {likely:,} more images "
        f"({_interval(at_least, at_most)}): {of}",
    )


def _interval(at_least: int | None, at_most: int | None) -> str:
    if at_least is None:
        return "how few or many it may be cannot be told"
    if at_most is None:
        return f"at least {at_least:,}; how many at most cannot be told from the iterations so far"
    return f"80 % interval {at_least:,} to {at_most:,}"


def _out_of_reach(gain: float) -> str:
    return (
        f"{LARGEST_GROWTH} times the training images of today are unlikely to bring {_points(gain)} of accuracy; "
        "look at labels, at the prompt or at the image detail instead"
    )


def _points(gain: float) -> str:
    return f"{100 * gain:.0f} point" + ("s" if gain >= 0.02 else "")  # noqa: PLR2004


def _nothing_left(accuracy: float, gain: float) -> str:
    left = f"less than {100 * gain:.0f} point of error"
    return f"an accuracy of about {accuracy:.1%} leaves {left}: there is nothing to photograph for"


def _times(drawn: _Drawn) -> Sequence[float]:
    return (1, 1.5, 2, 4) if drawn.above_chance else (1,)


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
    above = {label: _above_chance(each, len(points)) for label, each in known.items()}
    own = {label: _log_mean(table, axis=1) for label, table in tables.items()}
    shared = sum((each for label, each in own.items() if above[label]), np.zeros(len(EXPONENTS)))
    random = np.random.default_rng(SEED)
    common = random.choice(len(EXPONENTS), DRAWS, p=_normalized(shared))
    drawn = []
    for label, table in tables.items():
        exponents = _exponents(own[label], shared - (own[label] if above[label] else 0), common, random)
        errors = _errors(table, exponents, random)
        drawn.append(_Drawn(label, now[label], above[label], errors, EXPONENTS[exponents]))
    return drawn


def _exponents(
    own: Floats, others: Floats, common: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """The *common* draws, and draws of the class's own as often as its answers contradict what *others* tell."""
    alone, together = np.log(np.mean(np.exp(own - own.max()))), np.log(_normalized(others) @ np.exp(own - own.max()))
    apart = 1 / (1 + (1 - ALONE) / ALONE * np.exp(np.clip(together - alone, -500, 500)))
    return np.where(random.random(DRAWS) < apart, random.choice(len(EXPONENTS), DRAWS, p=_normalized(own)), common)


def _above_chance(points: Sequence[ClassPoint], classes: int) -> bool:
    """Whether the newest answers to a class are right more often than those of somebody who guesses among *classes*."""
    newest = max(points, key=lambda point: point.iteration)
    low, _ = wilson(newest.right, newest.asked, INTERVAL[1] - INTERVAL[0])
    return classes == 1 or low > 1 / classes


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
