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


def form_text(loop: Loop, number: int, until: datetime) -> str:
    """The question about iteration *number*, which can be answered *until* then, as Markdown."""
    report = iteration_report(loop, number)
    parts = [
        f"## {loop.name}, iteration {number}: shall the challenger become champion?",
        f"The gate says **{report.verdict}**: {plain(report.reason)}.",
        *map(plain, report.remarks),
        _picture(loop, number),
        _table(list(class_rows(report))) if report.labels else "",
        f"Report: `{loop.iteration_path(number, 'report.html')}` in the store, and on this run under Artifacts.",
        f"This form waits until {until:%Y-%m-%d %H:%M} UTC. No answer is not a yes: the question is asked anew.",
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
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[name]) for name in head] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
