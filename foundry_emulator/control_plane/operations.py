"""Writes that take time: one at a time on an account, each to be followed until it has ended."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock, iso
from foundry_emulator.control_plane.places import Place
from foundry_emulator.state import State

SCHEMA = """
create table if not exists operations (
    id text primary key, account text not null, resource text not null,
    started_at real not null, ends_at real not null, failure text);
create index if not exists operations_of_account on operations (account, ends_at);
"""


@dataclass(frozen=True)
class Operations:
    """The operations of every account; how far one is follows from the clock."""

    state: State
    clock: Clock

    def check_quiet(self, place: Place) -> None:
        """Return if nothing is being written on the account; ServiceError RequestConflict if something is."""
        busy = self.state.row(
            "select id from operations where account = ? and ends_at > ?", place.account, self.clock.now()
        )
        if busy is not None:
            raise errors.arm_conflict(place.account_id)

    def begin(self, place: Place, resource: str, ends_at: float, failure: str | None = None) -> str:
        """Keep an operation on *resource* that ends at a moment, in a *failure* (JSON) if given; return its id."""
        operation = str(uuid.uuid4())
        with self.state.transaction() as database:
            database.execute(
                "insert into operations (id, account, resource, started_at, ends_at, failure)"
                " values (?, ?, ?, ?, ?, ?)",
                (operation, place.account, resource, self.clock.now(), ends_at, failure),
            )
        return operation

    def told(self, operation: str) -> dict[str, Any] | None:
        """Return how far an operation is, None if there is no such operation."""
        row = self.state.row("select * from operations where id = ?", operation)
        if row is None:
            return None
        body = {"id": row["resource"], "name": row["id"], "startTime": iso(row["started_at"])}
        if self.clock.now() < row["ends_at"]:
            return {**body, "status": "Running"}
        ended = {**body, "endTime": iso(row["ends_at"])}
        if row["failure"]:
            return {**ended, "status": "Failed", "error": json.loads(row["failure"])}
        return {**ended, "status": "Succeeded"}
