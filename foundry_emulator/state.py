"""What the emulator knows, in one SQLite file that survives being killed, and the folders beside it."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

LAYOUT = 3
_OUR_FOLDERS = ("batches", "files", "uploads", "weights")
_SCHEMA = """
create table if not exists secrets (name text primary key, value blob not null);
create table if not exists settings (name text primary key, value text not null);
"""


class StateUnusable(Exception):
    """The state folder cannot be used; the message says why in one line."""


class State:
    """One open state folder: the database, and where files and weights lie."""

    def __init__(self, folder: Path) -> None:
        """Open *folder*, creating it if needed; StateUnusable if it cannot be written or is in use."""
        self.folder = folder
        self.files = folder / "files"
        self.weights = folder / "weights"
        self._threads = threading.RLock()
        try:
            _check_is_ours(folder)
            folder.mkdir(parents=True, exist_ok=True)
            self._claim = _claim(folder)
            for path in (self.files, self.weights):
                path.mkdir(exist_ok=True)
            self._database = _connect(folder / "state.sqlite")
        except (OSError, sqlite3.Error) as problem:
            raise StateUnusable(f"cannot use the state folder {folder}: {problem}") from problem

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the database; what was done is on disk when the block ends, or undone if it raised.

        A transaction inside another is part of it.
        """
        with self._threads:
            if self._database.in_transaction:
                yield self._database
                return
            self._database.execute("begin immediate")
            try:
                yield self._database
                self._database.execute("commit")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have rolled it back already
                    self._database.execute("rollback")
                raise

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a reading query."""
        with self._threads:
            return self._database.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a reading query, None if there is none."""
        with self._threads:
            found: sqlite3.Row | None = self._database.execute(query, values).fetchone()
            return found

    def define(self, schema: str) -> None:
        """Create the tables of one service, unless they are there; each service knows its own."""
        with self._threads:
            self._database.executescript(schema)

    def setting(self, name: str) -> str | None:
        """Return what was kept under *name*, None if nothing was."""
        row = self.row("select value from settings where name = ?", name)
        return str(row["value"]) if row else None

    def keep_setting(self, name: str, value: str) -> None:
        """Keep *value* under *name*, in the place of what was there."""
        with self.transaction() as database:
            database.execute("insert or replace into settings values (?, ?)", (name, value))

    def secret(self, name: str) -> bytes:
        """Return a random secret of 32 bytes, made at first use and kept."""
        with self.transaction() as database:
            database.execute("insert or ignore into secrets values (?, ?)", (name, os.urandom(32)))
        found = self.row("select value from secrets where name = ?", name)
        if found is None:
            raise StateUnusable(f"the secret {name} could not be kept")
        return bytes(found["value"])

    def close(self) -> None:
        """Close the database and let go of the folder."""
        with self._threads:
            self._database.close()
            self._claim.close()


def _claim(folder: Path) -> IO[bytes]:
    claim = (folder / "lock").open("ab")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        claim.close()
        raise StateUnusable(f"the state folder {folder} is in use by another emulator") from problem
    return claim


def _check_is_ours(folder: Path) -> None:
    """Return unless *folder* has things of someone else where ours are to lie: unknown bytes are swept away there."""
    if (folder / "state.sqlite").exists():
        return
    for path in (folder / name for name in _OUR_FOLDERS):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise StateUnusable(
                f"the state folder {folder} holds {path.name}, and not the emulator's; name a folder of its own"
            )


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    layout = database.execute("pragma user_version").fetchone()[0]
    if layout not in (LAYOUT, 0) or (layout == 0 and database.execute("select 1 from sqlite_master").fetchone()):
        database.close()
        raise StateUnusable(
            f"the state folder {path.parent} was made by another version of the emulator; name another, or remove it"
        )
    database.executescript(_SCHEMA)
    database.execute(f"pragma user_version = {LAYOUT}")
    return database


def write_durably(path: Path, source: IO[bytes]) -> int:
    """Copy *source* to *path* so that it is all there after a crash or not at all; return its bytes."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
        size = target.tell()
    unfinished.replace(path)
    sync_folder(path.parent)
    return size


def sync_folder(folder: Path) -> None:
    """Return once the names in *folder* are safe on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
