"""Files: their bytes, their life from pending to processed or error, and their end."""

import io
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Row
from typing import IO, Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.controls.faults import Faults
from foundry_emulator.files import quotas
from foundry_emulator.files.requests import NewFile
from foundry_emulator.files.validation import fine_tuning_problem
from foundry_emulator.settings import FileQuota
from foundry_emulator.state import State, sync_folder, write_durably

SCHEMA = """
create table if not exists files (
    number integer primary key autoincrement, id text unique not null, account text not null,
    purpose text not null, filename text not null, bytes integer not null, created_at real not null,
    processed_at real not null, expires_at real, problem text, gone_at real, erased integer not null default 0);
create index if not exists living_files on files (account, number) where gone_at is null;
create index if not exists expiring_files on files (expires_at) where gone_at is null and expires_at is not null;
create index if not exists bytes_to_erase on files (number) where gone_at is not null and erased = 0;
"""
RESULTS_PURPOSE = "fine-tune-results"
LARGEST_BYTES = 512_000_000
_LIVING = "account = ? and gone_at is null and (expires_at is null or expires_at > ?)"


@dataclass(frozen=True)
class Checked:
    """A file that may be kept: its bytes lie at *path*, still without a name; *problem* is why it will end in error."""

    new: NewFile
    path: Path
    size: int
    problem: str | None


@dataclass(frozen=True)
class Files:
    """The files of every account."""

    state: State
    clock: Clock
    processing_seconds: float
    faults: Faults
    quota: FileQuota = field(default_factory=FileQuota)
    _needs: list[Callable[[], set[str]]] = field(default_factory=list)

    @contextmanager
    def arrival(self) -> Iterator[Path]:
        """Yield a place for bytes that arrive; whatever is still there at the end is removed."""
        path = self.state.files / f"{uuid.uuid4().hex}.part"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def create(self, new: NewFile, path: Path) -> dict[str, Any]:
        """Keep the bytes at *path* as a file and return it, still pending; ServiceError if it may not be kept."""
        return self.add(self.check(new, path))

    def check(self, new: NewFile, path: Path) -> Checked:
        """Return what would be kept, once its bytes are safe on disk; ServiceError if it may not be.

        Reads the whole file, which can take seconds.
        """
        size = path.stat().st_size
        if size == 0:
            raise errors.invalid_payload("The file is empty.")
        quotas.check_size(new.purpose, size)
        self.check_room(new, size)
        with path.open("rb") as written:
            os.fsync(written.fileno())
        return Checked(new, path, size, fine_tuning_problem(path) if new.purpose == "fine-tune" else None)

    def check_room(self, new: NewFile, size: int) -> None:
        """Do nothing if the account has room for one more such file; ServiceError quotaExceeded if not."""
        quotas.check_room(self.state, self.quota, new, size, self.clock.now())

    def add(self, checked: Checked) -> dict[str, Any]:
        """Keep a checked file and return it; ServiceError quotaExceeded if there is no more room."""
        new, file_id = checked.new, f"file-{uuid.uuid4().hex}"
        now = self.clock.now()
        with self.state.transaction() as database:
            self.check_room(new, checked.size)
            problem = checked.problem or self.faults.file_error(new.account, new.purpose, new.filename)
            checked.path.replace(self._path(file_id))
            sync_folder(self.state.files)
            database.execute(
                "insert into files (id, account, purpose, filename, bytes, created_at, processed_at, expires_at,"
                " problem) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    file_id,
                    new.account,
                    new.purpose,
                    new.filename,
                    checked.size,
                    now,
                    now + self.processing_seconds,
                    now + new.expires_after if new.expires_after else None,
                    problem,
                ),
            )
        return self.retrieve(new.account, file_id)

    def keep_result(self, account: str, file_id: str, content: bytes) -> None:
        """Keep, or replace, the results.csv of a job, unless it was deleted meanwhile."""
        size = write_durably(self._path(file_id), io.BytesIO(content))
        self._keep_made(file_id, NewFile(account, RESULTS_PURPOSE, "results.csv", None), size, self.clock.now())

    def keep_output(self, file_id: str, made: NewFile, path: Path, at: float) -> None:
        """Keep what lies on disk at *path*, and stays there, as a file that the service made at the moment *at*."""
        copy = self._path(file_id)
        copy.unlink(missing_ok=True)
        try:
            copy.hardlink_to(path)
        except OSError:
            with path.open("rb") as source:
                write_durably(copy, source)
        sync_folder(self.state.files)
        self._keep_made(file_id, made, path.stat().st_size, at)

    def _keep_made(self, file_id: str, made: NewFile, size: int, at: float) -> None:
        expires_at = at + made.expires_after if made.expires_after else None
        with self.state.transaction() as database:
            database.execute(
                "insert into files (id, account, purpose, filename, bytes, created_at, processed_at, expires_at)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (id) do update set bytes = excluded.bytes, erased = 0",
                (file_id, made.account, made.purpose, made.filename, size, at, at, expires_at),
            )

    def retrieve(self, account: str, file_id: str) -> dict[str, Any]:
        """Return one file; ServiceError 404 if there is none."""
        return self._body(self._row(account, file_id))

    def purpose(self, account: str, file_id: str) -> str:
        """Return what a file is for; ServiceError 404 if there is no such file."""
        return str(self._row(account, file_id)["purpose"])

    def status(self, account: str, file_id: str) -> str:
        """Return pending, running, processed or error; ServiceError 404 if there is no such file."""
        return self._status(self._row(account, file_id))

    def open_content(self, account: str, file_id: str) -> tuple[int, IO[bytes]]:
        """Return the size and the bytes, readable even if the file is deleted meanwhile; ServiceError 404 for none."""
        self._row(account, file_id)
        try:
            source = self._path(file_id).open("rb")
        except FileNotFoundError as problem:
            raise errors.not_found("file", file_id) from problem
        return os.fstat(source.fileno()).st_size, source

    def bytes_of(self, file_id: str) -> Path:
        """Return where the bytes lie of a file that something needs, even if it was deleted meanwhile."""
        return self._path(file_id)

    def delete(self, account: str, file_id: str) -> dict[str, Any]:
        """Forget the file; ServiceError 404 if there is none."""
        with self.state.transaction() as database:
            self._row(account, file_id)
            database.execute("update files set gone_at = ? where id = ?", (self.clock.now(), file_id))
        self.erase()
        return {"id": file_id, "object": "file", "deleted": True}

    def page(
        self, account: str, purpose: str | None, after: str | None, limit: int, *, ascending: bool
    ) -> list[dict[str, Any]]:
        """Return up to *limit* living files that come after the file *after*, newest first unless *ascending*.

        ServiceError 400 if there never was such a file.
        """
        direction, beyond = ("asc", ">") if ascending else ("desc", "<")
        rows = self.state.rows(
            f"select * from files where {_LIVING} and (? is null or purpose = ?) and (? is null or number {beyond} ?)"
            f" order by number {direction} limit ?",
            *(account, self.clock.now()),
            *(purpose, purpose),
            *([self._number(account, after)] * 2),
            limit,
        )
        return [self._body(row) for row in rows]

    def keep_for(self, needed: Callable[[], set[str]]) -> None:
        """Keep the bytes of files that are gone as long as *needed* names their ids."""
        self._needs.append(needed)

    def erase(self) -> None:
        """Remove from disk the bytes of files that were deleted or have expired, unless something needs them."""
        now = self.clock.now()
        if self.state.row("select 1 from files where gone_at is null and expires_at <= ?", now):
            with self.state.transaction() as database:
                database.execute(
                    "update files set gone_at = expires_at where gone_at is null and expires_at <= ?", (now,)
                )
        rows = self.state.rows("select id from files where gone_at is not null and erased = 0")
        needed = {file_id for need in self._needs for file_id in need()} if rows else set()
        ids = [row["id"] for row in rows if row["id"] not in needed]
        for file_id in ids:
            self._path(file_id).unlink(missing_ok=True)
        if ids:
            with self.state.transaction() as database:
                database.executemany("update files set erased = 1 where id = ?", [(file_id,) for file_id in ids])

    def sweep(self) -> None:
        """Remove bytes that no acknowledged file has: what a killed emulator had not finished; call before serving."""
        known = {row["id"] for row in self.state.rows("select id from files where erased = 0")}
        for path in self.state.files.iterdir():
            if path.name not in known and path.is_file():
                path.unlink()

    def _number(self, account: str, after: str | None) -> int | None:
        if after is None:
            return None
        row = self.state.row("select number from files where account = ? and id = ?", account, after)
        if row is None:
            raise errors.invalid_payload(f"There is no file '{after}' to list after.")
        return int(row["number"])

    def _row(self, account: str, file_id: str) -> Row:
        row = self.state.row(f"select * from files where {_LIVING} and id = ?", account, self.clock.now(), file_id)
        if row is None:
            raise errors.not_found("file", file_id)
        return row

    def _path(self, file_id: str) -> Path:
        return self.state.files / file_id

    def _status(self, row: Row) -> str:
        now = self.clock.now()
        if now < row["processed_at"]:
            return "pending" if now < (row["created_at"] + row["processed_at"]) / 2 else "running"
        return "error" if row["problem"] else "processed"

    def _body(self, row: Row) -> dict[str, Any]:
        status = self._status(row)
        body: dict[str, Any] = {
            "status": status,
            "bytes": row["bytes"],
            "purpose": row["purpose"],
            "filename": row["filename"],
            "id": row["id"],
            "created_at": int(row["created_at"]),
            "object": "file",
        }
        if row["expires_at"]:
            body["expires_at"] = int(row["expires_at"])
        if status == "error":
            body["status_details"] = row["problem"]
        return body
