"""Uploads: opened, filled with parts, and made a file, or given up."""

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.files.requests import NewFile
from foundry_emulator.files.store import Files
from foundry_emulator.state import State, sync_folder
from foundry_emulator.uploads.requests import LARGEST_BYTES, Completion, NewUpload

SCHEMA = """
create table if not exists uploads (
    number integer primary key autoincrement, id text unique not null, account text not null,
    purpose text not null, filename text not null, bytes integer not null, mime_type text not null,
    expires_after integer, created_at real not null, expires_at real not null, status text not null,
    part_ids text, file text);
create index if not exists pending_uploads on uploads (expires_at) where status = 'pending';
create table if not exists upload_parts (
    number integer primary key autoincrement, id text unique not null, upload text not null,
    bytes integer not null, created_at real not null, erased integer not null default 0);
create index if not exists parts_of_upload on upload_parts (upload);
create index if not exists parts_on_disk on upload_parts (upload) where erased = 0;
"""
LIFETIME_SECONDS = 2 * 3600
_BLOCK = 1 << 20


class Uploads:
    """The uploads of every account."""

    def __init__(self, state: State, clock: Clock, files: Files) -> None:
        self._state = state
        self._clock = clock
        self._files = files
        self._folder = state.folder / "uploads"
        self._folder.mkdir(exist_ok=True)
        self._completing = threading.Lock()

    def create(self, new: NewUpload) -> dict[str, Any]:
        """Open an upload and return it; ServiceError quotaExceeded if its file would find no room."""
        self._files.check_room(new.file, new.size)
        upload, now = f"{new.file.purpose}-{uuid.uuid4().hex}", self._clock.now()
        with self._state.transaction() as database:
            database.execute(
                "insert into uploads (id, account, purpose, filename, bytes, mime_type, expires_after, created_at,"
                " expires_at, status) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
                (
                    upload,
                    new.file.account,
                    new.file.purpose,
                    new.file.filename,
                    new.size,
                    new.mime_type,
                    new.file.expires_after,
                    now,
                    now + LIFETIME_SECONDS,
                ),
            )
        return self._body(self._row(new.file.account, upload))

    @contextmanager
    def arrival(self) -> Iterator[Path]:
        """Yield a place for bytes that arrive; whatever is still there at the end is removed."""
        path = self._folder / f"{uuid.uuid4().hex}.part"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def add_part(self, account: str, upload: str, path: Path) -> dict[str, Any]:
        """Keep the bytes at *path* as a part of a pending upload and return it; ServiceError if they may not be."""
        size, part, now = path.stat().st_size, f"part_{uuid.uuid4().hex}", self._clock.now()
        if size == 0:
            raise errors.invalid_payload("The part is empty.")
        with path.open("rb") as written:
            os.fsync(written.fileno())
        with self._state.transaction() as database:
            row = self._pending(account, upload)
            self._check_total(row, size)
            path.replace(self._folder / part)
            sync_folder(self._folder)
            database.execute(
                "insert into upload_parts (id, upload, bytes, created_at) values (?, ?, ?, ?)",
                (part, upload, size, now),
            )
        return {"id": part, "object": "upload.part", "created_at": int(now), "upload_id": upload}

    def complete(self, account: str, upload: str, wanted: Completion) -> dict[str, Any]:
        """Make the parts one file and return the completed upload; ServiceError if they are not what was announced.

        The same again answers the same: the first answer may have been lost.
        """
        with self._completing:
            row = self._row(account, upload)
            if row["status"] == "completed" and json.loads(row["part_ids"]) == wanted.part_ids:
                return self._body(row)
            row = self._pending(account, upload)
            self._check_parts(row, wanted)
            with self._files.arrival() as path:
                self._join(wanted, path)
                expected = NewFile(account, row["purpose"], row["filename"], row["expires_after"])
                checked = self._files.check(expected, path)
                with self._state.transaction() as database:
                    self._pending(account, upload)
                    file = self._files.add(checked)
                    database.execute(
                        "update uploads set status = 'completed', part_ids = ?, file = ? where id = ?",
                        (json.dumps(wanted.part_ids), file["id"], upload),
                    )
        self.erase()
        return self._body(self._row(account, upload))

    def cancel(self, account: str, upload: str) -> dict[str, Any]:
        """Give a pending upload up and return it; ServiceError if it was completed or has expired."""
        with self._state.transaction() as database:
            if self._row(account, upload)["status"] != "cancelled":
                self._pending(account, upload)
                database.execute("update uploads set status = 'cancelled' where id = ?", (upload,))
        self.erase()
        return self._body(self._row(account, upload))

    def erase(self) -> None:
        """Remove from disk the parts of uploads that are no longer pending."""
        if self._state.row("select 1 from uploads where status = 'pending' and expires_at <= ?", self._clock.now()):
            with self._state.transaction() as database:
                database.execute(
                    "update uploads set status = 'expired' where status = 'pending' and expires_at <= ?",
                    (self._clock.now(),),
                )
        rows = self._state.rows(
            "select id from upload_parts where erased = 0"
            " and upload in (select id from uploads where status <> 'pending')"
        )
        for row in rows:
            (self._folder / row["id"]).unlink(missing_ok=True)
        if rows:
            with self._state.transaction() as database:
                database.executemany("update upload_parts set erased = 1 where id = ?", [(row["id"],) for row in rows])

    def sweep(self) -> None:
        """Remove bytes of no acknowledged part: what a killed emulator had not finished; call before serving."""
        known = {row["id"] for row in self._state.rows("select id from upload_parts where erased = 0")}
        for path in self._folder.iterdir():
            if path.name not in known and path.is_file():
                path.unlink()

    def _check_total(self, upload: Row, size: int) -> None:
        row = self._state.row("select coalesce(sum(bytes), 0) as n from upload_parts where upload = ?", upload["id"])
        if size > upload["bytes"] or (row is not None and row["n"] + size > LARGEST_BYTES):
            raise errors.invalid_payload(f"The parts have more bytes than the upload may have: {upload['bytes']}.")

    def _check_parts(self, upload: Row, wanted: Completion) -> None:
        rows = self._state.rows("select id, bytes from upload_parts where upload = ?", upload["id"])
        sizes = {row["id"]: row["bytes"] for row in rows}
        unknown = [part for part in wanted.part_ids if part not in sizes]
        if unknown:
            raise errors.invalid_payload(f"The part '{unknown[0][:64]}' is not one of the upload '{upload['id']}'.")
        total = sum(sizes[part] for part in wanted.part_ids)
        if total != upload["bytes"]:
            raise errors.invalid_payload(f"The parts have {total} bytes, but the upload was to have {upload['bytes']}.")

    def _join(self, wanted: Completion, target: Path) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        with target.open("wb") as sink:
            for part in wanted.part_ids:
                for block in self._blocks(part):
                    digest.update(block)
                    sink.write(block)
        if wanted.md5 is not None and digest.hexdigest() != wanted.md5:
            raise errors.invalid_payload("The MD5 digest of the parts is not the given one.")

    def _blocks(self, part: str) -> Iterator[bytes]:
        try:
            with (self._folder / part).open("rb") as source:
                while block := source.read(_BLOCK):
                    yield block
        except FileNotFoundError as problem:
            raise errors.unexpected_state("The upload has ended.") from problem

    def _row(self, account: str, upload: str) -> Row:
        row = self._state.row("select * from uploads where account = ? and id = ?", account, upload)
        if row is None:
            raise errors.not_found("upload", upload)
        return row

    def _pending(self, account: str, upload: str) -> Row:
        row = self._row(account, upload)
        status = self._status(row)
        if status != "pending":
            raise errors.unexpected_state(f"The upload '{upload}' is {status}.")
        return row

    def _status(self, row: Row) -> str:
        expired = row["status"] == "pending" and self._clock.now() >= row["expires_at"]
        return "expired" if expired else str(row["status"])

    def _body(self, row: Row) -> dict[str, Any]:
        body = {
            "id": row["id"],
            "object": "upload",
            "status": self._status(row),
            "bytes": row["bytes"],
            "filename": row["filename"],
            "purpose": row["purpose"],
            "created_at": int(row["created_at"]),
            "expires_at": int(row["expires_at"]),
        }
        return {**body, "file": self._file(row)} if row["status"] == "completed" else body

    def _file(self, row: Row) -> dict[str, Any] | None:
        try:
            return self._files.retrieve(row["account"], row["file"])
        except errors.ServiceError:
            return None
