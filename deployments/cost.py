"""`kaizen cost`: what the loop has cost, is billed right now, and would cost for a volume of images."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.kept_servers import use_servers_of
from tasks.loop import connect
from tasks.reporting.costs import LoopCosts, basis, costs_of, tables

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 80


def tell_costs(
    folder: Path, images_per_month: int | None, tokens_in: int | None, tokens_out: int | None
) -> tuple[list[str], dict[str, object]]:
    """What to print of the costs of the loop in *folder*, in lines of at most 80 columns, and the same as a value."""
    use_servers_of(folder)
    costs = costs_of(connect(str(folder)), images_per_month, tokens_in, tokens_out)
    return _lines(costs), costs.model_dump(mode="json")


def _lines(costs: LoopCosts) -> list[str]:
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False)
    for title, (heads, *rows) in tables(costs):
        console.print(_table(title, heads, rows))
    for line in _month(costs):
        console.print(line, markup=False)
    console.print(basis(costs), markup=False)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def _table(title: str, heads: list[str], rows: list[list[str]]) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        text = number == 0 or head == "type"
        table.add_column(head, justify="left" if text else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _month(costs: LoopCosts) -> Iterator[str]:
    report = costs.report
    gone = report.spent
    yield (
        f"{gone.month}: ${gone.month_usd:.2f} spent, ${gone.unbooked_usd:.2f} of it not booked yet; "
        f"${report.month_end_usd:.2f} at its end if what is billed now stays"
    )
    for each in report.budget:
        yield f"Budget of {each.per} {each.name}: ${each.usd:.2f}, ${each.left_usd:.2f} left"
    for warning in report.warnings:
        yield f"Warning: {warning}"
