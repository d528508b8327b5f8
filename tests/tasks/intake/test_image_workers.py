"""Facts from other processes: the same as here, in order, whatever a file does to its reader."""

import hashlib
import io
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decisions.imaging.images import image_facts
from tasks.intake.image_workers import LARGEST_FILE, HeaderFile, ImageFile, ImageWorkers

NASTY = os.environ.get("KAIZEN_TEST_NASTY")
PATIENCE = 30


@pytest.fixture(scope="module")
def workers() -> Iterator[ImageWorkers]:
    started = ImageWorkers(2)
    yield started
    started.close()


def saved(size: tuple[int, int], seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(out, "PNG", compress_level=1)
    return out.getvalue()


def children() -> set[int]:
    """Return the image workers that this process has now."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, command in lines if "tasks.intake.image_worker" in command}


def test_facts_are_those_of_this_process_in_the_order_of_the_files(workers: ImageWorkers) -> None:
    files = [ImageFile(f"crazing/{number}.png", saved((64, 48), number)) for number in range(30)]

    assert list(workers.facts(files)) == [image_facts(each.content, each.file) for each in files]


def test_files_are_read_as_they_are_needed(workers: ImageWorkers) -> None:
    taken: list[int] = []

    def files() -> Iterator[ImageFile]:
        for number in range(200):
            taken.append(number)
            yield ImageFile(f"{number}.png", saved((16, 16), number))

    answers = workers.facts(files())
    next(answers)

    assert len(taken) < 60
    assert sum(1 for _ in answers) == 199


def test_a_file_that_is_no_photograph_for_its_size_is_not_read_into_memory(
    workers: ImageWorkers, tmp_path: Path
) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as out:
        out.truncate(LARGEST_FILE + 3)
    with path.open("rb") as stream:
        (facts,) = workers.facts([ImageFile.read("film.jpg", stream)])

    assert facts.problem == "the file has 50,000,003 bytes; more than 50,000,000 are no photograph"
    assert facts.digest == hashlib.sha256(bytes(LARGEST_FILE + 3)).hexdigest()


def test_an_image_that_needs_too_much_memory_is_refused_and_the_next_is_read(workers: ImageWorkers) -> None:
    large, small = ImageFile("large.png", saved((7_000, 7_000))), ImageFile("small.png", saved((64, 64)))
    refused, read = workers.facts([large, small])

    assert "memory" in str(refused.problem)
    assert read == image_facts(small.content, "small.png")


def test_an_image_that_takes_too_long_is_refused() -> None:
    hasty = ImageWorkers(1, seconds=0.01)
    try:
        slow = ImageFile("slow.png", saved((4_000, 4_000)))
        refused = next(iter(hasty.facts([slow])))
    finally:
        hasty.close()

    assert refused.problem == "reading the image takes more than 0.01 seconds"
    assert (refused.bytes, len(refused.digest)) == (len(slow.content), 64)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the list of processes as Linux gives it")
def test_a_worker_that_dies_is_replaced_and_the_files_that_it_had_are_read_again() -> None:
    single = ImageWorkers(1)
    try:
        before = children()
        file = ImageFile("a.png", saved((64, 64)))
        list(single.facts([file]))
        (worker,) = children() - before
        os.kill(worker, signal.SIGSEGV)
        found = list(single.facts([file, file]))
    finally:
        single.close()

    assert found == [image_facts(file.content, "a.png")] * 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the list of processes as Linux gives it")
def test_closing_ends_every_process() -> None:
    before = children()
    some = ImageWorkers(2)
    list(some.facts([ImageFile(f"{number}.png", saved((64, 64))) for number in range(8)]))
    some.close()
    deadline = time.monotonic() + PATIENCE
    while children() - before and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not children() - before


@pytest.mark.skipif(not NASTY, reason="set KAIZEN_TEST_NASTY to a folder of broken and odd images to try them all")
def test_every_hostile_file_gets_the_facts_that_it_gets_alone(workers: ImageWorkers) -> None:
    files = [ImageFile(path.name, path.read_bytes()) for path in sorted(Path(str(NASTY)).iterdir())]

    assert list(workers.facts(files)) == [image_facts(each.content, each.file) for each in files]


@pytest.mark.skipif(not NASTY, reason="set KAIZEN_TEST_NASTY to a folder of broken and odd images to try them all")
def test_every_hostile_header_gets_an_answer(workers: ImageWorkers) -> None:
    paths = sorted(Path(str(NASTY)).iterdir())

    headers = list(workers.headers(HeaderFile(path.name, path) for path in paths))

    assert [(each.file, each.bytes) for each in headers] == [(path.name, path.stat().st_size) for path in paths]
    assert all(each.problem or each.width for each in headers)


def test_a_file_that_is_gone_has_no_header(workers: ImageWorkers, tmp_path: Path) -> None:
    (header,) = workers.headers([HeaderFile("a.jpg", tmp_path / "a.jpg")])

    assert header.problem == "the file cannot be opened: No such file or directory"


def test_a_name_that_is_no_text_is_kept(workers: ImageWorkers) -> None:
    (facts,) = workers.facts([ImageFile("crazing/\udcff.png", saved((16, 16)))])

    assert (facts.file, facts.problem) == ("crazing/\udcff.png", None)


def test_a_photograph_of_24_megapixels_held_sideways_is_read(workers: ImageWorkers) -> None:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (6_000, 4_000), (90, 90, 90)).save(out, "JPEG", exif=exif)

    (facts,) = workers.facts([ImageFile("a.jpg", out.getvalue())])

    assert (facts.problem, facts.width, facts.height) == (None, 4_000, 6_000)


def test_a_file_that_kills_its_reader_costs_none_of_those_that_were_sent_with_it() -> None:
    single = ImageWorkers(1)
    small = [ImageFile(f"{number}.png", saved((16, 16), number)) for number in range(6)]
    deadly = ImageFile("deadly.png", saved((7_000, 7_000)))
    try:
        found = list(single.facts([*small[:3], deadly, *small[3:]]))
    finally:
        single.close()

    assert [facts.file for facts in found if facts.problem] == ["deadly.png"]
    assert [facts for facts in found if not facts.problem] == [image_facts(s.content, s.file) for s in small]
