"""Pictures for reports and artifacts."""

import base64
import io
from collections.abc import Sequence
from statistics import median
from typing import Any

from data_contracts.evaluation import Evaluation
from data_contracts.training import CurvePoint

NO_LABEL = "no label"
LOSSES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("train_loss", "training loss", {"color": "#93c5fd", "linewidth": 1.2}),
    ("valid_loss", "validation loss, of a sample", {"color": "#fdba74", "linewidth": 1.2}),
    ("full_valid_loss", "validation loss, of all, by epoch", {"color": "#c2410c", "marker": "o", "linewidth": 1.6}),
)
"""Fields of a curve's points with the names and strokes under which they are drawn."""


def confusion_counts(evaluation: Evaluation, labels: Sequence[str]) -> list[list[int]]:
    """How often each label (rows) was answered as each (columns); the last column counts answers off the list."""
    from sklearn.metrics import confusion_matrix

    names = [*labels, NO_LABEL]
    expected = [answer.expected for answer in evaluation.answers]
    given = [answer.given or NO_LABEL for answer in evaluation.answers]
    matrix = confusion_matrix(expected, given, labels=names)
    return [[int(count) for count in row] for row in matrix[: len(labels)]]


def confusion_picture(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> bytes:
    """A confusion matrix as PNG: shade is the share of the row, numbers are images."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    table = np.array(counts)
    columns = [*labels, NO_LABEL] if table[:, -1].any() else list(labels)
    table = table[:, : len(columns)]
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(2.2 + 0.62 * len(columns), 1.9 + 0.5 * len(labels)), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("model's answer")
    axes.set_ylabel("label")
    axes.set_title(title, fontsize=11, loc="left")
    axes.spines[:].set_visible(False)
    for row, column in np.argwhere(table > 0):
        shade = "white" if shares[row, column] > 0.55 else "#1f2937"  # noqa: PLR2004
        axes.text(column, row, str(table[row, column]), ha="center", va="center", color=shade, fontsize=9)
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png")
    return out.getvalue()


def png_url(png: bytes) -> str:
    """The PNG as a data URL, so that a page or an artifact needs nothing from outside."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def running_median(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Points in which each loss is the median of those around it, a fiftieth of all; a short curve stays as it is."""
    half = len(points) // 100
    around = (points[max(0, at - half) : at + half + 1] for at in range(len(points)))
    return [(step, median(loss for _, loss in near)) for (step, _), near in zip(points, around, strict=True)]


def loss_picture(curve: Sequence[CurvePoint], chosen: int | None, title: str) -> bytes:
    """The losses of a job by step as PNG, long curves as running medians, the *chosen* checkpoint's step marked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for name, label, style in LOSSES:
        points = [(each.step, loss) for each in curve if (loss := getattr(each, name)) is not None]
        if points:
            axes.plot(*zip(*running_median(points), strict=True), label=label, **style)
    if chosen is not None:
        axes.axvline(chosen, color="#047857", linestyle="--", linewidth=1.2, label=f"chosen checkpoint, step {chosen}")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    axes.set_title(title, fontsize=11, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png")
    return out.getvalue()
