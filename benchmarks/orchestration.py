"""What an iteration costs besides the provider's own time: `python -m benchmarks.orchestration [--json]`.

One iteration runs on a real Prefect server and the emulator. Its overhead is its time from start to end less the
time of the steps that wait for the provider: upload, training, model deployments, answers.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks._table import report
from deployments.demo_loop import FIRST, demo_loop
from deployments.servers import client_environment, servers

PROVIDERS_STEPS = ("upload_training_files", "follow_training", "deploy", "ask_held_out")
JOB_SECONDS = 2 * 60 * 60
"""A fine-tuning job's usual length on Azure, against which the overhead is put."""


def measure() -> Mapping[str, float]:
    """`overhead_s` of one iteration in seconds, and `share` of it in an iteration with a job of two hours."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        with servers(folder) as running:
            os.environ |= client_environment(folder, running.addresses())
            overhead = _overhead(folder)
    return {"overhead_s": overhead, "share": overhead / (JOB_SECONDS + overhead)}


def _overhead(folder: Path) -> float:
    from flows.improve_model import improve_model
    from flows.ingest_images import ingest_images

    loop = demo_loop(folder, None, lambda _text: None)
    if FIRST not in loop.deliver([]):
        raise RuntimeError("the first batch was not delivered")
    ingest_images(str(folder))
    began = time.perf_counter()
    improve_model(str(folder))
    return time.perf_counter() - began - _seconds_of_provider()


def _seconds_of_provider() -> float:
    """Time that the tasks of the newest improve_model run spent waiting for the provider."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[newest.id])))
    waiting = [task for task in tasks if task.name.rpartition("-")[0] in PROVIDERS_STEPS]
    return sum(task.total_run_time.total_seconds() for task in waiting)


if __name__ == "__main__":
    report("orchestration", measure)
