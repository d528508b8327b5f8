"""What the contract refused: the files, and why."""

from collections.abc import Iterable

from data_contracts.images import Refusal
from data_contracts.ledger import ImagesAccepted
from tasks.intake.inbox import inbox_path
from tasks.loop import Loop
from tasks.tables import from_parquet


def refusals(loop: Loop, batch: ImagesAccepted) -> list[Refusal]:
    """Why files of *batch* were refused, and what is said of accepted images whose label it disputes."""
    path = batch.refusals or loop.path("quarantine", batch.batch, "reasons.parquet")
    return from_parquet(loop.store.get(path).content, Refusal)


def quarantine_path(loop: Loop, batch: str, file: str) -> str:
    """Where a refused *file* of a batch is kept."""
    return loop.path("quarantine", batch, "files", *file.split("/"))


def quarantine(loop: Loop, batch: str, files: Iterable[str]) -> None:
    """Keep refused *files* of a batch as they came."""
    for file in files:
        with loop.store.open(inbox_path(loop, batch, file)) as content:
            loop.store.put(quarantine_path(loop, batch, file), content)
