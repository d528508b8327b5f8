"""A process that has imported everything and forks one child for each run: `python -m tests.chaos.warm_parent`.

It reads one Order as a line of JSON, forks, waits for the child or kills it, and answers one Ended as a line.
"""

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import openai
from pydantic import BaseModel

from foundry_emulator.testing import API_KEY
from tests.chaos.points import Points, Strike, watch
from tests.chaos.promises import broken_promises
from tests.chaos.scenarios import scenario
from tests.chaos.snapshots import Place, take

QUICK_RETRIES = [0.2, 0.5, 1.0, 2.0]
LOOK_EVERY = 0.01
SNAPSHOT = "snapshot "
"""How a line among the points begins that says which snapshot was taken there."""


class Order(BaseModel):
    """One run of a scenario in *place*, how it is to be disturbed, and what to keep of it."""

    scenario: str
    place: Place
    address: str
    action: Literal["prepare", "run", "check"] = "run"
    strike: Strike | None = None
    kill_after: float | None = None
    patience: float = 240
    snapshots: Path | None = None


class Ended(BaseModel):
    """How a run ended."""

    killed: bool
    seconds: float
    problem: str | None = None
    found: Any = None
    imported: Sequence[str] = ()


def main() -> None:
    """Serve orders until the input ends."""
    with _prefect_in_a_hurry():
        _import_the_product()
        for line in sys.stdin:
            ended = _run(Order.model_validate_json(line))
            sys.stdout.write(ended.model_dump_json(exclude={"imported"}) + "\n")
            sys.stdout.flush()
            _import_too(ended.imported)


def _import_the_product() -> None:
    retrying = import_module("tasks.retrying")
    # Only the pace is another one: what is patient for minutes in production is so for seconds here.
    retrying.PATIENTLY["retry_delay_seconds"] = QUICK_RETRIES
    for name in ("flows.improve_model", "flows.ingest_images"):
        import_module(name)


def _import_too(names: Sequence[str]) -> None:
    """What a child had to import, the next one finds imported."""
    for name in names:
        with contextlib.suppress(Exception):
            import_module(name)


@contextlib.contextmanager
def _prefect_in_a_hurry() -> Iterator[None]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield


def _run(order: Order) -> Ended:
    began = time.monotonic()
    order.place.result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os._exit(_work(order))
    code, hung = _waited(child, began, order)
    told: dict[str, Any] = {"problem": "it did not end" if hung else None}
    if order.place.result.exists():
        told = json.loads(order.place.result.read_text())
    return Ended(killed=code == -signal.SIGKILL and not hung, seconds=time.monotonic() - began, **told)


def _waited(child: int, began: float, order: Order) -> tuple[int, bool]:
    """The child's exit code, and whether patience ended first."""
    at = order.patience if order.kill_after is None else order.kill_after
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), False
        if time.monotonic() - began > at:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status), order.kill_after is None
        time.sleep(LOOK_EVERY)


def _work(order: Order) -> int:
    """Do the work in the child; its output goes to the place's log."""
    log = os.open(order.place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    problem = found = None
    known = set(sys.modules)
    try:
        found = _do(order)
    except BaseException as error:
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}".split("\n")[0][:500]
    sys.stdout.flush()
    sys.stderr.flush()
    half = order.place.result.with_suffix(".half")
    half.write_text(json.dumps({"problem": problem, "found": found, "imported": sorted(set(sys.modules) - known)}))
    half.replace(order.place.result)
    return 0 if problem is None else 1


def _do(order: Order) -> Any:
    from deployments.servers import emulator_environment

    os.environ |= emulator_environment(order.address) | {"KAIZEN_API_KEY": API_KEY}
    chosen = scenario(order.scenario)
    if order.action == "check":
        service = openai.OpenAI(base_url=f"{order.address}/openai/v1/", api_key=API_KEY)
        loop = str(order.place.loop)
        return {"broken": list(broken_promises(order.place.loop, service)), "state": chosen.compared(loop)}
    if order.action == "prepare":
        return chosen.prepare(order.place.loop)
    points = Points(order.place.points, order.strike)
    if order.snapshots is not None:
        points.passed = Recorder(points, order.place, order.snapshots)
    watch(points, order.address)
    return chosen.run(str(order.place.loop))


class Recorder:
    """Takes a snapshot at the start and after each entry of the ledger, and notes where among the points it was."""

    def __init__(self, points: Points, place: Place, snapshots: Path) -> None:
        """Keep snapshots of *place* in *snapshots*."""
        self.points, self.place, self.snapshots, self.taken = points, place, snapshots, 0
        self.keep()

    def __call__(self, point: str) -> None:
        """A point was passed."""
        if point.startswith("after create ledger/"):
            self.keep()

    def keep(self) -> None:
        """Take a snapshot."""
        take(self.place, self.snapshots / f"{self.taken:03d}")
        self.points.note(f"{SNAPSHOT}{self.taken:03d}")
        self.taken += 1


if __name__ == "__main__":
    main()
