"""The rules of a first contract, from images that are there: every one of them passes, with a margin."""

import math
from collections.abc import Iterable, Sequence

from data_contracts.images import ImageFacts
from data_contracts.record import Record
from data_contracts.rule_limits import MODES

SMALLEST_SIDE = 16
USUAL = ("JPEG", "PNG")
SHARE_MARGIN = 0.1
"""Added below and above where a feature runs from 0 to 1."""
FACTOR = 2
"""Sizes and sharpness may be so many times larger or smaller."""

Range = tuple[float | None, float | None]
"""Smallest and largest value; None where there is no limit."""


class MeasuredLimits(Record):
    """What images of one folder have in common."""

    formats: tuple[str, ...]
    modes: tuple[str, ...]
    width: Range
    height: Range
    brightness: Range
    contrast: Range
    sharpness: Range
    saturation: Range
    evenness: Range


def measured_limits(facts: Sequence[ImageFacts]) -> MeasuredLimits | None:
    """The limits that all readable images keep with a margin; None when no image can be read."""
    readable = [fact for fact in facts if fact.problem is None]
    if not readable:
        return None
    found = {str(fact.format) for fact in readable}
    return MeasuredLimits(
        formats=(*USUAL, *sorted(found - set(USUAL))),
        modes=tuple(sorted({str(fact.mode) for fact in readable} & MODES)),
        width=_side([fact.width or 1 for fact in readable]),
        height=_side([fact.height or 1 for fact in readable]),
        brightness=_share(_known(fact.brightness for fact in readable)),
        contrast=(_half(_known(fact.contrast for fact in readable)), None),
        sharpness=(_half(_known(fact.sharpness for fact in readable)), None),
        saturation=_share(_known(fact.saturation for fact in readable)),
        evenness=(_half(_known(fact.evenness for fact in readable)), None),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _side(pixels: Sequence[int]) -> Range:
    smallest = min(pixels)
    return min(smallest, max(SMALLEST_SIDE, smallest // FACTOR)), max(pixels) * FACTOR


def _share(values: Sequence[float]) -> Range:
    low, high = _down(min(values) - SHARE_MARGIN), -_down(-(max(values) + SHARE_MARGIN))
    return (low if low > 0 else None), (high if high < 1 else None)


def _half(values: Sequence[float]) -> float | None:
    return _down(min(values) / FACTOR) or None


def _down(value: float) -> float:
    return math.floor(value * 1000) / 1000
