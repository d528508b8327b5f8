"""What one training process reports, turned into the records of its job."""

import math
import time
from collections.abc import Iterator
from sqlite3 import Row
from typing import Any

from foundry_emulator.fine_tuning import hyperparameters
from foundry_emulator.fine_tuning.job_faults import JobFaults
from foundry_emulator.fine_tuning.records import JobRecords, Steps

MOST_TOKENS = 2_000_000_000
_STORE_SECONDS = 0.25


class Follower:
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
            problem = _problem(event, told)
            if problem:
                self._store_steps()
                return problem
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
