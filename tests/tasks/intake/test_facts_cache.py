"""Facts remembered from an earlier check: the same as fresh ones, and only while the file is the same."""

import io
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from data_contracts.images import ImageFacts
from decisions.imaging.images import image_facts
from tasks.intake.facts_cache import cache_file, facts_of_folder
from tasks.intake.image_workers import LARGEST_FILE, ImageWorkers

LONG_AGO = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def workers() -> Iterator[ImageWorkers]:
    started = ImageWorkers(1)
    yield started
    started.close()


@pytest.fixture
def folder(tmp_path: Path, workers: ImageWorkers) -> Path:
    """Three images, changed last long ago, that were checked before."""
    images = tmp_path / "images"
    images.mkdir()
    for shade in (10, 20, 30):
        write(images / f"{shade}.png", shade)
    checked(images, workers)
    return images


def write(path: Path, shade: int, moment: int = LONG_AGO) -> None:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, shade, shade)).save(out, "PNG")
    path.write_bytes(out.getvalue())
    os.utime(path, ns=(moment, moment))


def checked(folder: Path, workers: ImageWorkers | None) -> list[ImageFacts]:
    """The facts of the folder; without *workers*, none may be wanted."""

    def wanted() -> ImageWorkers:
        assert workers is not None, "a file is examined again"
        return workers

    files = sorted(path.name for path in folder.iterdir())
    return facts_of_folder(folder, files, wanted, folder.parent / "cache" / "facts.sqlite")


def fresh(folder: Path) -> list[ImageFacts]:
    return [image_facts(path.read_bytes(), path.name) for path in sorted(folder.iterdir())]


def test_unchanged_files_are_not_examined_again(folder: Path) -> None:
    assert checked(folder, None) == fresh(folder)


def test_a_file_of_the_same_size_and_time_but_other_bytes_is_examined_again(
    folder: Path, workers: ImageWorkers
) -> None:
    path = folder / "10.png"
    before = path.stat().st_size
    write(path, 11)

    assert path.stat().st_size == before
    assert checked(folder, workers) == fresh(folder)


def test_only_new_files_are_examined_and_all_come_in_order(folder: Path, workers: ImageWorkers) -> None:
    write(folder / "15.png", 15)

    assert checked(folder, workers) == fresh(folder)
    assert checked(folder, None) == fresh(folder)


def test_a_file_that_just_changed_is_not_remembered_yet(folder: Path, workers: ImageWorkers) -> None:
    write(folder / "15.png", 15, time.time_ns())
    checked(folder, workers)

    with pytest.raises(AssertionError, match="examined again"):
        checked(folder, None)


def test_a_file_that_could_not_be_read_is_tried_again(folder: Path, workers: ImageWorkers) -> None:
    (folder / "text.png").write_bytes(b"hello")
    os.utime(folder / "text.png", ns=(LONG_AGO, LONG_AGO))
    checked(folder, workers)

    with pytest.raises(AssertionError, match="examined again"):
        checked(folder, None)


@pytest.mark.skipif(os.name != "posix", reason="names that are no UTF-8 exist where names are bytes")
def test_a_name_that_is_no_text_is_remembered_too(folder: Path, workers: ImageWorkers) -> None:
    write(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")), 40)

    assert checked(folder, workers) == checked(folder, None) == fresh(folder)


def test_a_damaged_cache_is_made_anew(folder: Path, workers: ImageWorkers) -> None:
    (folder.parent / "cache" / "facts.sqlite").write_bytes(b"no database" * 1000)

    assert checked(folder, workers) == fresh(folder)
    assert checked(folder, None) == fresh(folder)


def test_a_cache_that_cannot_be_written_stops_nothing(folder: Path, workers: ImageWorkers) -> None:
    nowhere = folder / "10.png" / "facts.sqlite"

    assert len(facts_of_folder(folder, ["10.png"], lambda: workers, nowhere)) == 1


def test_facts_of_another_version_are_worked_out_anew(folder: Path) -> None:
    with closing(sqlite3.connect(folder.parent / "cache" / "facts.sqlite")) as database, database:
        database.execute("update facts set version = 'earlier'")

    with pytest.raises(AssertionError, match="examined again"):
        checked(folder, None)


def test_the_cache_lies_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_file() == tmp_path / "kaizen" / "image-facts.sqlite"


def test_a_file_larger_than_any_photograph_is_not_read_into_memory(folder: Path, workers: ImageWorkers) -> None:
    with (folder / "25.png").open("wb") as huge:
        huge.truncate(LARGEST_FILE + 1)
    found = {facts.file: facts.problem for facts in checked(folder, workers)}

    assert found.pop("25.png") == "the file has 50,000,001 bytes; more than 50,000,000 are no photograph"
    assert set(found.values()) == {None}


def test_a_file_that_is_gone_when_its_turn_comes_stops_nothing(folder: Path, workers: ImageWorkers) -> None:
    gone, sound = facts_of_folder(folder, ["gone.png", "10.png"], lambda: workers, None)

    assert (gone.problem, sound.problem) == ("the file cannot be read: No such file or directory", None)
