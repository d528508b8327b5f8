"""Runs queued jobs, each in a training process of its own, as many at a time as an account may have."""

import json
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import Any

from foundry_emulator.background import Background
from foundry_emulator.clock import Clock
from foundry_emulator.controls.faults import Faults
from foundry_emulator.fine_tuning.follower import Follower
from foundry_emulator.fine_tuning.job_faults import JobFaults
from foundry_emulator.fine_tuning.records import ENDED, JobRecords
from foundry_emulator.fine_tuning.requests import DEVELOPER
from foundry_emulator.fine_tuning.training_process import TrainingProcess
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

logger = logging.getLogger(__name__)

MOST_RUNNING = 3
MOST_RUNNING_DEVELOPER = 5
MOST_SECONDS = 720 * 3600
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class _Training:
    """A job's process, and the thread that listens to it."""

    account: str
    process: TrainingProcess
    follower: threading.Thread


class JobRunner:
    """Starts jobs when their time has come, follows them, and stops, pauses and resumes them."""

    def __init__(self, state: State, clock: Clock, records: JobRecords, faults: Faults) -> None:
        self._state = state
        self._clock = clock
        self._records = records
        self._faults = faults
        self._trainings: dict[str, _Training] = {}
        self._interrupted: set[str] = set()
        self._starting = threading.Lock()
        self._background = Background("job-runner", _POLL_SECONDS, self._look)

    def start(self) -> None:
        """Begin; jobs that were running when the emulator was killed are run again from their beginning."""
        self._background.start()

    def stop(self) -> None:
        """End every training process; their jobs are taken up again at the next start."""
        self._background.stop()
        for training in list(self._trainings.values()):
            training.process.end()

    @contextmanager
    def quiet(self, account: str | None = None) -> Iterator[None]:
        """Let no job of *account*, or of any, run inside the block; one that is there afterwards is run again."""
        with self._starting:
            trainings = dict(self._trainings)
            stopped = {job: training for job, training in trainings.items() if account in (None, training.account)}
            self._interrupted |= set(stopped)
            for training in stopped.values():
                training.process.kill()
                training.follower.join()
            self._interrupted -= set(stopped)
            yield

    def _look(self) -> None:
        with self._starting:
            self._end_overdue()
            self._steer()
            for job in self._startable():
                self._start(job)

    def _startable(self) -> list[Row]:
        """Return interrupted jobs, then as many queued ones as their accounts have room for."""
        rows = self._state.rows(
            "select * from jobs where status in ('running', 'pausing') or (status = 'pending' and ready_at <= ?)"
            " order by status = 'pending', number",
            self._clock.now(),
        )
        running: Counter[tuple[str, bool]] = Counter()
        startable = []
        for row in rows:
            developer = row["training_type"] == DEVELOPER
            place = row["account"], developer
            pending = row["status"] == "pending"
            if pending and running[place] >= (MOST_RUNNING_DEVELOPER if developer else MOST_RUNNING):
                continue
            running[place] += 1
            if pending or row["id"] not in self._trainings:
                startable.append(row)
        return startable

    def _end_overdue(self) -> None:
        """End what has run for longer than a job may, by the emulator's clock, as of the moment it became so."""
        overdue = self._state.rows(
            "select id, started_at from jobs where status in ('running', 'pausing') and started_at <= ?",
            self._clock.now() - MOST_SECONDS,
        )
        for row in overdue:
            hours = MOST_SECONDS // 3600
            message = f"The job has exceeded the maximum duration of {hours} hours."
            self._records.failed(row["id"], "jobTimeout", message, at=row["started_at"] + MOST_SECONDS)

    def _steer(self) -> None:
        """Kill the processes of ended jobs, and tell those of others to pause."""
        for job, training in list(self._trainings.items()):
            row = self._state.row("select status from jobs where id = ?", job)
            if row is None or row["status"] in ENDED:
                training.process.kill()
            elif row["status"] == "pausing":
                training.process.tell("pause")

    def _start(self, job: Row) -> None:
        if not self._records.running(job["id"]):
            return
        asleep = self._trainings.get(job["id"])
        if asleep is not None:
            asleep.process.tell("resume")
            return
        process = TrainingProcess()
        follower = threading.Thread(target=self._follow, args=(job, process), name=job["id"], daemon=True)
        self._trainings[job["id"]] = _Training(job["account"], process, follower)
        follower.start()

    def _follow(self, job: Row, process: TrainingProcess) -> None:
        try:
            problem = self._obey(job, process)
        except Exception:  # whatever it was, the job must end and free its place
            logger.exception("job %s", job["id"])
            problem = "internalFailure", "The training could not be followed."
        process.end()
        if self._background.stopping.is_set():
            return
        try:
            if problem and job["id"] not in self._interrupted:
                self._records.failed(job["id"], *problem)
        except sqlite3.Error as full:
            logger.error("job %s is run again: %s", job["id"], full)  # noqa: TRY400
        finally:
            del self._trainings[job["id"]]

    def _obey(self, job: Row, process: TrainingProcess) -> tuple[str, str] | None:
        """Give the order and keep what is reported; return (code, message) if the job cannot succeed."""
        faults = JobFaults(self._faults, self._state, job)
        try:
            process.order({**self._order(job), **faults.order()})
        except BrokenPipeError:
            return "internalFailure", "The training process did not start."
        except LookupError:
            return "notFound", "A file of the job was deleted."
        return Follower(job, self._records, faults).follow(process.reports())

    def _order(self, job: Row) -> dict[str, Any]:
        request = json.loads(job["request"])
        base = catalogue.base_model(job["base_model"])
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
            "model": job["base_model"],
            "images": base is not None and base.images,
        }

    def _path(self, job: Row, file_id: str) -> Path:
        path = self._state.files / file_id
        if not path.exists():
            raise LookupError(f"{job['id']} lacks {file_id}")
        return path
