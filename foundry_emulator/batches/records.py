"""The rows of batches, and how they are told."""

import hashlib
import json
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator.batches.requests import WINDOW

SCHEMA = """
create table if not exists batches (
    number integer primary key autoincrement, id text unique not null, account text not null,
    endpoint text not null, input_file text not null, metadata text, output_expires_after integer,
    status text not null, errors text, created_at real not null, in_progress_at real, finalizing_at real,
    completed_at real, failed_at real, cancelling_at real, cancelled_at real, total integer not null default 0,
    completed integer not null default 0, failed integer not null default 0, input_read integer not null default 0,
    output_written integer not null default 0, errors_written integer not null default 0,
    output_file text not null default '', error_file text not null default '');
create index if not exists batches_of_account on batches (account, number);
create index if not exists living_batches on batches (number)
    where status not in ('completed', 'failed', 'cancelled');
"""
WINDOW_SECONDS = 24 * 3600
LIVING = "status not in ('completed', 'failed', 'cancelled')"


@dataclass(frozen=True)
class Progress:
    """How far a batch has come: bytes of input read, bytes written, requests that ended either way."""

    input_read: int
    output_written: int
    errors_written: int
    completed: int
    failed: int


def progress_of(row: Row) -> Progress:
    """Return how far a batch had come when its row was last written."""
    return Progress(*(row[name] for name in Progress.__dataclass_fields__))


def file_id(batch: str, role: str) -> str:
    """Return the id of the output or error file of a batch, the same whenever it is made."""
    return f"file-{hashlib.sha256(f'{batch}:{role}'.encode()).hexdigest()[:32]}"


def body(row: Row) -> dict[str, Any]:
    """Return the batch as the service tells it."""
    created = int(row["created_at"])
    return {
        "id": row["id"],
        "completion_window": WINDOW,
        "created_at": created,
        "endpoint": row["endpoint"],
        "input_file_id": row["input_file"],
        "object": "batch",
        "status": row["status"],
        "cancelled_at": _second(row["cancelled_at"]),
        "cancelling_at": _second(row["cancelling_at"]),
        "completed_at": _second(row["completed_at"]),
        "error_file_id": row["error_file"],
        "errors": json.loads(row["errors"]) if row["errors"] else None,
        "expired_at": None,
        "expires_at": created + WINDOW_SECONDS,
        "failed_at": _second(row["failed_at"]),
        "finalizing_at": _second(row["finalizing_at"]),
        "in_progress_at": _second(row["in_progress_at"]),
        "metadata": json.loads(row["metadata"]) if row["metadata"] else None,
        "output_file_id": row["output_file"],
        "request_counts": {"completed": row["completed"], "failed": row["failed"], "total": row["total"]},
    }


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
