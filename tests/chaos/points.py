"""Where a run can be killed: every request to Azure's services and every write of the store, numbered and named.

Nothing of the product is changed for it: what sends and what writes is wrapped from outside, in the process that is
to die.
"""

import functools
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

NOT_AZURE = ("/emulator/", "/identity/")
IDS = (
    (re.compile(r"(file|ftjob|chatcmpl|resp|ftchkpt|upload|op)-[0-9A-Za-z]+"), r"\1-ID"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b"), "UUID"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "DIGEST"),
    (re.compile(r"/[0-9a-f]{2}/DIGEST"), "/DIGEST"),
)
WRITES = ("put", "create", "replace", "delete")


class Strike(BaseModel):
    """Where to kill the process: at the *occurrence*-th time that *point* is reached in the run."""

    point: str
    occurrence: int = 1


@dataclass
class Points:
    """Counts the points that a process reaches, writes them down, and kills it where *strike* says so."""

    log: Path
    strike: Strike | None = None
    passed: Callable[[str], None] | None = None
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, point: str) -> None:
        """Come to *point*; does not return when it is the one to be killed at."""
        with self._lock:
            self._counts[point] += 1
            self.note(point)
            if self.strike == Strike(point=point, occurrence=self._counts[point]):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.passed is not None:
                self.passed(point)

    def note(self, line: str) -> None:
        """Write *line* down."""
        with self.log.open("a") as log:
            log.write(f"{line}\n")

    def around(self, name: str, work: Callable[[], Any]) -> Any:
        """Do *work* with a point before and one after."""
        self.reach(f"before {name}")
        result = work()
        self.reach(f"after {name}")
        return result


def nameless(text: str) -> str:
    """*text* with random and content-made ids replaced, so that the same point has the same name in every run."""
    for pattern, name in IDS:
        text = pattern.sub(name, text)
    return text


def watch(points: Points, address: str) -> None:
    """Wrap all that talks to the services at *address* and all that writes into a folder store, for good."""
    _watch_openai(points, address)
    _watch_management(points, address)
    _watch_store(points)


def _watch_openai(points: Points, address: str) -> None:
    import httpx2

    send = httpx2.HTTPTransport.handle_request

    def handle_request(self: Any, request: Any) -> Any:
        name = _remote(request.method, str(request.url), address)
        return points.around(name, lambda: send(self, request)) if name else send(self, request)

    setattr(httpx2.HTTPTransport, "handle_request", handle_request)  # noqa: B010  (mypy refuses the assignment)


def _watch_management(points: Points, address: str) -> None:
    from azure.core.pipeline.transport import RequestsTransport

    send = RequestsTransport.send

    def sending(self: Any, request: Any, **options: Any) -> Any:
        name = _remote(request.method, request.url, address)
        if not name:
            return send(self, request, **options)
        return points.around(name, lambda: send(self, request, **options))

    setattr(RequestsTransport, "send", sending)  # noqa: B010


def _remote(method: str, url: str, address: str) -> str | None:
    if not url.startswith(address):
        return None
    path = urlsplit(url).path
    return None if path.startswith(NOT_AZURE) else nameless(f"{method} {path}")


def _watch_store(points: Points) -> None:
    from cloud.folder_store import FolderStore

    writing = threading.local()
    for name in WRITES:
        setattr(FolderStore, name, _watched(points, writing, name, getattr(FolderStore, name)))
    fsync = os.fsync

    def fsync_watched(descriptor: int) -> None:
        inside = getattr(writing, "inside", None)
        if inside:
            points.reach(f"during {inside}")
        fsync(descriptor)

    setattr(os, "fsync", fsync_watched)  # noqa: B010


def _watched(points: Points, writing: threading.local, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(write)
    def watched(self: Any, path: str, *rest: Any) -> Any:
        point = nameless(f"{name} {path}")

        def work() -> Any:
            with _inside(writing, point):
                return write(self, path, *rest)

        return points.around(point, work)

    return watched


@contextmanager
def _inside(writing: threading.local, point: str) -> Iterator[None]:
    before = getattr(writing, "inside", None)
    writing.inside = point
    try:
        yield
    finally:
        writing.inside = before
