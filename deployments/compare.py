"""`kaizen compare`: two iterations side by side, in the terminal and as one page."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import WrongInput
from data_contracts.figures import ModelFigures
from data_contracts.iteration_report import IterationReport
from data_contracts.reports_compared import ReportsCompared
from decisions.evaluation.reports_compared import compare_reports
from tasks.formats import interval, percent
from tasks.loop import Loop, connect
from tasks.reporting.iteration_report import iteration_report
from tasks.reporting.report_pages import per_1000, render_comparison

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 80


def compare_iterations(folder: Path, first: int, second: int, html: Path | None) -> tuple[list[str], object]:
    """Two iterations as lines of 80 columns and as a value; their page is written to *html*.

    Raises WrongInput for one and the same iteration twice, an unknown one, or one that was never evaluated.
    """
    if first == second:
        raise WrongInput(f"Iteration {first} cannot be compared with itself; name two iterations")
    loop = connect(str(folder))
    compared = compare_reports(_report(loop, first), _report(loop, second))
    lines = _lines(compared)
    if html is not None:
        html.write_text(render_comparison(compared), "utf-8")
        lines.append(f"Page: {html}")
    return lines, compared.model_dump(mode="json")


def _report(loop: Loop, number: int) -> IterationReport:
    loop.known_iteration(number)
    report = iteration_report(loop, number)
    if not report.models:
        raise WrongInput(f"Iteration {number} has no evaluation to compare ({report.outcome}: {report.reason})")
    return report


def _lines(compared: ReportsCompared) -> list[str]:
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False)
    console.print(_figures(compared))
    console.print(compared.why, markup=False)
    if compared.first.labels:
        console.print(_classes(compared))
        for report in (compared.first, compared.second):
            console.print(_matrix(report))
    console.print(_differences(compared))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def _figures(compared: ReportsCompared) -> "Table":
    from rich.table import Table

    reports = (compared.first, compared.second)
    table = Table("", *(f"Iteration {each.iteration}" for each in reports), title=f"Challengers of {compared.loop}")
    told = [dict(_rows(_challenger(each))) for each in reports]
    for name in told[0]:
        table.add_row(name, *(each[name] for each in told))
    return table


def _rows(figures: ModelFigures) -> Iterator[tuple[str, str]]:
    yield "right", f"{figures.correct:,} of {figures.images:,}"
    yield "accuracy", percent(figures.accuracy)
    yield "95 % interval", interval(figures.interval)
    yield "macro F1", "" if figures.macro_f1 is None else f"{figures.macro_f1:.3f}"
    yield "median latency", f"{figures.latency.percentiles['50']:,.0f} ms" if figures.latency else ""
    yield "$ per 1,000 answers", per_1000(figures)
    yield "tokens", f"{figures.prompt_tokens:,} in, {figures.completion_tokens:,} out"


def _classes(compared: ReportsCompared) -> "Table":
    from rich.table import Table

    numbers = (compared.first.iteration, compared.second.iteration)
    heads = [f"{name} {number}" for name in ("Recall", "F1") for number in numbers]
    table = Table("Class", *heads)
    found = [{each.name: each for each in _challenger(one).classes} for one in (compared.first, compared.second)]
    for label in compared.first.labels:
        rows = [each.get(label) for each in found]
        recalls = [percent(row.recall) if row else "" for row in rows]
        f1s = [f"{row.f1:.3f}" if row and row.f1 is not None else "" for row in rows]
        table.add_row(label, *recalls, *f1s)
    return table


def _matrix(report: IterationReport) -> "Table":
    """Rows are labels; columns are numbered like the rows, for names of many classes do not fit beside each other."""
    from rich.table import Table

    columns = [*map(str, range(1, len(report.labels) + 1)), "none"]
    table = Table("Label, answered as", *columns, title=f"Confusion matrix of iteration {report.iteration}")
    for number, (label, row) in enumerate(zip(report.labels, _challenger(report).confusion, strict=False), start=1):
        table.add_row(f"{number} {label}", *(str(count or "") for count in row))
    return table


def _differences(compared: ReportsCompared) -> "Table":
    from rich.table import Table

    numbers = (compared.first.iteration, compared.second.iteration)
    table = Table()
    for head in ("Different", *(f"Iteration {number}" for number in numbers)):
        table.add_column(head, overflow="fold")
    for each in compared.differences:
        table.add_row(each.what, each.first, each.second)
    return table


def _challenger(report: IterationReport) -> ModelFigures:
    (found,) = (each for each in report.models if each.role == "challenger")
    return found
