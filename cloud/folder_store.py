"""The store in a folder: the embedded default."""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cloud.clock import system_time
from cloud.store import NotFound, Stored, split_path

TEMPORARY = ".tmp-"
LOCK = ".replace.lock"
ABANDONED = 3600.0
"""Seconds after which nobody writes a temporary file any more."""


class FolderStore:
    """Files below *root*; every write is a temporary file, fsync, link or rename, fsync of the folder."""

    def __init__(self, root: Path) -> None:
        """Use *root*, which is made at the first write."""
        self.root = root

    def get(self, path: str) -> Stored:
        """See Store.get; the tag is the SHA-256 of the bytes."""
        try:
            content = self._place(path).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(path) from None
        return Stored(content, _tag(content))

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """See Store.open."""
        try:
            stream = self._place(path).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(path) from None
        with stream:
            yield stream

    def put(self, path: str, content: bytes | IO[bytes]) -> None:
        """See Store.put."""
        place = self._place(path)
        with _written(place, content) as temporary:
            temporary.replace(place)
        _sync_folder(place.parent)

    def create(self, path: str, content: bytes) -> bool:
        """See Store.create; link(2) refuses an existing name and never shows half a file."""
        place = self._place(path)
        with _written(place, content) as temporary:
            try:
                place.hardlink_to(temporary)
            except FileExistsError:
                return False
        _sync_folder(place.parent)
        return True

    def replace(self, path: str, content: bytes, tag: str) -> str | None:
        """See Store.replace; the comparison and the write happen under a lock that dies with its holder."""
        place = self._place(path)
        with self._locked(place.parent):
            try:
                if _tag(place.read_bytes()) != tag:
                    return None
            except FileNotFoundError:
                return None
            self.put(path, content)
        return _tag(content)

    def list(self, prefix: str) -> Iterator[str]:
        """See Store.list."""
        top = self.root.joinpath(*prefix.split("/")[:-1])
        found = (each for each in top.rglob("*") if not each.name.startswith((TEMPORARY, LOCK)))
        paths = sorted(each.relative_to(self.root).as_posix() for each in found if each.is_file())
        yield from (path for path in paths if path.startswith(prefix))

    def address(self, path: str) -> str:
        """See Store.address; the folder is on this machine."""
        return self._place(path).resolve().as_uri()

    def delete(self, path: str) -> None:
        """See Store.delete; what killed writers left beside it goes too, for it may hold the same bytes."""
        place = self._place(path)
        place.unlink(missing_ok=True)
        if place.parent.exists():
            _delete_abandoned(place.parent)
            _sync_folder(place.parent)

    def _place(self, path: str) -> Path:
        area, name = split_path(path)
        return self.root.joinpath(area, *name.split("/"))

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _written(place: Path, content: bytes | IO[bytes]) -> Iterator[Path]:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                shutil.copyfileobj(content, stream, 1 << 20)
            stream.flush()
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _delete_abandoned(folder: Path) -> None:
    now = system_time().timestamp()
    for each in folder.glob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):
            if now - each.stat().st_mtime > ABANDONED:
                each.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
