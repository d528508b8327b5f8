"""Where a case is played: a folder, an emulator on it, and a warm parent that runs the scenario's flow."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry_emulator.testing import FoundryProcess
from tests.chaos.faults import Fault
from tests.chaos.points import Strike
from tests.chaos.snapshots import Place
from tests.chaos.warm_parent import Ended, Order

SPEED = 2
QUICK = ("--deployment-creation-seconds", "0.2", "--deployment-propagation-seconds", "0.1", "--speed", str(SPEED))
ROOT = Path(__file__).resolve().parents[2]


class WarmParent:
    """The process that forks the runs."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Start it; it takes its first order when it has imported the product."""
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.warm_parent"],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, order: Order) -> Ended:
        """Let it fork a child for *order*, and wait until that ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order.model_dump_json() + "\n")
        self.process.stdin.flush()
        return Ended.model_validate_json(self.process.stdout.readline())

    def end(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@dataclass
class Stage:
    """One place with its emulator running."""

    place: Place
    parent: WarmParent
    foundry: FoundryProcess

    def run(
        self,
        scenario: str,
        *,
        strike: Strike | None = None,
        kill_after: float | None = None,
        snapshots: Path | None = None,
    ) -> Ended:
        """Run the scenario once, disturbed as told."""
        return self._order(scenario, "run", strike=strike, kill_after=kill_after, snapshots=snapshots)

    def prepare(self, scenario: str) -> Ended:
        """Make ready what the scenario needs."""
        return self._order(scenario, "prepare")

    def check(self, scenario: str) -> tuple[Sequence[str], Any]:
        """The promises that are broken, and the final state."""
        ended = self._order(scenario, "check")
        if ended.problem:
            return [f"the check itself failed: {ended.problem}"], None
        return ended.found["broken"], ended.found["state"]

    def fault(self, fault: Fault) -> None:
        """Script a fault of the emulator."""
        self.foundry.ask("POST", "/emulator/faults", dict(fault))

    def end_faults(self) -> int:
        """Let every fault be over; returns how often they struck."""
        struck = sum(int(each["struck"]) for each in self.foundry.faults())
        self.foundry.ask("DELETE", "/emulator/faults")
        return struck

    def _order(self, scenario: str, action: str, **how: Any) -> Ended:
        order = {"scenario": scenario, "action": action, "place": self.place, "address": self.foundry.address, **how}
        return self.parent.run(Order.model_validate(order))


@contextmanager
def stage(place: Place, parent: WarmParent, *options: str) -> Iterator[Stage]:
    """An emulator on what *place* holds, for as long as the block runs."""
    foundry = FoundryProcess(place.emulator, *QUICK, *options)
    try:
        yield Stage(place, parent, foundry)
    finally:
        foundry.kill()
