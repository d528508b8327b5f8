"""What every batch leaves: tables that tell their content by name, and the one ledger entry that makes it count."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cloud.errors import CloudUnavailable
from data_contracts.ledger import ImagesAccepted, LedgerEntry
from data_contracts.record import Record
from tasks.loop import Loop
from tasks.tables import to_parquet

COPIES_AT_ONCE = 8
T = TypeVar("T")


def recorded_once(loop: Loop, event: ImagesAccepted, *, after: int) -> ImagesAccepted:
    """The event as the ledger has it: another run may have recorded the same batch first.

    Raises CloudUnavailable when a further batch was accepted *after* so many, for its images were not
    looked at: the task then judges anew.
    """

    def unless_known(entries: Sequence[LedgerEntry]) -> tuple[None, ImagesAccepted] | None:
        if _recorded(entries, event.batch):
            return None
        if sum(isinstance(entry.event, ImagesAccepted) for entry in entries) != after:
            raise CloudUnavailable(f"Another batch was accepted while {event.batch} was judged")
        return None, event

    loop.ledger.append(loop.authorship(), unless_known)
    recorded = _recorded(loop.ledger.read(), event.batch)
    assert recorded is not None
    return recorded


def stored_table(loop: Loop, records: Sequence[Record], kind: type[Record], *place: str) -> tuple[str, str]:
    """Path and SHA-256 of a table of *records*: its name tells its content, so that no other run overwrites it."""
    table = to_parquet(records, kind)
    digest = hashlib.sha256(table).hexdigest()
    path = loop.path(*place[:-1], f"{place[-1]}-{digest[:12]}.parquet")
    loop.store.put(path, table)
    return path, digest


def at_once(do: Callable[[T], None], each: Iterable[T]) -> None:
    """Do something for each, a few at a time, for a store mostly waits."""
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        for _ in pool.map(do, each):
            pass


def counted(values: Iterable[str]) -> dict[str, int]:
    """How often each of *values* is there, in their order."""
    found = Counter(str(value) for value in values)
    return dict(sorted(found.items()))


def _recorded(entries: Sequence[LedgerEntry], batch: str) -> ImagesAccepted | None:
    events = (entry.event for entry in entries)
    return next((each for each in events if isinstance(each, ImagesAccepted) and each.batch == batch), None)
