"""Which of our old files go when the account is full."""

from datetime import UTC, datetime

from data_contracts.training import UploadedFile
from decisions.training.making_room import files_to_delete, is_ours


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


def test_the_oldest_go_first_and_no_more_than_needed() -> None:
    assert files_to_delete(FILES, "steel", frozenset(), 2, 0) == (file(1), file(2))


def test_bytes_are_made_room_for_as_well_as_files() -> None:
    assert files_to_delete(FILES, "steel", frozenset(), 1, 25) == (file(1), file(2), file(3))


def test_what_the_open_iteration_uses_stays_by_id_and_by_name() -> None:
    keep = {"file-1", f"kaizen-steel-train-{2:016x}.jsonl"}

    assert files_to_delete(FILES, "steel", keep, 1, 0) == (file(3),)


def test_nothing_is_deleted_where_all_our_files_would_not_be_enough() -> None:
    assert files_to_delete(FILES, "steel", frozenset(), 4, 0) == ()


def test_files_of_others_and_of_loops_with_a_similar_name_are_not_ours() -> None:
    assert is_ours(f"kaizen-steel-validation-{1:016x}.jsonl", "steel")
    assert not is_ours(f"kaizen-steel-2-train-{1:016x}.jsonl", "steel")
    assert not is_ours("training.jsonl", "steel")
