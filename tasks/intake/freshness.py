"""Whether the images of a loop are as fresh as its data contract promises."""

from data_contracts.ledger import ImagesAccepted
from decisions.ingestion.batch_rules import overdue
from tasks.loop import connect


def overdue_images(folder: str) -> str | None:
    """How long the loop in *folder* has had no new images, when its contract promises them sooner; else None."""
    loop = connect(folder)
    if loop.contract.freshness_days is None:
        return None
    times = [entry.time for entry in loop.ledger.read() if isinstance(entry.event, ImagesAccepted)]
    return overdue(max(times, default=None), loop.now(), loop.contract)
