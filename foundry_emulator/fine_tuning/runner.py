"""Runs queued jobs, each in a training process of its own, at most three at a time."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Row
from typing import Any

from foundry_emulator.clock import Clock
from foundry_emulator.controls.faults import Faults
from foundry_emulator.fine_tuning.job_faults import JobFaults
from foundry_emulator.fine_tuning.records import JobRecords, Steps
from foundry_emulator.models import catalogue
from foundry_emulator.settings import ONE_BLAS_THREAD
from foundry_emulator.state import State

logger = logging.getLogger(__name__)

MOST_RUNNING = 3
_POLL_SECONDS = 0.05
_STORE_SECONDS = 0.25


class JobRunner:
    """Starts jobs when their time has come, follows them, and stops what was cancelled."""

    def __init__(self, state: State, clock: Clock, records: JobRecords, faults: Faults) -> None:
        self._state = state
        self._clock = clock
        self._records = records
        self._faults = faults
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._followers: dict[str, tuple[str, threading.Thread]] = {}
        self._interrupted: set[str] = set()
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-runner", daemon=True)

    def start(self) -> None:
        """Begin; jobs that were running when the emulator was killed are run again from their beginning."""
        self._thread.start()

    def stop(self) -> None:
        """End every training process; their jobs are taken up again at the next start."""
        self._stopping.set()
        self._thread.join()
        for process in list(self._processes.values()):
            process.kill()
            process.wait()

    @contextmanager
    def quiet(self, account: str | None = None) -> Iterator[None]:
        """Let no job of *account*, or of any, run inside the block; one that is there afterwards is run again."""
        with self._starting:
            followed = {job: thread for job, (of, thread) in dict(self._followers).items() if account in (None, of)}
            self._interrupted |= set(followed)
            for job, follower in followed.items():
                if process := self._processes.get(job):
                    process.kill()
                follower.join()
            self._interrupted -= set(followed)
            yield

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            with self._starting:
                self._stop_cancelled()
                for job in self._startable():
                    self._start(job)

    def _startable(self) -> list[Row]:
        """Return interrupted jobs, then as many queued ones as there is room for."""
        rows = self._state.rows(
            "select * from jobs where status = 'running' or (status = 'pending' and ready_at <= ?)"
            " order by status = 'pending', number",
            self._clock.now(),
        )
        waiting = [row for row in rows if row["id"] not in self._processes]
        return waiting[: MOST_RUNNING - len(self._processes)]

    def _stop_cancelled(self) -> None:
        for job, process in list(self._processes.items()):
            row = self._state.row("select status from jobs where id = ?", job)
            if row is not None and row["status"] == "cancelled":
                process.kill()

    def _start(self, job: Row) -> None:
        with self._state.transaction() as database:
            changed = database.execute(
                "update jobs set status = 'running' where id = ? and status in ('pending', 'running')", (job["id"],)
            ).rowcount
        if not changed:
            return
        self._records.say(job["id"], "Preprocessing running for file training file.")
        process = _spawn()
        self._processes[job["id"]] = process
        follower = threading.Thread(target=self._follow, args=(job, process), name=job["id"], daemon=True)
        self._followers[job["id"]] = job["account"], follower
        follower.start()

    def _follow(self, job: Row, process: subprocess.Popen[str]) -> None:
        try:
            problem = self._obey(job, process)
        except Exception:  # whatever it was, the job must end and free its place
            logger.exception("job %s", job["id"])
            problem = "internalFailure", "The training could not be followed."
        process.kill()
        process.wait()
        if self._stopping.is_set():
            return
        if problem and job["id"] not in self._interrupted:
            self._records.failed(job["id"], *problem)
        del self._followers[job["id"]]
        del self._processes[job["id"]]

    def _obey(self, job: Row, process: subprocess.Popen[str]) -> tuple[str, str] | None:
        """Give the order and keep what is reported; return (code, message) if the job cannot succeed."""
        base = catalogue.base_model(job["base_model"])
        if base is None or not base.images:
            return "invalidPayload", f"The model {job['base_model']} does not support training with images."
        faults = JobFaults(self._faults, self._state, job)
        try:
            _send(process, {**self._order(job), **faults.order()})
        except BrokenPipeError:
            return "internalFailure", "The training process did not start."
        except LookupError:
            return "notFound", "A file of the job was deleted."
        return _Follower(job, self._records, faults).follow(_reports(process))

    def _order(self, job: Row) -> dict[str, Any]:
        request = json.loads(job["request"])
        validation = request.get("validation_file")
        parameters = json.loads(job["hyperparameters"])
        return {
            "training": str(self._path(job, request["training_file"])),
            "validation": str(self._path(job, validation)) if validation else None,
            "parent": str(self._state.weights / job["parent_weights"]) if job["parent_weights"] else None,
            "weights": str(self._state.weights / job["id"]),
            "cache": str(self._state.folder / "features.sqlite"),
            "seed": job["seed"] % 2**32,
            "epochs": parameters["n_epochs"],
            "batch_size": parameters["batch_size"],
            "multiplier": parameters["learning_rate_multiplier"],
        }

    def _path(self, job: Row, file_id: str) -> Path:
        path = self._state.files / file_id
        if not path.exists():
            raise LookupError(f"{job['id']} lacks {file_id}")
        return path


class _Follower:
    """Turns what one training process reports into records."""

    def __init__(self, job: Row, records: JobRecords, faults: JobFaults) -> None:
        self._job = job
        self._records = records
        self._faults = faults
        self._steps: Steps = []
        self._stored = 0
        self._stored_at = 0.0

    def follow(self, reports: Iterator[dict[str, Any]]) -> tuple[str, str] | None:
        """Keep every report; return (code, message) if the job cannot succeed."""
        for told in reports:
            event = told.pop("event")
            if event == "failed":
                return told["code"], told["message"]
            if event == "started" and (failure := self._faults.failure("data_check")):
                return failure
            if event == "finished":
                return self._finish(told["trained_tokens"])
            self._keep(event, told)
            if event == "step" and self._faults.preempt(self._records, told["step"]):
                self._store_steps()
                return None
        return "internalFailure", "The training process ended before it was done."

    def _finish(self, trained_tokens: int) -> tuple[str, str] | None:
        self._store_steps()
        failure = self._faults.failure("model_evaluation")
        if failure is not None:
            self._records.say(self._job["id"], "Job succeeded.")
            return failure
        self._records.succeeded(self._job, self._steps, trained_tokens)
        return None

    def _keep(self, event: str, told: dict[str, Any]) -> None:
        if event == "step":
            self._steps.append(told)
            if time.monotonic() - self._stored_at > _STORE_SECONDS:
                self._store_steps()
        elif event == "preprocessed":
            self._records.say(self._job["id"], f"Preprocessing completed for file {told['file']} file.")
        elif event == "started":
            self._records.say(
                self._job["id"],
                "Job started.",
                "Data Import started.",
                "Finetuning started.",
                "Job queued, waiting for GPUs.",
            )
            self._records.started(self._job["id"], self._job["account"], told)
        elif event == "checkpoint":
            self._store_steps()
            self._records.checkpoint(self._job, told["step"], told["weights"], told["metrics"])

    def _store_steps(self) -> None:
        self._records.stepped(self._job["id"], self._steps[self._stored :])
        self._stored = len(self._steps)
        self._stored_at = time.monotonic()


def _spawn() -> subprocess.Popen[str]:
    """Start a training process that inherits nothing but its pipes."""
    package = str(Path(__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    paths = os.pathsep.join([package, inherited] if inherited else [package])
    return subprocess.Popen(
        [sys.executable, "-m", "foundry_emulator.learning.trainer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ONE_BLAS_THREAD, "PYTHONPATH": paths},
    )


def _send(process: subprocess.Popen[str], order: dict[str, Any]) -> None:
    if process.stdin is None:
        raise BrokenPipeError
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()


def _reports(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        if line.endswith("\n"):  # a killed process may leave half a line
            yield json.loads(line)
