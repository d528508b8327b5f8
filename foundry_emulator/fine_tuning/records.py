"""What a running job leaves behind; writing the same again changes nothing, so that a job can be run again."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from foundry_emulator.clock import Clock
from foundry_emulator.files.store import Files
from foundry_emulator.models.catalogue import fine_tuned_name
from foundry_emulator.state import State

SCHEMA = """
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
"""
KEPT_CHECKPOINTS = 3
EVENT_EVERY = 10
METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)
CSV_COLUMNS = (
    "step",
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "validation_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)
Steps = list[dict[str, Any]]


@dataclass(frozen=True)
class JobRecords:
    """Writes the life of running jobs."""

    state: State
    clock: Clock
    files: Files

    def say(self, job: str, *messages: str) -> None:
        """Add messages to a job's events, in this order."""
        with self.state.transaction() as database:
            self._say(database, job, messages)

    def started(self, job: str, account: str, hyperparameters: dict[str, float]) -> None:
        """Put real numbers in the place of auto and announce the results file."""
        self.files.keep_result(account, _result_id(job), results_csv([]))
        with self.state.transaction() as database:
            database.execute("update jobs set hyperparameters = ? where id = ?", (json.dumps(hyperparameters), job))
            self._say(database, job, ["Training started.", f"Created results file: {_result_id(job)}"])

    def stepped(self, job: str, steps: Iterable[dict[str, Any]]) -> None:
        """Add metrics events for the first and every tenth step."""
        told = [step for step in steps if step["step"] == 1 or step["step"] % EVENT_EVERY == 0]
        if not told:
            return
        with self.state.transaction() as database:
            for step in told:
                message = f"Step {step['step']}: training loss={step['train_loss']}"
                self._event(database, job, message, data=step)

    def checkpoint(self, job: Row, step: int, weights: str, metrics: dict[str, float]) -> None:
        """Keep a checkpoint and let go of the fourth newest."""
        with self.state.transaction() as database:
            database.execute(
                "insert or ignore into checkpoints (id, account, job, step, created_at, metrics, weights)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (
                    f"ftchkpt-{_hex(job['id'], step)}",
                    job["account"],
                    job["id"],
                    step,
                    self.clock.now(),
                    json.dumps(_known_metrics(metrics)),
                    weights,
                ),
            )
            old = database.execute(
                "select id, weights from checkpoints where job = ? order by step desc limit -1 offset ?",
                (job["id"], KEPT_CHECKPOINTS),
            ).fetchall()
            database.executemany("delete from checkpoints where id = ?", [(row["id"],) for row in old])
        for row in old:
            (self.state.weights / row["weights"]).unlink(missing_ok=True)

    def succeeded(self, job: Row, steps: Steps, trained_tokens: int) -> None:
        """End a job with a model and its results."""
        result = _result_id(job["id"])
        self.files.keep_result(job["account"], result, results_csv(steps))
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'succeeded', finished_at = ?, fine_tuned_model = ?, result_file = ?,"
                " trained_tokens = ? where id = ? and status = 'running'",
                (
                    self.clock.now(),
                    fine_tuned_name(job["id"], job["base_model"], job["suffix"]),
                    result,
                    trained_tokens,
                    job["id"],
                ),
            ).rowcount
            if changed:
                self._say(
                    database,
                    job["id"],
                    [
                        "Job succeeded.",
                        "Model Evaluation Passed.",
                        f"Completed results file: {result}",
                        f"Training tokens billed: {trained_tokens}",
                    ],
                )

    def preempted(self, job: str, seconds: float) -> None:
        """Put a running job back among those that wait, for *seconds*."""
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'pending', ready_at = ? where id = ? and status = 'running'",
                (self.clock.now() + seconds, job),
            ).rowcount
            if changed:
                self._event(database, job, "Job preempted. Waiting for capacity to resume.", level="warning")

    def failed(self, job: str, code: str, message: str) -> None:
        """End a job without a model."""
        error = json.dumps({"code": code, "message": message})
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'failed', finished_at = ?, error = ? where id = ? and status = 'running'",
                (self.clock.now(), error, job),
            ).rowcount
            if changed:
                self._event(database, job, f"Job failed. {message}", level="error")

    def _say(self, database: Connection, job: str, messages: Iterable[str]) -> None:
        for message in messages:
            self._event(database, job, message)

    def _event(
        self, database: Connection, job: str, message: str, *, data: dict[str, Any] | None = None, level: str = "info"
    ) -> None:
        key = data["step"] if data else message
        database.execute(
            "insert or ignore into job_events (id, job, created_at, level, message, type, data)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (
                f"ftevent-{_hex(job, key)}",
                job,
                self.clock.now(),
                level,
                message,
                "metrics" if data else "message",
                json.dumps(data) if data else None,
            ),
        )


def results_csv(steps: Steps) -> bytes:
    """Return the metrics of every step as the service writes them; what was not measured is blank."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([step["step"], *(step.get(name, "") for name in METRICS)] for step in steps)
    return text.getvalue().encode()


def _known_metrics(metrics: dict[str, float]) -> dict[str, float]:
    return {name: metrics[name] for name in METRICS if name in metrics}


def _result_id(job: str) -> str:
    return f"file-{_hex(job, 'results.csv')}"


def _hex(job: str, key: object) -> str:
    """Return 32 hex digits that are the same when a job is run again."""
    return hashlib.sha256(f"{job}:{key}".encode()).hexdigest()[:32]
