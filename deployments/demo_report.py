"""What the demo prints at its end: a table for people, one JSON object for programs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud.errors import LedgerBroken
from cloud.ledger import verify
from data_contracts.summary import IterationSummary
from tasks.formats import blank, interval, outcome, percent
from tasks.loop import Loop, connect
from tasks.reporting.summaries import summarize

COLUMNS = ("", "Base", "Local", "Champion", "Challenger", "95 %", "Won", "Lost", "Outcome")


def print_json(folder: str, report: Path) -> None:
    """One JSON object on standard output."""
    loop = connect(folder)
    summary = {
        "iterations": [each.model_dump(mode="json") for each in summarize(loop)],
        "ledger_ok": ledger_ok(loop),
        "report": str(report),
    }
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")


def print_table(folder: str, report: Path) -> None:
    """The iterations, the recall of each class, and where to look, on standard output."""
    from rich.console import Console

    loop = connect(folder)
    summaries = summarize(loop)
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    if summaries:
        console.print(_iterations(summaries))
        for each in summaries:
            console.print(f"{each.number}. [bold]{each.verdict or each.outcome}[/] {each.reason or ''}{_price(each)}")
        console.print(_recalls(summaries, loop.contract.labels))
    console.print(f"Ledger: {'the chain holds' if ledger_ok(loop) else 'BROKEN, see kaizen ledger verify'}")
    console.print(f"Report: {report}", soft_wrap=True)


def _price(each: IterationSummary) -> str:
    took = "" if each.seconds is None else f"{each.seconds:.0f} s, "
    return f" ({took}${each.cost:.2f})"


def ledger_ok(loop: Loop) -> bool:
    """Whether the ledger's chain holds."""
    try:
        verify(loop.store, loop.name)
    except LedgerBroken:
        return False
    return True


def _iterations(summaries: Sequence[IterationSummary]) -> object:
    from rich.table import Table

    table = Table(*COLUMNS)
    for each in summaries:
        table.add_row(
            str(each.number),
            percent(each.base_accuracy),
            percent(each.local_accuracy),
            percent(each.champion_accuracy) if each.champion else "none yet",
            percent(each.challenger_accuracy),
            interval(each.interval),
            str(blank(each.wins)),
            str(blank(each.losses)),
            outcome(each),
        )
    return table


def _recalls(summaries: Sequence[IterationSummary], labels: Sequence[str]) -> object:
    from rich.table import Table

    decided = [each for each in summaries if each.challenger_recall]
    table = Table("Recall", *(f"Challenger {each.number}" for each in decided))
    for label in labels:
        table.add_row(label, *(percent(each.challenger_recall.get(label)) for each in decided))
    return table
