"""Which files living jobs need: they were taken over when the job was created, whatever becomes of the files."""

import json

from foundry_emulator.state import State


def files_of_living_jobs(state: State) -> set[str]:
    """Return the ids of all files of jobs that have not ended."""
    rows = state.rows("select request from jobs where status not in ('succeeded', 'failed', 'cancelled')")
    requests = [json.loads(row["request"]) for row in rows]
    return {request[role] for request in requests for role in ("training_file", "validation_file") if request.get(role)}
