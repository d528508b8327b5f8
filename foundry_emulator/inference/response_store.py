"""Responses that are kept, so that they can be read again and continued."""

import json
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.state import State

SCHEMA = """
create table if not exists responses (
    id text primary key, account text not null, created_at real not null, previous text,
    input text not null, body text not null);
create index if not exists responses_by_age on responses (created_at);
"""
KEPT_SECONDS = 30 * 86_400
_LONGEST_CHAIN = 1_000


@dataclass(frozen=True)
class ResponseStore:
    """The responses of every account; the service keeps them for 30 days."""

    state: State
    clock: Clock

    def keep(self, account: str, body: dict[str, Any], items: list[dict[str, Any]]) -> None:
        """Keep a response and the *items* it answers; it is on disk when this returns."""
        now = self.clock.now()
        row = (
            body["id"],
            account,
            now,
            body["previous_response_id"],
            json.dumps(items, ensure_ascii=False),
            json.dumps(body, ensure_ascii=False),
        )
        with self.state.transaction() as database:
            database.execute("delete from responses where created_at <= ?", (now - KEPT_SECONDS,))
            database.execute("insert into responses values (?, ?, ?, ?, ?, ?)", row)

    def get(self, account: str, name: str) -> dict[str, Any]:
        """Return a kept response; ServiceError 404 if there is none."""
        row = self._find(account, name)
        if row is None:
            raise errors.response_not_found(name)
        body: dict[str, Any] = json.loads(row["body"])
        return body

    def items(self, account: str, name: str) -> list[dict[str, Any]]:
        """Return what a response answered, newest first; ServiceError 404 if there is no such response."""
        self.get(account, name)
        return self._conversation(account, name, answered=False)[::-1]

    def conversation(self, account: str, name: str) -> list[dict[str, Any]]:
        """Return all that was said up to and with a response; ServiceError 400 if it, or one before it, is gone."""
        return self._conversation(account, name, answered=True)

    def delete(self, account: str, name: str) -> None:
        """Delete a response; ServiceError 404 if there is none."""
        self.get(account, name)
        with self.state.transaction() as database:
            database.execute("delete from responses where account = ? and id = ?", (account, name))

    def _conversation(self, account: str, name: str, *, answered: bool) -> list[dict[str, Any]]:
        said: list[list[dict[str, Any]]] = []
        step: str | None = name
        while step is not None:
            row = self._find(account, step)
            if row is None or len(said) >= 2 * _LONGEST_CHAIN:
                raise errors.previous_response_not_found(step)
            if answered or step != name:
                said.append(json.loads(row["body"])["output"])
            said.append(json.loads(row["input"]))
            step = row["previous"]
        return [item for part in reversed(said) for item in part]

    def _find(self, account: str, name: str) -> Any:
        return self.state.row(
            "select * from responses where account = ? and id = ? and created_at > ?",
            account,
            name,
            self.clock.now() - KEPT_SECONDS,
        )
