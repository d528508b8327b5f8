"""The ledger entry that makes a batch count, written once whoever else is at work."""

from collections.abc import Sequence

from cloud.errors import CloudUnavailable
from data_contracts.ledger import ImagesAccepted, LedgerEntry
from tasks.loop import Loop


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


def _recorded(entries: Sequence[LedgerEntry], batch: str) -> ImagesAccepted | None:
    events = (entry.event for entry in entries)
    return next((each for each in events if isinstance(each, ImagesAccepted) and each.batch == batch), None)
