"""The ledger as lines on a terminal."""

import json
from collections.abc import Iterator

from data_contracts.ledger import LedgerEntry
from tasks.loop import Loop


def lines(loop: Loop, *, as_json: bool) -> Iterator[str]:
    """One line an entry: number, time, iteration, kind, actor, and what happened."""
    for entry in loop.ledger.read():
        yield json.dumps(entry.model_dump(mode="json")) if as_json else _line(entry)


def _line(entry: LedgerEntry) -> str:
    turn = f"#{entry.iteration}" if entry.iteration is not None else ""
    payload = entry.event.model_dump(mode="json", exclude={"kind", "request"})
    told = ", ".join(f"{name}={_short(value)}" for name, value in payload.items() if value not in (None, {}, []))
    return (
        f"{entry.number:>4}  {entry.time:%Y-%m-%d %H:%M:%S}  {turn:<4} {entry.kind:<26} {entry.actor.name:<36} {told}"
    )


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text  # noqa: PLR2004  (a SHA-256)
