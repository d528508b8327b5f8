"""Fine-tuning jobs as callers see them: created, listed, followed, paused, resumed, cancelled, deleted."""

import json
import uuid
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning.bodies import checkpoint_body, event_body, job_body
from foundry_emulator.fine_tuning.records import ENDED, JobRecords
from foundry_emulator.fine_tuning.requests import DEFAULT_TRAINING_TYPE, JobRequest
from foundry_emulator.fine_tuning.requests import parse as parse_request
from foundry_emulator.models import catalogue
from foundry_emulator.models.retirement import MISLEADING, Retirement
from foundry_emulator.state import State

MOST_JOBS = 500
MOST_QUEUED = 20
_EXPECTED_SECONDS = 60


@dataclass(frozen=True)
class Jobs:
    """The jobs of every account."""

    state: State
    clock: Clock
    files: Files
    records: JobRecords
    retirement: Retirement
    queue_seconds: float
    list_lag_seconds: float = 0.0
    training_type_required: bool = False

    def create(self, account: str, body: dict[str, Any]) -> dict[str, Any]:
        """Queue a job and return it; ServiceError if it cannot be accepted."""
        request = parse_request(body)
        if self.training_type_required and request.training_type is None:
            raise errors.invalid_payload(MISLEADING)
        model = self._model(account, request.model)
        job = f"ftjob-{uuid.uuid4().hex}"
        with self.state.transaction():
            self._check_files(account, request)
            self._check_room(account)
            self._insert(account, job, request, model)
            self.records.say(job, "Job enqueued. Waiting for jobs ahead to complete.")
        return self.retrieve(account, job)

    def retrieve(self, account: str, job: str) -> dict[str, Any]:
        """Return one job; ServiceError 404 if there is none."""
        return job_body(self._row(account, job))

    def all(self, account: str) -> list[dict[str, Any]]:
        """Return the jobs that the list has caught up with, newest first."""
        rows = self.state.rows(
            "select * from jobs where account = ? and deleted_at is null and created_at <= ? order by number desc",
            account,
            self.clock.now() - self.list_lag_seconds,
        )
        return [job_body(row) for row in rows]

    def cancel(self, account: str, job: str) -> dict[str, Any]:
        """End a job that has not ended; ServiceError if it has."""
        self._row(account, job)
        if not self.records.cancelled(job):
            raise errors.unexpected_state(f"The job '{job}' has ended and cannot be cancelled.")
        return self.retrieve(account, job)

    def pause(self, account: str, job: str) -> dict[str, Any]:
        """Let a running job come to rest at its next step; ServiceError if it is not running or has no step yet."""
        row = self._row(account, job)
        with self.state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'pausing' where id = ? and status = 'running' and steps > 0", (job,)
            ).rowcount
            if changed:
                self.records.say_again(job, "Job pausing.")
        if not changed:
            raise errors.unexpected_state(
                f"The job '{job}' cannot be paused: it must be running and have done a step; its status is"
                f" {row['status']} and it has done {row['steps']} steps."
            )
        return self.retrieve(account, job)

    def resume(self, account: str, job: str) -> dict[str, Any]:
        """Queue a paused job, which goes on where it was; ServiceError if it is not paused."""
        row = self._row(account, job)
        with self.state.transaction() as database:
            self._check_queue(account)
            changed = database.execute(
                "update jobs set status = 'pending', ready_at = ? where id = ? and status = 'paused'",
                (self.clock.now(), job),
            ).rowcount
        if not changed:
            raise errors.unexpected_state(f"The job '{job}' is not paused; its status is {row['status']}.")
        return self.retrieve(account, job)

    def delete(self, account: str, job: str) -> None:
        """Forget a job that has ended; its model stays. ServiceError if it has not ended."""
        row = self._row(account, job)
        if row["status"] not in ENDED:
            raise errors.unexpected_state(
                f"The job '{job}' cannot be deleted before it has ended; its status is {row['status']}."
            )
        with self.state.transaction() as database:
            database.execute("update jobs set deleted_at = ? where id = ?", (self.clock.now(), job))

    def events(self, account: str, job: str) -> list[dict[str, Any]]:
        """Return what happened in a job, newest first."""
        self._row(account, job)
        rows = self.state.rows("select * from job_events where job = ? order by number desc", job)
        return [event_body(row) for row in rows]

    def checkpoints(self, account: str, job: str) -> list[dict[str, Any]]:
        """Return the kept checkpoints of a job, newest first; none once its model was deleted."""
        owner = self._row(account, job)
        if owner["model_deleted_at"]:
            return []
        rows = self.state.rows("select * from checkpoints where job = ? order by step desc", job)
        return [checkpoint_body(owner, row, newest=place == 0) for place, row in enumerate(rows)]

    def needed_files(self) -> set[str]:
        """Return the ids of the files that jobs which have not ended took over when they were created."""
        rows = self.state.rows("select request from jobs where status not in ('succeeded', 'failed', 'cancelled')")
        requests = [json.loads(row["request"]) for row in rows]
        roles = ("training_file", "validation_file")
        return {request[role] for request in requests for role in roles if request.get(role)}

    def _row(self, account: str, job: str) -> Row:
        row = self.state.row("select * from jobs where account = ? and id = ? and deleted_at is null", account, job)
        if row is None:
            raise errors.not_found("job", job)
        return row

    def _insert(self, account: str, job: str, request: JobRequest, model: catalogue.KnownModel) -> None:
        now = self.clock.now()
        values = {
            "id": job,
            "account": account,
            "request": json.dumps(_kept(request)),
            "model": request.model,
            "base_model": model.base.id,
            "parent_weights": model.weights,
            "seed": request.seed,
            "suffix": request.suffix,
            "training_type": request.training_type or DEFAULT_TRAINING_TYPE,
            "status": "pending",
            "created_at": now,
            "ready_at": now + self.queue_seconds,
            "estimated_finish": now + self.queue_seconds + _EXPECTED_SECONDS,
            "hyperparameters": json.dumps(request.hyperparameters),
        }
        marks = ", ".join(f":{column}" for column in values)
        with self.state.transaction() as database:
            database.execute(f"insert into jobs ({', '.join(values)}) values ({marks})", values)

    def _model(self, account: str, name: str) -> catalogue.KnownModel:
        base = catalogue.base_model(name)
        known = catalogue.KnownModel(name, base, None) if base else catalogue.trained_model(self.state, account, name)
        if known is None and (".ft-" in name or name.startswith("ftchkpt-")):
            raise errors.invalid_payload(f"The specified model '{name}' does not exist or was deleted.")
        if known is None or not known.base.trainable:
            raise errors.invalid_payload(f"The specified base model '{name}' does not support fine-tuning.")
        self.retirement.check_training(known.base)
        return known

    def _check_files(self, account: str, request: JobRequest) -> None:
        for role, file_id in (("training", request.training_file), ("validation", request.validation_file)):
            if file_id is None:
                continue
            try:
                file = self.files.retrieve(account, file_id)
            except errors.ServiceError as problem:
                raise errors.invalid_payload(f"The {role} file '{file_id}' does not exist.") from problem
            if file["purpose"] != "fine-tune":
                raise errors.invalid_payload(
                    f"The {role} file '{file_id}' has the purpose '{file['purpose']}', not 'fine-tune'."
                )
            if file["status"] != "processed":
                raise errors.unexpected_state(
                    f"The {role} file '{file_id}' is not processed; its status is {file['status']}."
                )

    def _check_room(self, account: str) -> None:
        self._check_queue(account)
        row = self.state.row("select count(*) as n from jobs where account = ? and deleted_at is null", account)
        if row is not None and row["n"] >= MOST_JOBS:
            raise errors.quota_exceeded(f"The limit of {MOST_JOBS} fine-tuning jobs is reached.")

    def _check_queue(self, account: str) -> None:
        row = self.state.row("select count(*) as n from jobs where account = ? and status = 'pending'", account)
        if row is not None and row["n"] >= MOST_QUEUED:
            raise errors.quota_exceeded(f"The limit of {MOST_QUEUED} queued fine-tuning jobs is reached.")


def _kept(request: JobRequest) -> dict[str, Any]:
    kept = {"training_file": request.training_file, **request.echoed}
    return {**kept, "validation_file": request.validation_file} if request.validation_file else kept
