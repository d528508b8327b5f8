"""What the emulator knows, in one SQLite file that survives being killed, and the folders beside it."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

SCHEMA = """
create table if not exists secrets (name text primary key, value blob not null);
create table if not exists files (
    number integer primary key autoincrement, id text unique not null, account text not null,
    purpose text not null, filename text not null, bytes integer not null, created_at real not null,
    processed_at real not null, expires_at real, problem text);
create table if not exists jobs (
    number integer primary key autoincrement, id text unique not null, account text not null,
    request text not null, model text not null, base_model text not null, parent_weights text,
    seed integer not null, suffix text, status text not null, created_at real not null,
    ready_at real not null, hyperparameters text not null, finished_at real, fine_tuned_model text,
    result_file text, trained_tokens integer, error text);
create table if not exists job_events (
    number integer primary key autoincrement, id text unique not null, job text not null,
    created_at real not null, level text not null, message text not null, type text not null, data text);
create index if not exists job_events_of_job on job_events (job, number);
create table if not exists checkpoints (
    number integer primary key autoincrement, id text unique not null, account text not null,
    job text not null, step integer not null, created_at real not null, metrics text not null,
    weights text not null);
create table if not exists model_deployments (
    number integer primary key autoincrement, account text not null, name text not null,
    resource text not null, sku text not null, capacity integer not null, model text not null,
    model_version text not null, weights text, base_model text not null, tags text,
    created_at real not null, modified_at real not null, succeeded_at real not null,
    callable_at real not null, etag text not null, unique (account, name));
create table if not exists operations (
    id text primary key, account text not null, resource text not null,
    started_at real not null, ends_at real not null);
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
            for path in (folder, self.files, self.weights):
                path.mkdir(parents=True, exist_ok=True)
            self._claim = _claim(folder)
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
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a reading query."""
        with self._threads:
            return self._database.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a reading query, None if there is none."""
        with self._threads:
            found: sqlite3.Row | None = self._database.execute(query, values).fetchone()
            return found

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


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    database.executescript(SCHEMA)
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
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size
