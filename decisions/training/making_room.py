"""Which of our old files go when the account has no room for new ones."""

import re
from collections.abc import Sequence, Set
from datetime import UTC, datetime

from data_contracts.training import UploadedFile

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def is_ours(name: str, loop: str) -> bool:
    """Whether a file of that *name* was uploaded for *loop*, and not for one whose name only begins like it."""
    return re.fullmatch(rf"kaizen-{re.escape(loop)}-(train|validation)-[0-9a-f]{{16}}\.jsonl", name) is not None


def files_to_delete(
    files: Sequence[UploadedFile], loop: str, keep: Set[str], count: int, size: int
) -> tuple[UploadedFile, ...]:
    """The oldest of the loop's own *files* that make room for *count* files and *size* bytes; none if all are too few.

    What *keep* names, by id or name, stays.
    """
    ours = [each for each in files if is_ours(each.name, loop) and not {each.id, each.name} & keep]
    chosen: list[UploadedFile] = []
    for each in sorted(ours, key=lambda file: (file.created_at or LONG_AGO, file.id)):
        if len(chosen) >= count and sum(file.bytes for file in chosen) >= size:
            break
        chosen.append(each)
    enough = len(chosen) >= count and sum(file.bytes for file in chosen) >= size
    return tuple(chosen) if enough else ()
