"""Facts of many images, worked out in processes of their own with bounded memory and time."""

import atexit
import hashlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from select import select
from typing import IO, TypeVar

from data_contracts.images import ImageFacts, ImageHeader
from tasks.intake.image_worker import FACTS, HEADER, LENGTH, MEMORY, write_message

R = TypeVar("R")
SECONDS = 10.0
"""That one image may take."""
GRACE_SECONDS = 2.0
BATCH, BATCH_BYTES = 8, 1_000_000
"""Images that go to a worker together, and bytes after which no more join them: so it need not wait for each."""
LARGEST_FILE = 50_000_000
"""Bytes of a file that are read; a larger one is no photograph that a service would take."""
TOO_SLOW = "reading the image takes more than {:g} seconds"
AHEAD = 2
"""Batches for each worker that are read before they are asked for."""


@dataclass(frozen=True)
class ImageFile:
    """One file of a batch: its path there, its bytes, and why they were not read if they could not be."""

    file: str
    content: bytes
    not_read: ImageFacts | None = None

    @classmethod
    def read(cls, file: str, stream: IO[bytes]) -> "ImageFile":
        """The *file* that *stream* holds, never more of it in memory than LARGEST_FILE."""
        content = stream.read(LARGEST_FILE + 1)
        if len(content) <= LARGEST_FILE:
            return cls(file, content)
        digest, size = hashlib.sha256(content), len(content)
        while more := stream.read(1 << 20):
            digest.update(more)
            size += len(more)
        problem = f"the file has {size:,} bytes; more than {LARGEST_FILE:,} are no photograph"
        return cls(file, b"", ImageFacts(file=file, bytes=size, digest=digest.hexdigest(), problem=problem))

    @classmethod
    def of(cls, folder: Path, file: str) -> "ImageFile":
        """The *file* in *folder*; one that cannot be opened has that as its problem."""
        try:
            with (folder / file).open("rb") as stream:
                return cls.read(file, stream)
        except OSError as error:
            problem = f"the file cannot be read: {error.strerror}"
            return cls(file, b"", ImageFacts(file=file, bytes=0, digest="", problem=problem))

    @property
    def request(self) -> bytes:
        """What a worker needs of it."""
        return self.content


@dataclass(frozen=True)
class HeaderFile:
    """One file of a batch of which only the header is read, at an absolute path."""

    file: str
    path: Path

    @property
    def request(self) -> bytes:
        """What a worker needs of it."""
        return os.fsencode(self.path)


F = TypeVar("F", ImageFile, HeaderFile)


class ImageWorkers:
    """So many processes; each examines one image at a time, and is replaced when one is too much for it."""

    def __init__(self, processes: int, *, seconds: float = SECONDS) -> None:
        self._processes = processes
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="images")
        for _ in range(processes):
            self._idle.put(_Worker())

    def facts(self, files: Iterable[ImageFile]) -> Iterator[ImageFacts]:
        """The facts of *files* in their order; a file that takes too much time or memory has a problem instead.

        Files are taken from the iterable as they are needed, so that a batch larger than memory streams.
        """
        return self._ahead(FACTS, _facts, files)

    def headers(self, files: Iterable[HeaderFile]) -> Iterator[ImageHeader]:
        """What the headers of *files* say, in their order; pixels are not looked at, digests not worked out."""
        return self._ahead(HEADER, _header, files)

    def _ahead(self, kind: bytes, told: Callable[[F, bytes | str], R], files: Iterable[F]) -> Iterator[R]:
        waiting: deque[Future[list[R]]] = deque()
        for batch in _batches(files):
            waiting.append(self._threads.submit(self._look, kind, told, batch))
            if len(waiting) > AHEAD * self._processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().end()

    def _look(self, kind: bytes, told: Callable[[F, bytes | str], R], files: list[F]) -> list[R]:
        worker = self._idle.get()
        try:
            answers = worker.ask_all(kind, [file.request for file in files], self._seconds)
        finally:
            self._idle.put(worker)
        return [told(file, answer) for file, answer in zip(files, answers, strict=True)]


@lru_cache(maxsize=1)
def shared_workers() -> ImageWorkers:
    """The workers of this process, one for each processor, started at first use and ended with it."""
    workers = ImageWorkers(max(1, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 2)
    atexit.register(workers.close)
    return workers


class _Worker:
    """One process, started when it is first asked and again after it was lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask_all(self, kind: bytes, contents: list[bytes], seconds: float) -> list[bytes | str]:
        """For each of *contents* the facts as JSON, or why there are none; each may take so many *seconds*.

        The one at which the process was lost is asked again alone, unless it was too slow: others that were sent
        with it, or the process itself, may be to blame.
        """
        answers: list[bytes | str] = []
        while len(answers) < len(contents):
            found, slow = self._asked(kind, contents[len(answers) :], seconds)
            answers += found
            if len(answers) < len(contents):
                answers.append(TOO_SLOW.format(seconds) if slow else self._ask(kind, contents[len(answers)], seconds))
        return answers

    def _ask(self, kind: bytes, content: bytes, seconds: float) -> bytes | str:
        answers, slow = self._asked(kind, [content], seconds)
        if answers:
            return answers[0]
        if slow:
            return TOO_SLOW.format(seconds)
        return f"reading the image crashes the reader or takes more than {MEMORY // 2**20} MB of memory"

    def _asked(self, kind: bytes, contents: list[bytes], seconds: float) -> tuple[list[bytes], bool]:
        """The answers that came before the process was lost, and whether it was killed for being slow."""
        process = self._process = self._process or _start()
        sender = threading.Thread(target=_send, args=(process, kind, contents), daemon=True)
        sender.start()
        answers: list[bytes] = []
        slow = False
        try:
            while len(answers) < len(contents) and (answer := _answer(process, seconds)) is not None:
                answers.append(answer)
        except TimeoutError:
            slow = True
        lost = len(answers) < len(contents)
        if lost:
            process.kill()  # else the sender might wait for ever
        sender.join()
        if lost:
            self.end()
        return answers, slow

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            _end(self._process)
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(path for path in (root, os.environ.get("PYTHONPATH")) if path)
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.intake.image_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


def _send(process: subprocess.Popen[bytes], kind: bytes, contents: list[bytes]) -> None:
    """Send all *contents*; in a thread, for the pipe may be full while the process is at work."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError, ValueError):  # ValueError: closed, for the process is lost
        for content in contents:
            process.stdin.write(kind)
            write_message(process.stdin, content)


def _answer(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """The next answer, None when the process is lost; raises TimeoutError when it takes more than *seconds*."""
    deadline = time.monotonic() + seconds
    head = _read(process, LENGTH.size, deadline)
    return _read(process, LENGTH.unpack(head)[0], deadline) if head is not None else None


def _read(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes | None:
    """So many bytes; the pipe is read without a buffer, or waiting for it would miss what is in there."""
    assert process.stdout is not None
    found = b""
    while len(found) < size:
        ready, _, _ = select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        more = os.read(process.stdout.fileno(), size - len(found))
        if not more:
            return None
        found += more
    return found


def _batches(files: Iterable[F]) -> Iterator[list[F]]:
    batch: list[F] = []
    for file in files:
        batch.append(file)
        if len(batch) == BATCH or sum(len(each.request) for each in batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _facts(file: ImageFile, answer: bytes | str) -> ImageFacts:
    if file.not_read is not None:
        return file.not_read
    if isinstance(answer, bytes):
        facts = ImageFacts.model_validate_json(answer)
        return facts.model_copy(update={"file": file.file})
    digest = hashlib.sha256(file.content).hexdigest()
    return ImageFacts(file=file.file, bytes=len(file.content), digest=digest, problem=answer)


def _header(file: HeaderFile, answer: bytes | str) -> ImageHeader:
    if isinstance(answer, bytes):
        header = ImageHeader.model_validate_json(answer)
        return header.model_copy(update={"file": file.file})
    return ImageHeader(file=file.file, bytes=0, problem=answer)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
