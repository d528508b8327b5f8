"""Which of our old files go when the account is full."""

from datetime import UTC, datetime

from data_contracts.training import UploadedFile
from decisions.training.making_room import files_to_delete


def file(day: int, name: str = "", size: int = 10) -> UploadedFile:
    """A file of that day; ours unless it has a name."""
    return UploadedFile(
        id=f"file-{day}",
        name=name or f"kaizen-steel-train-{day:016x}.jsonl",
        bytes=size,
        usable=True,
        created_at=datetime(2026, 11, day, tzinfo=UTC),
    )


FILES = [file(3), file(1), file(2)]
OURS = frozenset({"file-1", "file-2", "file-3"})


def test_the_oldest_go_first_and_no_more_than_needed() -> None:
    assert files_to_delete(FILES, OURS, frozenset(), 2, 0) == (file(1), file(2))


def test_bytes_are_made_room_for_as_well_as_files() -> None:
    assert files_to_delete(FILES, OURS, frozenset(), 1, 25) == (file(1), file(2), file(3))


def test_what_the_open_iteration_uses_stays_by_id_and_by_name() -> None:
    keep = {"file-1", f"kaizen-steel-train-{2:016x}.jsonl"}

    assert files_to_delete(FILES, OURS, keep, 1, 0) == (file(3),)


def test_nothing_is_deleted_where_all_our_files_would_not_be_enough() -> None:
    assert files_to_delete(FILES, OURS, frozenset(), 4, 0) == ()


def test_files_that_the_ledger_does_not_name_stay_whatever_they_are_called() -> None:
    assert files_to_delete([file(1), file(2)], {"file-2"}, frozenset(), 1, 0) == (file(2),)
