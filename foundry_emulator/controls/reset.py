"""Empties the emulator, or one of its accounts, so that a kill in the middle leaves all or nothing.

The rows go in one transaction, which also notes what is to be removed outside the database: bytes of files, weights,
counts of calls. What is noted is removed afterwards, or at the next start.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Any

from foundry_emulator.state import State

_NOTE = "unfinished reset"
_KEPT_TABLES = frozenset({"secrets"})
KEPT_DATABASES = frozenset({"features.sqlite"})
_STATE = "state.sqlite"
_OWNERS = {
    "job": ("jobs", "id"),
    "upload": ("uploads", "id"),
    "batch": ("batches", "id"),
    "deployment": ("model_deployments", "number"),
}
_BOUNDS = "-_."

Quiet = Callable[[str | None], AbstractContextManager[None]]


class Reset:
    """Empties everything, or one account.

    *quiets* are entered first: they stop what works beside the requests, for an account or all. *reloads* make those
    that remember what the state says read it again.
    """

    def __init__(self, state: State, quiets: Sequence[Quiet], reloads: Sequence[Callable[[], None]]) -> None:
        self._state = state
        self._quiets = quiets
        self._reloads = reloads

    def run(self, account: str | None = None) -> None:
        """Empty *account*, or everything, the clock and the faults included; learned features of images stay."""
        with ExitStack() as stopped:
            for quiet in self._quiets:
                stopped.enter_context(quiet(account))
            with self._state.transaction() as database:
                note = {"account": account, "names": sorted(_names(database, account))}
                empty(database, account)
                self._state.keep_setting(_NOTE, json.dumps(note))
            for reload in self._reloads:
                reload()
            self.finish()

    def finish(self) -> None:
        """Remove what a reset has noted and not yet removed; call it before anything else is served."""
        kept = self._state.setting(_NOTE)
        if kept is None:
            return
        note: dict[str, Any] = json.loads(kept)
        _remove(self._state.folder, frozenset(note["names"]))
        for path in self._state.folder.glob("*.sqlite"):
            if path.name not in KEPT_DATABASES | {_STATE}:
                _empty_file(path, note["account"])
        with self._state.transaction() as database:
            database.execute("delete from settings where name = ?", (_NOTE,))


def empty(database: sqlite3.Connection, account: str | None) -> None:
    """Delete all rows of *account*, or all but secrets, from every table; the numbers of rows go on counting."""
    scopes = {table: scope(columns) for table, columns in tables(database).items() if table not in _KEPT_TABLES}
    for table, condition in sorted(scopes.items(), key=lambda entry: entry[1] == "account = :account"):
        if account is None:
            database.execute(f"delete from {table}")
        elif condition:
            database.execute(f"delete from {table} where {condition}", {"account": account})


def scope(columns: Sequence[str]) -> str | None:
    """Return the condition for the rows of an account in a table with *columns*, None if it belongs to no account."""
    if "account" in columns:
        return "account = :account"
    owned = next((column for column in columns if column in _OWNERS), None)
    if owned is None:
        return None
    table, key = _OWNERS[owned]
    return f"{owned} in (select {key} from {table} where account = :account)"


def tables(database: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the tables of a database, each with its columns."""
    query = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    names = [row[0] for row in database.execute(query)]
    return {name: [column[1] for column in database.execute(f"pragma table_info({name})")] for name in names}


def _names(database: sqlite3.Connection, account: str | None) -> set[str]:
    """Return the ids with which the names of files and folders on disk begin."""
    names: set[str] = set()
    for table, columns in tables(database).items():
        condition = scope(columns)
        if "id" in columns and condition:
            query = f"select id from {table} where :account is null or {condition}"
            names |= {str(row[0]) for row in database.execute(query, {"account": account})}
    return names


def _remove(folder: Path, names: frozenset[str]) -> None:
    """Remove what lies in the folders of *folder* under one of *names*, or under one with something added to it."""
    for path in folder.glob("*/*"):
        if not _begins(path.name, names):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _begins(name: str, names: frozenset[str]) -> bool:
    ends = [place for place, letter in enumerate(name) if letter in _BOUNDS]
    return any(name[:end] in names for end in (*ends, len(name)))


def _empty_file(path: Path, account: str | None) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as database:
        database.execute("begin immediate")
        empty(database, account)
        database.execute("commit")
