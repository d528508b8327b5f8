"""Which of our old files go when the account has no room for new ones."""

from collections.abc import Sequence, Set
from datetime import UTC, datetime

from data_contracts.training import UploadedFile

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def files_to_delete(
    files: Sequence[UploadedFile], ours: Set[str], keep: Set[str], count: int, size: int
) -> tuple[UploadedFile, ...]:
    """The oldest of the *files* that make room for *count* files and *size* bytes; none if all are too few.

    Only those whose id is in *ours* can go; what *keep* names, by id or name, stays.
    """
    old = [each for each in files if each.id in ours and not {each.id, each.name} & keep]
    chosen: list[UploadedFile] = []
    for each in sorted(old, key=lambda file: (file.created_at or LONG_AGO, file.id)):
        if len(chosen) >= count and sum(file.bytes for file in chosen) >= size:
            break
        chosen.append(each)
    enough = len(chosen) >= count and sum(file.bytes for file in chosen) >= size
    return tuple(chosen) if enough else ()
