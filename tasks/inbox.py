"""The inbox of a loop: which batches wait there, their files, and their labels sheets."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prefect import task

from cloud.store import INBOX
from data_contracts.label_sheet import LabelSheet, read_sheet, sheet_among
from decisions.file_names import is_text
from tasks.image_workers import ImageFile
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY

SHARD = 200
CORRECTIONS = "corrections"


@task(**PATIENTLY)
def find_batches(folder: str) -> list[str]:
    """The batches of the inbox that the ledger does not know yet, by name."""
    loop = connect(folder)
    return sorted(_counts(loop).keys() - {batch.batch for batch in loop.state().batches})


@task(**PATIENTLY)
def list_shards(folder: str, batch: str) -> list[list[str]]:
    """The files of a batch without its labels sheet, in shards of hundreds.

    Raises WrongInput when there are two labels sheets, or one that cannot be read.
    """
    files = batch_files(loop := connect(folder), batch)
    sheet = sheet_among(files)
    images = [file for file in files if file != sheet and is_text(file)]
    read_labels(loop, batch, files)  # a sheet that cannot be read is told before all images are examined
    return [images[start : start + SHARD] for start in range(0, len(images), SHARD)]


def late_files(loop: Loop) -> Mapping[str, int]:
    """How many files came into batches of the inbox after these had been taken, by batch; nobody looks at them."""
    counts = _counts(loop)
    late = {batch.batch: counts[batch.batch] - batch.files for batch in loop.state().batches if batch.files is not None}
    return {batch: count for batch, count in late.items() if count > 0}


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
    return read_sheet(content, name=f"{batch}/{name}", group_column=loop.contract.group_column)


def inbox_path(loop: Loop, batch: str, file: str = "") -> str:
    """Where a *file* of a batch is stored."""
    return f"{INBOX}/{loop.name}/{batch}/{file}"


def _counts(loop: Loop) -> Counter[str]:
    return Counter(parts[0] for parts in _paths(loop) if len(parts) > 1 and parts[0] != CORRECTIONS)


def _paths(loop: Loop) -> Iterator[list[str]]:
    """The parts of each path in the inbox; a hidden file makes no batch."""
    paths = (path.split("/")[2:] for path in loop.store.list(f"{INBOX}/{loop.name}/"))
    return (parts for parts in paths if not parts[-1].startswith("."))
