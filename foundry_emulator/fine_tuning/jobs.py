"""Fine-tuning jobs as callers see them: created, listed, followed, cancelled."""

import json
import uuid
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning.records import JobRecords
from foundry_emulator.fine_tuning.requests import JobRequest
from foundry_emulator.fine_tuning.requests import parse as parse_request
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

MOST_QUEUED = 20
_EXPECTED_SECONDS = 60


@dataclass(frozen=True)
class Jobs:
    """The jobs of every account."""

    state: State
    clock: Clock
    files: Files
    records: JobRecords
    queue_seconds: float

    def create(self, account: str, body: dict[str, Any]) -> dict[str, Any]:
        """Queue a job and return it; ServiceError if it cannot be accepted."""
        request = parse_request(body)
        model = self._model(account, request.model)
        job = uuid.uuid4().hex
        now = self.clock.now()
        with self.state.transaction() as database:
            self._check_files(account, request)
            self._check_queue(account)
            database.execute(
                "insert into jobs (id, account, request, model, base_model, parent_weights, seed, suffix, status,"
                " created_at, ready_at, hyperparameters) values (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
                (
                    f"ftjob-{job}",
                    account,
                    json.dumps(_kept(request)),
                    request.model,
                    model.base.id,
                    model.weights,
                    request.seed,
                    request.suffix,
                    now,
                    now + self.queue_seconds,
                    json.dumps(request.hyperparameters),
                ),
            )
        self.records.say(f"ftjob-{job}", "Job enqueued. Waiting for jobs ahead to complete.")
        return self.retrieve(account, f"ftjob-{job}")

    def retrieve(self, account: str, job: str) -> dict[str, Any]:
        """Return one job; ServiceError 404 if there is none."""
        return _body(self._row(account, job))

    def all(self, account: str) -> list[dict[str, Any]]:
        """Return all jobs, newest first."""
        rows = self.state.rows("select * from jobs where account = ? order by number desc", account)
        return [_body(row) for row in rows]

    def cancel(self, account: str, job: str) -> dict[str, Any]:
        """End a pending or running job; ServiceError if it has ended already."""
        self._row(account, job)
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'cancelled', finished_at = ?"
                " where id = ? and status in ('pending', 'running')",
                (self.clock.now(), job),
            ).rowcount
        if not changed:
            raise errors.unexpected_state(f"The job '{job}' has ended and cannot be cancelled.")
        return self.retrieve(account, job)

    def events(self, account: str, job: str) -> list[dict[str, Any]]:
        """Return what happened in a job, newest first."""
        self._row(account, job)
        rows = self.state.rows("select * from job_events where job = ? order by number desc", job)
        return [_event_body(row) for row in rows]

    def checkpoints(self, account: str, job: str) -> list[dict[str, Any]]:
        """Return the kept checkpoints of a job, newest first."""
        owner = self._row(account, job)
        rows = self.state.rows("select * from checkpoints where job = ? order by step desc", job)
        return [_checkpoint_body(owner, row, newest=place == 0) for place, row in enumerate(rows)]

    def _row(self, account: str, job: str) -> Row:
        row = self.state.row("select * from jobs where account = ? and id = ?", account, job)
        if row is None:
            raise errors.not_found("job", job)
        return row

    def _model(self, account: str, name: str) -> catalogue.KnownModel:
        base = catalogue.base_model(name)
        if base is not None and base.trainable:
            return catalogue.KnownModel(name, base, None)
        known = catalogue.trained_model(self.state, account, name)
        if known is None:
            raise errors.invalid_payload(f"The specified base model '{name}' does not support fine-tuning.")
        return known

    def _check_files(self, account: str, request: JobRequest) -> None:
        for role, file_id in (("training", request.training_file), ("validation", request.validation_file)):
            if file_id is None:
                continue
            try:
                status = self.files.status(account, file_id)
            except errors.ServiceError as problem:
                raise errors.invalid_payload(f"The {role} file '{file_id}' does not exist.") from problem
            if status != "processed":
                raise errors.unexpected_state(f"The {role} file '{file_id}' is not processed; its status is {status}.")

    def _check_queue(self, account: str) -> None:
        row = self.state.row("select count(*) as n from jobs where account = ? and status = 'pending'", account)
        if row is not None and row["n"] >= MOST_QUEUED:
            raise errors.quota_exceeded(f"The limit of {MOST_QUEUED} queued fine-tuning jobs is reached.")


def _kept(request: JobRequest) -> dict[str, Any]:
    kept = {"training_file": request.training_file, **request.echoed}
    return {**kept, "validation_file": request.validation_file} if request.validation_file else kept


def _body(row: Row) -> dict[str, Any]:
    """Return the job; what is not known yet is absent."""
    created = int(row["created_at"])
    body: dict[str, Any] = {
        "id": row["id"],
        "created_at": created,
        "hyperparameters": json.loads(row["hyperparameters"]),
        "model": row["model"],
        "object": "fine_tuning.job",
        "seed": row["seed"],
        "status": row["status"],
        "estimated_finish": created + _EXPECTED_SECONDS,
        **json.loads(row["request"]),
    }
    optional = {
        "suffix": row["suffix"],
        "finished_at": int(row["finished_at"]) if row["finished_at"] else None,
        "fine_tuned_model": row["fine_tuned_model"],
        "result_files": [row["result_file"]] if row["result_file"] else None,
        "trained_tokens": row["trained_tokens"],
        "error": json.loads(row["error"]) if row["error"] else None,
    }
    return {**body, **{name: value for name, value in optional.items() if value is not None}}


def _event_body(row: Row) -> dict[str, Any]:
    body = {
        "id": row["id"],
        "created_at": int(row["created_at"]),
        "level": row["level"],
        "message": row["message"],
        "object": "fine_tuning.job.event",
        "type": row["type"],
    }
    return {**body, "data": json.loads(row["data"])} if row["data"] else body


def _checkpoint_body(job: Row, row: Row, *, newest: bool) -> dict[str, Any]:
    name = catalogue.fine_tuned_name(job["id"], job["base_model"], job["suffix"])
    final = newest and job["status"] == "succeeded"
    return {
        "id": row["id"],
        "created_at": int(row["created_at"]),
        "fine_tuned_model_checkpoint": name if final else f"{name}{catalogue.CHECKPOINT_MARK}{row['step']}",
        "fine_tuning_job_id": job["id"],
        "metrics": {"step": row["step"], **json.loads(row["metrics"])},
        "object": "fine_tuning.job.checkpoint",
        "step_number": row["step"],
    }
