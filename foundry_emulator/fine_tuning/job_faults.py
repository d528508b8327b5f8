"""What a script has in store for one running job."""

import json
from sqlite3 import Row
from typing import Any

from foundry_emulator.controls.fault_script import Fault
from foundry_emulator.controls.faults import Faults
from foundry_emulator.fine_tuning.records import JobRecords
from foundry_emulator.state import State

_DATA_HARM = ("hate_fairness", "self_harm", "violence")
_MODEL_HARM = ("Violence", "Self Harm")
_CODE = "contentFilter"


class JobFaults:
    """The fate of one job: it may fail, be preempted, or lose a share of its images."""

    def __init__(self, faults: Faults, state: State, job: Row) -> None:
        self._faults = faults
        self._state = state
        self._job = str(job["id"])
        self._facts = self._facts_of(job)
        self._looked: set[str] = set()

    def order(self) -> dict[str, Any]:
        """Return what is to be added to the order of the training process."""
        fault = self._faults.fate(self._job, self._facts, "people_share")
        return {"people_share": fault.value} if fault and fault.value > 0 else {}

    def failure(self, stage: str) -> tuple[str, str] | None:
        """Return the code and message with which the job fails at *stage*, None if it does not."""
        fault = self._faults.fate(self._job, self._facts, "job_fails", stage)
        if fault is None:
            return None
        return fault.script.get("code", _CODE), fault.script.get("message", _safety_text(fault))

    def preempt(self, records: JobRecords, step: int) -> bool:
        """Send the job back among those that wait if that is its fate at *step*; return whether it was."""
        due = [fault for fault in self._faults.preempting(step) if fault.id not in self._looked]
        if not due:
            return False
        self._looked |= {fault.id for fault in due}
        with self._state.transaction():
            fault = self._faults.preemption(self._job, self._facts, due)
            if fault is not None:
                records.preempted(self._job, fault.value)
        return fault is not None

    def _facts_of(self, job: Row) -> dict[str, tuple[str, ...]]:
        training_file = json.loads(job["request"])["training_file"]
        row = self._state.row("select filename from files where id = ?", training_file)
        return {
            "account": (job["account"],),
            "model": (job["model"],),
            "suffix": (job["suffix"],) if job["suffix"] else (),
            "training_file": (training_file, row["filename"]) if row else (training_file,),
        }


def _safety_text(fault: Fault) -> str:
    """Return what the service says of harmful data, or of a harmful model."""
    if fault.value == "data_check":
        harm = ", ".join(fault.script.get("harm_types", _DATA_HARM))
        return (
            f"The provided training data failed RAI checks for harm types: [{harm}]. Please fix the data and try again."
        )
    harm = ", ".join(fault.script.get("harm_types", _MODEL_HARM))
    return (
        "This model is unable to be deployed. Model evaluation identified that this fine tuned model scores above"
        f" acceptable thresholds for [{harm}]. Please review your training data set and resubmit the job."
    )
