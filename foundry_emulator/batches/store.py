"""Batches as callers see them: created, retrieved, listed, cancelled."""

import json
import uuid
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.batches.records import LIVING, body
from foundry_emulator.batches.requests import BatchRequest
from foundry_emulator.clock import Clock
from foundry_emulator.files.store import Files
from foundry_emulator.state import State


@dataclass(frozen=True)
class Batches:
    """The batches of every account."""

    state: State
    clock: Clock
    files: Files

    def create(self, account: str, request: BatchRequest) -> dict[str, Any]:
        """Take a batch on and return it; ServiceError if its input file is not there, not for batches or not ready."""
        batch = f"batch_{uuid.uuid4()}"
        with self.state.transaction() as database:
            self._check_input(account, request.input_file)
            database.execute(
                "insert into batches (id, account, endpoint, input_file, metadata, output_expires_after, status,"
                " created_at) values (?, ?, ?, ?, ?, ?, 'validating', ?)",
                (
                    batch,
                    account,
                    request.endpoint,
                    request.input_file,
                    None if request.metadata is None else json.dumps(request.metadata),
                    request.output_expires_after,
                    self.clock.now(),
                ),
            )
        return self.retrieve(account, batch)

    def retrieve(self, account: str, batch: str) -> dict[str, Any]:
        """Return one batch; ServiceError 404 if there is none."""
        return body(self._row(account, batch))

    def page(self, account: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return up to *limit* batches older than the batch *after*, newest first; ServiceError 400 for no batch."""
        before = self._number(account, after)
        rows = self.state.rows(
            "select * from batches where account = ? and (? is null or number < ?) order by number desc limit ?",
            *(account, before, before, limit),
        )
        return [body(row) for row in rows]

    def cancel(self, account: str, batch: str) -> dict[str, Any]:
        """Begin to end a batch and return it; ServiceError if it has ended or is about to."""
        with self.state.transaction() as database:
            status = self._row(account, batch)["status"]
            if status not in ("validating", "in_progress", "cancelling"):
                raise errors.unexpected_state(f"Cannot cancel a batch with status '{status}'.")
            database.execute(
                "update batches set status = 'cancelling', cancelling_at = coalesce(cancelling_at, ?) where id = ?",
                (self.clock.now(), batch),
            )
        return self.retrieve(account, batch)

    def needed_files(self) -> set[str]:
        """Return the ids of the input files of all batches that have not ended."""
        return {row["input_file"] for row in self.state.rows(f"select input_file from batches where {LIVING}")}

    def _check_input(self, account: str, file: str) -> None:
        try:
            purpose, status = self.files.purpose(account, file), self.files.status(account, file)
        except errors.ServiceError as problem:
            raise errors.invalid_payload(f"The input file '{file}' does not exist.") from problem
        if purpose != "batch":
            raise errors.invalid_payload(f"The input file '{file}' has the purpose '{purpose}', not 'batch'.")
        if status != "processed":
            raise errors.unexpected_state(f"The input file '{file}' is not processed; its status is {status}.")

    def _row(self, account: str, batch: str) -> Row:
        row = self.state.row("select * from batches where account = ? and id = ?", account, batch)
        if row is None:
            raise errors.not_found("batch", batch)
        return row

    def _number(self, account: str, after: str | None) -> int | None:
        if after is None:
            return None
        row = self.state.row("select number from batches where account = ? and id = ?", account, after)
        if row is None:
            raise errors.invalid_payload(f"There is no batch '{after}' to list after.")
        return int(row["number"])
