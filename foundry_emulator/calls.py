"""Counts of calls per model deployment and minute, kept before an answer leaves."""

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

MINUTE = 60
COMPLETED = 200
# what keeps a model deployment alive; batches and evaluations are not named in Azure's rule
ACTIVITY = ("ChatCompletions_Create", "Responses_Create")
_SCHEMA = """
create table if not exists calls (
    account text not null, deployment text not null, number integer not null, operation text not null,
    status integer not null, minute integer not null, count integer not null, prompt_tokens integer not null,
    completion_tokens integer not null, last_at real not null,
    primary key (account, deployment, number, operation, status, minute));
create index if not exists calls_of_number on calls (number, status, last_at);
"""


@dataclass(frozen=True)
class Call:
    """One call of the model deployment that had *number*: its kind, how it ended, what was read and written."""

    account: str
    deployment: str
    number: int
    operation: str
    status: int
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Calls:
    """Every call of every model deployment.

    The counts have a database of their own that does not wait for the disk: they survive the process being killed, not
    the machine losing power, and an answer costs microseconds instead of a disk flush.
    """

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.executescript(_SCHEMA)

    def count(self, call: Call, now: float) -> None:
        """Count *call*, which ended at *now*."""
        with self._threads:
            self._database.execute(
                "insert into calls values (?, ?, ?, ?, ?, ?, 1, ?, ?, ?) on conflict do update set count = count + 1,"
                " prompt_tokens = prompt_tokens + excluded.prompt_tokens,"
                " completion_tokens = completion_tokens + excluded.completion_tokens,"
                " last_at = max(last_at, excluded.last_at)",
                (
                    call.account,
                    call.deployment,
                    call.number,
                    call.operation,
                    call.status,
                    int(now // MINUTE) * MINUTE,
                    call.prompt_tokens,
                    call.completion_tokens,
                    now,
                ),
            )

    def last_completed(self, number: int) -> float | None:
        """Return when the model deployment with *number* last completed a chat or responses call, None if never."""
        row = self.rows(
            "select max(last_at) as at from calls where number = ? and status between 200 and 299"
            f" and operation in ({', '.join('?' * len(ACTIVITY))})",
            number,
            *ACTIVITY,
        )[0]
        return None if row["at"] is None else float(row["at"])

    def summed(self, number: int, since: float, until: float) -> list[sqlite3.Row]:
        """Return completed calls of a model deployment and their tokens by operation, of minutes in [since, until)."""
        return self.rows(
            "select operation, sum(count) as calls, sum(prompt_tokens) as prompt_tokens,"
            " sum(completion_tokens) as completion_tokens from calls"
            " where number = ? and status between 200 and 299 and minute >= ? and minute < ?"
            " group by operation order by operation",
            number,
            since,
            until,
        )

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a reading query on the table `calls`."""
        with self._threads:
            return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the database."""
        with self._threads:
            self._database.close()
