"""The inbox of a loop: which batches wait there, their files, and their labels sheets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prefect import task

from cloud.store import INBOX
from data_contracts.images import ImageFacts, content_digest
from data_contracts.label_sheet import SHEETS, LabelSheet, read_sheet, sheet_among
from data_contracts.ledger import ImagesAccepted
from decisions.imaging.masks import without_masks
from decisions.ingestion.file_names import is_text
from tasks.intake.image_workers import ImageFile
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet

SHARD = 200
CORRECTIONS = "corrections"


@task(**PATIENTLY)
def find_batches(folder: str) -> list[str]:
    """The batches of the inbox that the ledger does not know yet, by name."""
    loop = connect(folder)
    return sorted(_batches(loop).keys() - {batch.batch for batch in loop.state().batches})


@task(**PATIENTLY)
def list_shards(folder: str, batch: str) -> list[list[str]]:
    """The files of a batch without its labels sheet and the masks beside images, in shards of hundreds.

    Raises WrongInput when there are two labels sheets, or one that cannot be read.
    """
    files = batch_files(loop := connect(folder), batch)
    sheet = sheet_among(files)
    images = [file for file in without_masks(files) if file != sheet and is_text(file)]
    read_labels(loop, batch, files)  # a sheet that cannot be read is told before all images are examined
    return [images[start : start + SHARD] for start in range(0, len(images), SHARD)]


def late_files(loop: Loop) -> Mapping[str, int]:
    """How many files came into batches of the inbox after these had been taken, by batch; nobody looks at them."""
    present = _batches(loop)
    taken = {batch.batch: batch for batch in loop.state().batches if batch.listing}
    changed = [name for name, files in present.items() if name in taken and taken[name].listing != listing_of(files)]
    late = {name: _late(loop, taken[name], present[name]) for name in changed}
    return {name: count for name, count in late.items() if count}


def _late(loop: Loop, taken: ImagesAccepted, present: Sequence[str]) -> int:
    if taken.examples == "chats":
        return max(0, len(present) - (taken.files or 0))
    return len(_images(present) - _examined(loop, taken.batch))


def stray_files(loop: Loop) -> list[str]:
    """Files that lie in the inbox but in no batch, so that nobody looks at them."""
    return [parts[0] for parts in _paths(loop) if len(parts) == 1]


def batch_files(loop: Loop, batch: str) -> list[str]:
    """The paths of all files inside a batch, in order."""
    return [path.removeprefix(inbox_path(loop, batch)) for path in loop.store.list(inbox_path(loop, batch))]


def read_image(loop: Loop, batch: str, file: str) -> ImageFile:
    """One file of a batch, as far as it is small enough for a photograph."""
    with loop.store.open(inbox_path(loop, batch, file)) as stream:
        return ImageFile.read(file, stream)


def read_labels(loop: Loop, batch: str, files: list[str]) -> LabelSheet | None:
    """The labels sheet among the *files* of a batch; raises WrongInput when it cannot be read."""
    name = sheet_among(files)
    if name is None:
        return None
    content = loop.store.get(inbox_path(loop, batch, name)).content
    return read_sheet(content, name=f"{batch}/{name}", group_column=loop.image_contract.group_column)


def is_hidden(file: str) -> bool:
    """Whether an operating system hides the file: it makes no batch, and nobody misses it."""
    return file.rpartition("/")[2].startswith(".")


def listing_of(files: Iterable[str]) -> str:
    """SHA-256 of the sorted names of *files*, the same however they are listed."""
    return content_digest(file.encode(errors="backslashreplace").decode() for file in files)


def inbox_path(loop: Loop, batch: str, file: str = "") -> str:
    """Where a *file* of a batch is stored."""
    return f"{INBOX}/{loop.name}/{batch}/{file}"


def _batches(loop: Loop) -> dict[str, list[str]]:
    """The files of each batch that waits or waited in the inbox, without hidden ones."""
    found: dict[str, list[str]] = {}
    for first, *rest in _paths(loop):
        if rest and first != CORRECTIONS:
            found.setdefault(first, []).append("/".join(rest))
    return found


def _images(files: Sequence[str]) -> set[str]:
    """The files that are no labels sheets, however many there are of these, and no masks beside images."""
    return {file for file in without_masks(files) if file.casefold() not in SHEETS}


def _examined(loop: Loop, batch: str) -> set[str]:
    """The files of a batch that were looked at."""
    tables = [path for path in loop.store.list(loop.path("ingestion", batch) + "/") if "/facts-" in path]
    return {fact.file for path in tables for fact in from_parquet(loop.store.get(path).content, ImageFacts)}


def _paths(loop: Loop) -> Iterator[list[str]]:
    """The parts of each path in the inbox; a hidden file makes no batch."""
    paths = (path.split("/")[2:] for path in loop.store.list(f"{INBOX}/{loop.name}/"))
    return (parts for parts in paths if not is_hidden(parts[-1]))
