"""Uploaded files: their bytes, their life from pending to processed or error, and their end."""

import io
import uuid
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import IO, Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.controls.faults import Faults
from foundry_emulator.files.validation import fine_tuning_problem
from foundry_emulator.state import State, write_durably

SCHEMA = """
create table if not exists files (
    number integer primary key autoincrement, id text unique not null, account text not null,
    purpose text not null, filename text not null, bytes integer not null, created_at real not null,
    processed_at real not null, expires_at real, problem text);
"""
PURPOSES = frozenset({"assistants", "batch", "fine-tune", "evals"})
RESULTS_PURPOSE = "fine-tune-results"
LARGEST_BYTES = 512_000_000
EXPIRY_SECONDS = range(1_209_600, 2_592_001)


@dataclass(frozen=True)
class Files:
    """The files of every account."""

    state: State
    clock: Clock
    processing_seconds: float
    faults: Faults

    def create(
        self, account: str, purpose: str, filename: str, content: IO[bytes], expires_after: int | None
    ) -> dict[str, Any]:
        """Keep the file and return it, still pending; ServiceError if it may not be uploaded."""
        _check(purpose, expires_after)
        file_id = f"file-{uuid.uuid4().hex}"
        size = write_durably(self._path(file_id), content)
        problem = _size_problem(size) or self._content_problem(purpose, file_id)
        now = self.clock.now()
        with self.state.transaction() as database:
            problem = problem or self.faults.file_error(account, purpose, filename)
            database.execute(
                "insert into files (id, account, purpose, filename, bytes, created_at, processed_at,"
                " expires_at, problem) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    file_id,
                    account,
                    purpose,
                    filename,
                    size,
                    now,
                    now + self.processing_seconds,
                    now + expires_after if expires_after else None,
                    problem,
                ),
            )
        return self.retrieve(account, file_id)

    def keep_result(self, account: str, file_id: str, content: bytes) -> None:
        """Keep, or replace, the results.csv of a job."""
        size = write_durably(self._path(file_id), io.BytesIO(content))
        now = self.clock.now()
        with self.state.transaction() as database:
            database.execute(
                "insert into files (id, account, purpose, filename, bytes, created_at, processed_at)"
                " values (?, ?, ?, 'results.csv', ?, ?, ?)"
                " on conflict (id) do update set bytes = excluded.bytes",
                (file_id, account, RESULTS_PURPOSE, size, now, now),
            )

    def retrieve(self, account: str, file_id: str) -> dict[str, Any]:
        """Return one file; ServiceError 404 if there is none."""
        return self._body(self._row(account, file_id))

    def status(self, account: str, file_id: str) -> str:
        """Return pending, processed or error; ServiceError 404 if there is no such file."""
        return self._status(self._row(account, file_id))

    def content(self, account: str, file_id: str) -> Path:
        """Return where the bytes lie; ServiceError 404 if there is no such file."""
        return self._path(str(self._row(account, file_id)["id"]))

    def delete(self, account: str, file_id: str) -> dict[str, Any]:
        """Forget the file; ServiceError 404 if there is none."""
        self._row(account, file_id)
        with self.state.transaction() as database:
            database.execute("delete from files where id = ?", (file_id,))
        self._path(file_id).unlink(missing_ok=True)
        return {"id": file_id, "object": "file", "deleted": True}

    def all(self, account: str, purpose: str | None, *, ascending: bool) -> list[dict[str, Any]]:
        """Return all living files, newest first unless *ascending*."""
        direction = "asc" if ascending else "desc"
        rows = self.state.rows(
            "select * from files where account = ? and (? is null or purpose = ?)"
            f" and (expires_at is null or expires_at > ?) order by number {direction}",
            account,
            purpose,
            purpose,
            self.clock.now(),
        )
        return [self._body(row) for row in rows]

    def _row(self, account: str, file_id: str) -> Row:
        row = self.state.row(
            "select * from files where account = ? and id = ? and (expires_at is null or expires_at > ?)",
            account,
            file_id,
            self.clock.now(),
        )
        if row is None:
            raise errors.not_found("file", file_id)
        return row

    def _path(self, file_id: str) -> Path:
        return self.state.files / file_id

    def _content_problem(self, purpose: str, file_id: str) -> str | None:
        return fine_tuning_problem(self._path(file_id)) if purpose == "fine-tune" else None

    def _status(self, row: Row) -> str:
        if self.clock.now() < row["processed_at"]:
            return "pending"
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


def _check(purpose: str, expires_after: int | None) -> None:
    if purpose not in PURPOSES:
        raise errors.invalid_payload(f"The purpose '{purpose}' is not one of {', '.join(sorted(PURPOSES))}.")
    if expires_after is not None and expires_after not in EXPIRY_SECONDS:
        raise errors.invalid_payload(
            f"expires_after.seconds must be between {EXPIRY_SECONDS.start} and {EXPIRY_SECONDS.stop - 1}."
        )


def _size_problem(size: int) -> str | None:
    if size > LARGEST_BYTES:
        return f"The file has {size} bytes; the limit is {LARGEST_BYTES}."
    return None
