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
from foundry_emulator.fine_tuning.webhooks import Webhooks
from foundry_emulator.models.catalogue import fine_tuned_name, remove_unneeded_weights
from foundry_emulator.state import State

SCHEMA = """
create table if not exists jobs (
    number integer primary key autoincrement, id text unique not null, account text not null,
    request text not null, model text not null, base_model text not null, parent_weights text,
    seed integer not null, suffix text, training_type text not null, status text not null,
    created_at real not null, ready_at real not null, hyperparameters text not null,
    estimated_finish real not null, started_at real, paused_at real, steps integer not null default 0,
    total_steps integer, total_tokens integer, finished_at real, fine_tuned_model text, result_file text,
    trained_tokens integer, error text, deleted_at real, model_deleted_at real);
create table if not exists job_events (
    number integer primary key autoincrement, id text unique not null, job text not null,
    created_at real not null, level text not null, message text not null, type text not null, data text);
create index if not exists job_events_of_job on job_events (job, number);
create table if not exists checkpoints (
    number integer primary key autoincrement, id text unique not null, account text not null,
    job text not null, step integer not null, created_at real not null, metrics text not null,
    weights text not null, paused integer not null default 0);
"""
ENDED = frozenset({"succeeded", "failed", "cancelled"})
KEPT_CHECKPOINTS = 3
PREPROCESSING = "Preprocessing running for file training file."
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
    webhooks: Webhooks

    def say(self, job: str, *messages: str) -> None:
        """Add messages to a job's events, in this order."""
        with self.state.transaction() as database:
            self._say(database, job, messages)

    def say_again(self, job: str, message: str) -> None:
        """Add a message that a job may have more than once."""
        with self.state.transaction() as database:
            self._event(database, job, message, key=f"{message} {self.clock.now()}")

    def started(
        self, job: str, account: str, hyperparameters: dict[str, float], *, tokens: int = 0, steps: int = 0
    ) -> None:
        """Put real numbers in the place of auto, announce the results file, and keep how much is ahead."""
        self.files.keep_result(account, _result_id(job), results_csv([]))
        with self.state.transaction() as database:
            row = database.execute("select hyperparameters from jobs where id = ?", (job,)).fetchone()
            known = {**(json.loads(row["hyperparameters"]) if row else {}), **hyperparameters}
            database.execute(
                "update jobs set hyperparameters = ?, total_tokens = ?, total_steps = ? where id = ?",
                (json.dumps(known), tokens, steps, job),
            )
            self._say(database, job, ["Training started.", f"Created results file: {_result_id(job)}"])

    def stepped(self, job: str, steps: Steps) -> None:
        """Keep how far a job is, and add metrics events for the first and every tenth step."""
        if not steps:
            return
        now = self.clock.now()
        with self.state.transaction() as database:
            for step in steps:
                if step["step"] == 1 or step["step"] % EVENT_EVERY == 0:
                    message = f"Step {step['step']}: training loss={step['train_loss']}"
                    self._event(database, job, message, data=step)
            database.execute(
                "update jobs set steps = max(steps, :step),"
                " estimated_finish = started_at + (:now - started_at) * max(total_steps, :step) / :step"
                " where id = :job and status in ('running', 'pausing')",
                {"job": job, "step": steps[-1]["step"], "now": now},
            )

    def paused(self, job: str, step: int) -> None:
        """Note that a job has come to rest at a checkpoint, which can be deployed from now on."""
        now = self.clock.now()
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'paused', paused_at = ? where id = ? and status = 'pausing'", (now, job)
            ).rowcount
            if changed:
                database.execute("update checkpoints set paused = 1 where job = ? and step = ?", (job, step))
                self._event(database, job, f"Job paused at step {step}.", key=f"paused {now}")

    def running(self, job: str) -> bool:
        """Note that a job runs, for the first time or again; False if it may not any more."""
        now = self.clock.now()
        with self.state.transaction() as database:
            row = database.execute("select status, paused_at from jobs where id = ?", (job,)).fetchone()
            if row is None or row["status"] not in ("pending", "running", "pausing"):
                return False
            database.execute(
                "update jobs set status = case status when 'pending' then 'running' else status end,"
                " started_at = coalesce(started_at + (:now - paused_at), started_at, :now), paused_at = null"
                " where id = :job",
                {"now": now, "job": job},
            )
            resumed = row["paused_at"] is not None
            message, key = ("Job resumed.", f"resumed {now}") if resumed else (PREPROCESSING, PREPROCESSING)
            self._event(database, job, message, key=key)
        return True

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
        remove_unneeded_weights(self.state, [row["weights"] for row in old])

    def succeeded(self, job: Row, steps: Steps, trained_tokens: int) -> None:
        """End a job with a model and its results."""
        result = _result_id(job["id"])
        self.files.keep_result(job["account"], result, results_csv(steps))
        facts = {
            "fine_tuned_model": fine_tuned_name(job["id"], job["base_model"], job["suffix"]),
            "result_file": result,
            "trained_tokens": trained_tokens,
        }
        with self.state.transaction() as database:
            if self._end(database, job["id"], "succeeded", self.clock.now(), facts):
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

    def failed(self, job: str, code: str, message: str, *, at: float | None = None) -> None:
        """End a job without a model, now or as of the moment *at*."""
        error = json.dumps({"code": code, "message": message})
        moment = self.clock.now() if at is None else at
        with self.state.transaction() as database:
            if self._end(database, job, "failed", moment, {"error": error}):
                self._event(database, job, f"Job failed. {message}", level="error", at=moment)

    def cancelled(self, job: str) -> bool:
        """End a job because its owner wants so, billing the steps that were done; False if it has ended already."""
        with self.state.transaction() as database:
            row = database.execute("select steps, total_steps, total_tokens from jobs where id = ?", (job,)).fetchone()
            billed = row["total_tokens"] * row["steps"] // max(row["total_steps"], 1) if row["steps"] else None
            facts = {"trained_tokens": billed or None}
            if not self._end(database, job, "cancelled", self.clock.now(), facts):
                return False
            self._say(database, job, ["Job cancelled.", *([f"Training tokens billed: {billed}"] if billed else [])])
        return True

    def _end(self, database: Connection, job: str, status: str, moment: float, facts: dict[str, Any]) -> bool:
        """Give a living job its end and announce it; False if it has ended already."""
        living = "'pending', 'running', 'pausing', 'paused'" if status == "cancelled" else "'running', 'pausing'"
        columns = "".join(f", {name} = :{name}" for name in facts)
        changed = database.execute(
            f"update jobs set status = :status, finished_at = :moment{columns}"
            f" where id = :job and status in ({living})",
            {"status": status, "moment": moment, "job": job, **facts},
        ).rowcount
        if changed:
            self.webhooks.announce(database, job, status, moment)
        return changed > 0

    def _say(self, database: Connection, job: str, messages: Iterable[str]) -> None:
        for message in messages:
            self._event(database, job, message)

    def _event(
        self,
        database: Connection,
        job: str,
        message: str,
        *,
        data: dict[str, Any] | None = None,
        level: str = "info",
        key: str | None = None,
        at: float | None = None,
    ) -> None:
        """Add an event, now or as of *at*, unless the job has one with this *key*, by default its step or message.

        None is older than the event before it.
        """
        key = key or (str(data["step"]) if data else message)
        database.execute(
            "insert or ignore into job_events (id, job, created_at, level, message, type, data)"
            " values (:id, :job, max(:at, coalesce((select created_at from job_events where job = :job"
            " order by number desc limit 1), 0)), :level, :message, :type, :data)",
            {
                "id": f"ftevent-{_hex(job, key)}",
                "job": job,
                "at": self.clock.now() if at is None else at,
                "level": level,
                "message": message,
                "type": "metrics" if data else "message",
                "data": json.dumps(data) if data else None,
            },
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
