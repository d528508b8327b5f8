"""The ledger as lines on a terminal."""

from collections.abc import Iterator

from data_contracts.ledger import LedgerEntry
from tasks.loop import Loop

SHOWN = 3
"""Values of a list that a line shows; forgetting a contributor names thousands of images."""


def as_lines(loop: Loop) -> Iterator[str]:
    """One line an entry: number, time, iteration, kind, actor, and what happened."""
    return map(_line, loop.ledger.read())


def as_objects(loop: Loop) -> list[dict[str, object]]:
    """Every entry as it is stored."""
    return [entry.model_dump(mode="json") for entry in loop.ledger.read()]


def _line(entry: LedgerEntry) -> str:
    turn = f"#{entry.iteration}" if entry.iteration is not None else ""
    payload = entry.event.model_dump(mode="json", exclude={"kind", "request"})
    told = ", ".join(f"{name}={_short(value)}" for name, value in payload.items() if value not in (None, {}, []))
    return (
        f"{entry.number:>4}  {entry.time:%Y-%m-%d %H:%M:%S}  {turn:<4} {entry.kind:<26} {entry.actor.name:<36} {told}"
    )


def _short(value: object) -> str:
    if isinstance(value, list) and len(value) > SHOWN:
        return f"{_short(value[0])} and {len(value) - 1} more"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text  # noqa: PLR2004  (a SHA-256)
