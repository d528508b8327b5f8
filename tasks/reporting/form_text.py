"""What a person reads above the form in the Prefect UI: the verdict, the confusion matrix, a table of classes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tasks.charts import png_url
from tasks.loop import Loop
from tasks.markdown import plain
from tasks.reporting.iteration_report import iteration_report
from tasks.reporting.report_artifacts import class_rows
from tasks.reporting.report_pages import confusion_pictures

LARGEST_PICTURE = 500_000
"""Characters of a data URL that the UI shows without trouble."""
SHOWN = ("class", "images", "precision", "recall", "won", "lost")
"""Columns that fit into the width of the form."""


def form_text(loop: Loop, number: int, until: datetime, page: str | None) -> str:
    """The question about iteration *number*, which can be answered *until* then, as Markdown.

    *page* is the address of the report as an artifact. The UI shows the first lines only, the rest by scrolling.
    """
    report = iteration_report(loop, number)
    there = f"[the report]({page})" if page else "Artifacts of this run"
    parts = [
        f"### {loop.name}, iteration {number}: shall the challenger become champion?",
        f"The gate: {plain(report.reason)} ({plain(report.verdict or 'no verdict yet')}).",
        f"Answer until **{until:%Y-%m-%d %H:%M} UTC**; no answer is not a yes, and the question is asked anew. "
        f"Confusion matrix, classes and remarks are below; more: {there}, and "
        f"`{loop.iteration_path(number, 'report.html')}` in the store.",
        _picture(loop, number),
        _table(list(class_rows(report))) if report.labels else "",
        "\n".join(f"- {plain(each)}" for each in report.remarks if each not in report.reason),
        f'In a terminal: `kaizen approve {number} --yes --why "…"`, or `--no`.',
    ]
    return "\n\n".join(part for part in parts if part)


def _picture(loop: Loop, number: int) -> str:
    picture = confusion_pictures(loop, loop.iteration(number)).get("challenger")
    if picture is None:
        return ""
    url = png_url(picture)
    return f"![Confusion matrix of the challenger]({url})" if len(url) <= LARGEST_PICTURE else ""


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    if not rows:
        return ""
    head = [name for name in SHOWN if name in rows[0]]
    lines = [head, ["---"] * len(head), *([str(row[name]) for name in head] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
