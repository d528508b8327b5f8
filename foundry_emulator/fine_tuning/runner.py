"""Runs queued jobs, each in a training process of its own, as many at a time as an account may have."""

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Row
from typing import Any

from foundry_emulator.clock import Clock
from foundry_emulator.fine_tuning import hyperparameters
from foundry_emulator.fine_tuning.records import ENDED, JobRecords, Steps
from foundry_emulator.fine_tuning.requests import DEVELOPER
from foundry_emulator.models import catalogue
from foundry_emulator.settings import ONE_BLAS_THREAD
from foundry_emulator.state import State

logger = logging.getLogger(__name__)

MOST_RUNNING = 3
MOST_RUNNING_DEVELOPER = 5
MOST_SECONDS = 720 * 3600
MOST_TOKENS = 2_000_000_000
_POLL_SECONDS = 0.05
_STORE_SECONDS = 0.25


class _Training:
    """A training process, and what it was told last."""

    def __init__(self) -> None:
        self.process = _spawn()
        self.ordered = False
        self.told: str | None = None

    def tell(self, word: str) -> None:
        """Say "pause" or "resume", once; nothing to a process that has no order yet or has ended."""
        if self.ordered and self.told != word:
            self.told = word
            with contextlib.suppress(OSError, ValueError):
                _say(self.process, word)


class JobRunner:
    """Starts jobs when their time has come, follows them, and stops, pauses and resumes them."""

    def __init__(self, state: State, clock: Clock, records: JobRecords) -> None:
        self._state = state
        self._clock = clock
        self._records = records
        self._trainings: dict[str, _Training] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-runner", daemon=True)

    def start(self) -> None:
        """Begin; jobs that were running when the emulator was killed are run again from their beginning."""
        self._thread.start()

    def stop(self) -> None:
        """End every training process; their jobs are taken up again at the next start."""
        self._stopping.set()
        self._thread.join()
        for training in list(self._trainings.values()):
            training.process.kill()
            training.process.wait()

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                self._look()
            except Exception:  # whatever it was, there must be a next look
                logger.exception("jobs")

    def _look(self) -> None:
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
                training.tell("pause")

    def _start(self, job: Row) -> None:
        if not self._records.running(job["id"]):
            return
        asleep = self._trainings.get(job["id"])
        if asleep is not None:
            asleep.tell("resume")
            return
        training = _Training()
        self._trainings[job["id"]] = training
        threading.Thread(target=self._follow, args=(job, training), name=job["id"], daemon=True).start()

    def _follow(self, job: Row, training: _Training) -> None:
        try:
            problem = self._obey(job, training)
        except Exception:  # whatever it was, the job must end and free its place
            logger.exception("job %s", job["id"])
            problem = "internalFailure", "The training could not be followed."
        training.process.kill()
        training.process.wait()
        if self._stopping.is_set():
            return
        if problem:
            self._records.failed(job["id"], *problem)
        del self._trainings[job["id"]]

    def _obey(self, job: Row, training: _Training) -> tuple[str, str] | None:
        """Give the order and keep what is reported; return (code, message) if the job cannot succeed."""
        try:
            _say(training.process, json.dumps(self._order(job)))
            training.ordered = True
        except BrokenPipeError:
            return "internalFailure", "The training process did not start."
        except LookupError:
            return "notFound", "A file of the job was deleted."
        return _Follower(job, self._records).follow(_reports(training.process))

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


class _Follower:
    """Turns what one training process reports into records."""

    def __init__(self, job: Row, records: JobRecords) -> None:
        self._job = job
        self._records = records
        self._steps: Steps = []
        self._stored = 0
        self._stored_at = 0.0

    def follow(self, reports: Iterator[dict[str, Any]]) -> tuple[str, str] | None:
        """Keep every report; return (code, message) if the job cannot succeed."""
        for told in reports:
            event = told.pop("event")
            if event == "failed":
                return told["code"], told["message"]
            if event == "finished":
                self._store_steps()
                self._records.succeeded(self._job, self._steps, told["trained_tokens"])
                return None
            problem = _problem(event, told)
            if problem:
                self._store_steps()
                return problem
            self._keep(event, told)
        return "internalFailure", "The training process ended before it was done."

    def _keep(self, event: str, told: dict[str, Any]) -> None:
        if event == "step":
            self._steps.append(told)
            if time.monotonic() - self._stored_at > _STORE_SECONDS:
                self._store_steps()
        elif event == "preprocessed":
            self._records.say(self._job["id"], f"Preprocessing completed for file {told['file']} file.")
        elif event == "started":
            self._start(told)
        elif event == "checkpoint":
            self._store_steps()
            self._records.checkpoint(self._job, told["step"], told["weights"], told["metrics"])
        elif event == "paused":
            self._records.paused(self._job["id"], told["step"])

    def _start(self, told: dict[str, Any]) -> None:
        self._records.say(
            self._job["id"],
            "Job started.",
            "Data Import started.",
            "Finetuning started.",
            "Job queued, waiting for GPUs.",
        )
        self._records.started(
            self._job["id"],
            self._job["account"],
            {name: told[name] for name in hyperparameters.NAMES},
            tokens=told.get("tokens", 0) * told["n_epochs"],
            steps=told.get("steps", 0),
        )

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


def _problem(event: str, told: dict[str, Any]) -> tuple[str, str] | None:
    """Return why a job cannot go on after what it has told, None if it can."""
    if event == "started" and told.get("tokens", 0) * told["n_epochs"] > MOST_TOKENS:
        return "invalidPayload", (
            f"The training file has {told['tokens']} tokens, {told['tokens'] * told['n_epochs']} in"
            f" {told['n_epochs']} epochs; a job may have {MOST_TOKENS}."
        )
    if event == "step" and not math.isfinite(told["train_loss"]):
        return "trainingDiverged", (
            f"The training loss was not a number at step {told['step']}. Use a smaller learning_rate_multiplier."
        )
    return None


def _say(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is None:
        raise BrokenPipeError
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _reports(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        if line.endswith("\n"):  # a killed process may leave half a line
            yield json.loads(line)
