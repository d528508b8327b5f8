"""Jobs, their events and their checkpoints as callers are shown them; what is not known yet is absent."""

import json
from sqlite3 import Row
from typing import Any

from foundry_emulator.models import catalogue


def job_body(row: Row) -> dict[str, Any]:
    """Return the job."""
    body: dict[str, Any] = {
        "id": row["id"],
        "created_at": int(row["created_at"]),
        "hyperparameters": json.loads(row["hyperparameters"]),
        "model": row["model"],
        "object": "fine_tuning.job",
        "seed": row["seed"],
        "status": row["status"],
        **json.loads(row["request"]),
    }
    optional = {
        "estimated_finish": int(row["estimated_finish"]) if row["status"] != "paused" else None,
        "suffix": row["suffix"],
        "finished_at": int(row["finished_at"]) if row["finished_at"] else None,
        "fine_tuned_model": row["fine_tuned_model"],
        "result_files": [row["result_file"]] if row["result_file"] else None,
        "trained_tokens": row["trained_tokens"],
        "error": json.loads(row["error"]) if row["error"] else None,
    }
    return {**body, **{name: value for name, value in optional.items() if value is not None}}


def event_body(row: Row) -> dict[str, Any]:
    """Return the event."""
    body = {
        "id": row["id"],
        "created_at": int(row["created_at"]),
        "level": row["level"],
        "message": row["message"],
        "object": "fine_tuning.job.event",
        "type": row["type"],
    }
    return {**body, "data": json.loads(row["data"])} if row["data"] else body


def checkpoint_body(job: Row, row: Row, *, newest: bool) -> dict[str, Any]:
    """Return the checkpoint; the *newest* one of a job that has succeeded is the model itself."""
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
