"""What the demo prints at its end: a table for people, one JSON object for programs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud.errors import LedgerBroken
from cloud.ledger import verify
from data_contracts.summary import IterationSummary
from tasks.loop import Loop, connect
from tasks.reports import blank, interval, percent
from tasks.summaries import summarize

JSON_FIELDS = {
    "number",
    "dataset",
    "parent",
    "model",
    "base_accuracy",
    "champion_accuracy",
    "challenger_accuracy",
    "interval",
    "wins",
    "losses",
    "verdict",
    "reason",
    "decided_by",
    "outcome",
    "cost",
    "seconds",
    "held_out",
    "champion_recall",
    "challenger_recall",
}


def print_json(folder: str, report: Path) -> None:
    """One JSON object on standard output."""
    loop = connect(folder)
    summary = {
        "iterations": [each.model_dump(mode="json", include=JSON_FIELDS) for each in summarize(loop)],
        "ledger_ok": ledger_ok(loop),
        "report": str(report),
    }
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")


def print_table(folder: str, report: Path, prefect: str) -> None:
    """The iterations, the recall of each class, and where to look, on standard output."""
    from rich.console import Console

    loop = connect(folder)
    summaries = summarize(loop)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(_iterations(summaries))
    for each in summaries:
        console.print(f"Iteration {each.number}: [bold]{each.verdict or each.outcome}[/] {each.reason or ''}")
    console.print(_recalls(summaries, loop.contract.labels))
    console.print(f"Ledger: {'the chain holds' if ledger_ok(loop) else 'BROKEN, see kaizen ledger verify'}")
    console.print(f"Report: {report}\nPrefect UI: {prefect} (while the servers are up; --keep leaves them up)")


def ledger_ok(loop: Loop) -> bool:
    """Whether the ledger's chain holds."""
    try:
        verify(loop.store, loop.name)
    except LedgerBroken:
        return False
    return True


def _iterations(summaries: Sequence[IterationSummary]) -> object:
    from rich.table import Table

    table = Table(
        "Iteration", "Base", "Champion", "Challenger", "95 % interval", "Won", "Lost", "Outcome", "Time", "Cost"
    )
    for each in summaries:
        table.add_row(
            str(each.number),
            percent(each.base_accuracy),
            percent(each.champion_accuracy),
            percent(each.challenger_accuracy),
            interval(each.interval),
            str(blank(each.wins)),
            str(blank(each.losses)),
            each.outcome + (f" ({each.decided_by})" if each.decided_by != "gate" else ""),
            "" if each.seconds is None else f"{each.seconds:.0f} s",
            f"${each.cost:.2f}",
        )
    return table


def _recalls(summaries: Sequence[IterationSummary], labels: Sequence[str]) -> object:
    from rich.table import Table

    decided = [each for each in summaries if each.challenger_recall]
    table = Table("Recall", *(f"Challenger {each.number}" for each in decided))
    for label in labels:
        table.add_row(label, *(percent(each.challenger_recall.get(label)) for each in decided))
    return table
