"""What to photograph next: the learning curves of the iterations so far, as figures and as a picture."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from data_contracts.learning_curve import ClassCurve, ClassPoint, LearningCurves
from data_contracts.ledger import Evaluated
from decisions.evaluation.learning_curve import class_curves, photograph_next
from decisions.loop_state import Iteration
from tasks.datasets import learned
from tasks.evaluation.stored_answers import stored_evaluation
from tasks.loop import Loop

COLUMNS = 3


def learning_curves(loop: Loop, until: int | None = None) -> LearningCurves:
    """From the challengers of all iterations, or those up to number *until*, on their held-out images.

    Empty for loops of chats and before a challenger was decided on. Every class counts as much as it has held-out
    images now.
    """
    points: dict[str, list[ClassPoint]] = {label: [] for label in loop.contract.labels}
    shares: Mapping[str, int] = {}
    if not loop.contract.tells_classes:
        return LearningCurves()
    for iteration in loop.state().iterations[:until]:
        evaluated = _challenger(iteration)
        if evaluated is None:
            continue
        found = _points(loop, iteration, evaluated)
        shares = {point_label: point.asked for point_label, point in found.items()}
        for label, point in found.items():
            points.setdefault(label, []).append(point)
    return LearningCurves(curves=class_curves(points), next=photograph_next(points, shares))


def _challenger(iteration: Iteration) -> Evaluated | None:
    """How the iteration's challenger answered, once that was made known by a decision."""
    return iteration.evaluations.get(iteration.decided.challenger) if iteration.decided else None


def _points(loop: Loop, iteration: Iteration, evaluated: Evaluated) -> Mapping[str, ClassPoint]:
    images = Counter(learned(loop, loop.state(), evaluated.model).values())
    answers = stored_evaluation(loop, evaluated).answers
    asked = Counter(answer.expected for answer in answers)
    right = Counter(answer.expected for answer in answers if answer.correct)
    return {
        label: ClassPoint(iteration=iteration.number, images=images[label], asked=asked[label], right=right[label])
        for label in loop.contract.labels
        if asked[label]
    }


def learning_curve_picture(curves: Sequence[ClassCurve]) -> bytes:
    """The curves as PNG, one small picture a class: dots are iterations, the band is the 80 % interval.

    A class that is not above chance has its dots only, and says so.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(curves) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.3 * rows), dpi=110, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).flatten()
    for curve, panel in zip(curves, panels, strict=False):
        _draw(panel, curve)
    for panel in panels[len(curves) :]:
        panel.set_visible(False)
    figure.supxlabel("training images of the class", fontsize=9)
    figure.supylabel("recall on held-out images", fontsize=9)
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png")
    return out.getvalue()


def _draw(panel: Any, curve: ClassCurve) -> None:
    seen = [point for point in curve.points if point.asked]
    panel.plot([p.images for p in seen], [p.right / p.asked for p in seen], "o", color="#1d4ed8", markersize=4)
    sizes = [each.images for each in curve.estimates]
    panel.plot(sizes, [each.recall for each in curve.estimates], color="#0f766e", linewidth=1.4)
    panel.fill_between(
        sizes,
        [each.low for each in curve.estimates],
        [each.high for each in curve.estimates],
        color="#0f766e",
        alpha=0.15,
    )
    panel.set_title(curve.label if curve.above_chance else f"{curve.label}: at chance", fontsize=9, loc="left")
    panel.set_ylim(0, 1.03)
    panel.set_xlim(left=0)
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
