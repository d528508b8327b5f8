"""The losses of a job, step by step: read from its results.csv, smoothed, and never taken for what they are not."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from data_contracts.training import CurvePoint

SPELLINGS = {
    "train_loss": ("train_loss",),
    "train_accuracy": ("train_mean_token_accuracy",),
    "valid_loss": ("valid_loss", "validation_loss"),
    "valid_accuracy": ("valid_mean_token_accuracy", "validation_mean_token_accuracy"),
    "full_valid_loss": ("full_valid_loss", "full_validation_loss"),
    "full_valid_accuracy": ("full_valid_mean_token_accuracy", "full_validation_mean_token_accuracy"),
}
"""Names under which a figure is reported: in events and checkpoints, and in results.csv."""
SMOOTHED_SHARE = 0.1


def read_results(content: bytes) -> tuple[CurvePoint, ...]:
    """The points of a results.csv, by step; cells that are blank, negative or no number are missing, as are lines."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", errors="replace")))
    found = (curve_point({(name or "").strip(): cell for name, cell in row.items()}) for row in rows)
    return merged(point for point in found if point is not None)


def curve_point(metrics: Mapping[str, object]) -> CurvePoint | None:
    """One point as a service reports it, in whatever spelling; None without a step."""
    step = figure(metrics.get("step"))
    if step is None:
        return None
    values = {
        name: next((value for each in names if (value := figure(metrics.get(each))) is not None), None)
        for name, names in SPELLINGS.items()
    }
    return CurvePoint(step=round(step), **values)


def merged(points: Iterable[CurvePoint]) -> tuple[CurvePoint, ...]:
    """One point a step, by step; what a later one does not say, an earlier one may."""
    found: dict[int, CurvePoint] = {}
    for each in points:
        known = found.get(each.step)
        told = each.model_dump(exclude_none=True)
        found[each.step] = known.model_copy(update=told) if known else each
    return tuple(found[step] for step in sorted(found))


def figure(value: object) -> float | None:
    """*value* as a number, unless it is one of the ways in which a service says that it has none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def smoothed_train_loss(curve: Sequence[CurvePoint], step: int) -> float | None:
    """The median training loss of the tenth of the steps that ends at *step*; None where the curve has none there."""
    begin = step - SMOOTHED_SHARE * step
    last = [each.train_loss for each in curve if begin < each.step <= step and each.train_loss is not None]
    return median(last) if last else None
