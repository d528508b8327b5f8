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
from typing import IO, TypeVar

from data_contracts.images import ImageFacts, ImageHeader
from tasks.image_worker import FACTS, HEADER, MEMORY, read_message, write_message

F = TypeVar("F")
R = TypeVar("R")
SECONDS = 10.0
"""That one image may take."""
GRACE_SECONDS = 2.0
AHEAD = 4
"""Images for each worker that are read before they are asked for."""
LARGEST_FILE = 50_000_000
"""Bytes of a file that are read; a larger one is no photograph that a service would take."""


@dataclass(frozen=True)
class ImageFile:
    """One file of a batch: its path there, its bytes, and why they were not read if they are too many."""

    file: str
    content: bytes
    too_large: ImageFacts | None = None

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


@dataclass(frozen=True)
class HeaderFile:
    """One file of a batch of which only the header is read, at an absolute path."""

    file: str
    path: Path


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
        return self._ahead(self._examine, files)

    def headers(self, files: Iterable[HeaderFile]) -> Iterator[ImageHeader]:
        """What the headers of *files* say, in their order; pixels are not looked at, digests not worked out."""
        return self._ahead(self._read_header, files)

    def _ahead(self, look: Callable[[F], R], files: Iterable[F]) -> Iterator[R]:
        waiting: deque[Future[R]] = deque()
        for file in files:
            waiting.append(self._threads.submit(look, file))
            if len(waiting) > AHEAD * self._processes:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().end()

    def _examine(self, file: ImageFile) -> ImageFacts:
        if file.too_large is not None:
            return file.too_large
        answer = self._answer(FACTS, file.content)
        if isinstance(answer, bytes):
            facts = ImageFacts.model_validate_json(answer)
            return facts.model_copy(update={"file": file.file})
        digest = hashlib.sha256(file.content).hexdigest()
        return ImageFacts(file=file.file, bytes=len(file.content), digest=digest, problem=answer)

    def _read_header(self, file: HeaderFile) -> ImageHeader:
        answer = self._answer(HEADER, os.fsencode(file.path))
        if isinstance(answer, bytes):
            header = ImageHeader.model_validate_json(answer)
            return header.model_copy(update={"file": file.file})
        return ImageHeader(file=file.file, bytes=0, problem=answer)

    def _answer(self, kind: bytes, content: bytes) -> bytes | str:
        worker = self._idle.get()
        try:
            return worker.ask(kind, content, self._seconds)
        finally:
            self._idle.put(worker)


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

    def ask(self, kind: bytes, content: bytes, seconds: float) -> bytes | str:
        """The facts as JSON, or why there are none."""
        process = self._process = self._process or _start()
        began = time.monotonic()
        alarm = threading.Timer(seconds, process.kill)
        alarm.start()
        try:
            answer = _asked(process, kind, content)
        finally:
            alarm.cancel()
        if answer is not None:
            return answer
        self.end()
        if time.monotonic() - began >= seconds:
            return f"reading the image takes more than {seconds:g} seconds"
        return f"reading the image crashes the reader or takes more than {MEMORY // 2**20} MB of memory"

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            _end(self._process)
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(path for path in (root, os.environ.get("PYTHONPATH")) if path)
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.image_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


def _asked(process: subprocess.Popen[bytes], kind: bytes, content: bytes) -> bytes | None:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(kind)
        write_message(process.stdin, content)
        return read_message(process.stdout)
    except (BrokenPipeError, ConnectionResetError):
        return None


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
