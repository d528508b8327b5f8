"""The chaos harness: records undisturbed runs, plays disturbed ones, and tells which of them broke a promise."""

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pydantic import BaseModel

from tests.chaos.cases import Case, Kill, Spot, case, spots
from tests.chaos.faults import LAG_SECONDS, SERVICE, scripted
from tests.chaos.promises import differences
from tests.chaos.scenarios import SCENARIOS, Scenario, scenario
from tests.chaos.snapshots import Place, put_back
from tests.chaos.stage import SPEED, Stage, WarmParent, stage
from tests.chaos.warm_parent import SNAPSHOT

RUNS = 9
FAULTY_RUNS = 4
"""Runs that a case's faults may spoil; they are over before the others begin."""


class Played(BaseModel):
    """What became of a case."""

    case: Case
    broken: list[str]
    killed: int
    struck: int
    runs: int
    seconds: float

    @property
    def survived(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken


class HarnessBroken(Exception):
    """An undisturbed run did not end well, so that nothing can be compared with it."""


@dataclass
class Harness:
    """Warm parents, recorded runs, and the folder that holds them."""

    home: Path
    parents: Sequence[WarmParent]
    scenarios: Sequence[Scenario]
    spots: dict[str, Sequence[Spot]] = field(default_factory=dict)
    undisturbed: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    def record(self) -> None:
        """Run every scenario undisturbed, one after the other, with a snapshot after each entry of the ledger."""
        place = Place(folder=self.home / "recorded")
        place.folder.mkdir(parents=True)
        with stage(place, self.parents[0]) as on:
            for each in self.scenarios:
                _well(on.prepare(each.name).problem, each, place)
                place.points.unlink(missing_ok=True)
                _well(on.run(each.name, snapshots=self._snapshots(each.name)).problem, each, place)
                self.spots[each.name] = spots(each.name, place.points.read_text().splitlines(), SNAPSHOT)
                self.undisturbed[each.name, None] = _kept(on, each)

    def play(self, seed: int, numbers: Sequence[int]) -> Iterator[Played]:
        """Play the cases, several at a time; each is told as soon as it and those before it ended."""
        yield from self._side_by_side([case(seed, number, self.spots) for number in numbers], self._play)

    def play_one(self, chosen: Case) -> Played:
        """Play a case of one's own making."""
        return self._play(self.parents[0], chosen)

    def _side_by_side(self, items: Sequence[Any], work: Any) -> Iterator[Any]:
        free: SimpleQueue[WarmParent] = SimpleQueue()
        for parent in self.parents:
            free.put(parent)

        def one(item: Any) -> Any:
            parent = free.get()
            try:
                return work(parent, item)
            finally:
                free.put(parent)

        with ThreadPoolExecutor(len(self.parents)) as pool:
            yield from pool.map(one, items)

    def _wanted(self, parent: WarmParent, chosen: Case) -> Any:
        """The final state of a run that is not killed; where the service itself fails, of a run with that failure."""
        kind = chosen.fault if chosen.fault in SERVICE else None
        if (chosen.scenario, kind) not in self.undisturbed:
            self.undisturbed[chosen.scenario, kind] = self._with_fault(parent, scenario(chosen.scenario), str(kind))
        return self.undisturbed[chosen.scenario, kind]

    def _with_fault(self, parent: WarmParent, each: Scenario, kind: str) -> Any:
        place = self._put_back(each.name, "000", f"{each.name} {kind} {secrets.token_hex(2)}")
        with stage(place, parent) as on:
            on.fault(SERVICE[kind])
            _well(on.run(each.name).problem, each, place)
            on.end_faults()
            return _kept(on, each)

    def _play(self, parent: WarmParent, chosen: Case) -> Played:
        place = self._put_back(chosen.scenario, chosen.snapshot, folder_of(chosen))
        (place.folder / "case.json").write_text(chosen.model_dump_json(indent=2))
        wanted = self._wanted(parent, chosen)
        options = ("--job-list-lag-seconds", str(LAG_SECONDS * SPEED)) if chosen.lags else ()
        with stage(place, parent, *options) as on:
            played = _played(on, chosen, wanted)
        if played.survived:
            shutil.rmtree(place.folder)
        return played

    def _snapshots(self, name: str) -> Path:
        return self.home / "snapshots" / name.replace(" ", "-")

    def _put_back(self, scenario: str, snapshot: str, name: str) -> Place:
        place = Place(folder=self.home / name.replace(" ", "-"))
        put_back(self._snapshots(scenario) / snapshot, place)
        return place


@contextmanager
def harness(
    home: Path, prefect: Mapping[str, str], *, scenarios: Sequence[Scenario] = SCENARIOS, side_by_side: int = 2
) -> Iterator[Harness]:
    """A harness in *home*, recorded and ready; *prefect* are the variables that lead to a Prefect server."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **prefect}
    parents = [WarmParent(environment, home / f"parent-{number}.log") for number in range(side_by_side)]
    try:
        ready = Harness(home, parents, scenarios)
        ready.record()
        yield ready
    finally:
        for each in parents:
            each.end()


def folder_of(chosen: Case) -> str:
    """The name of the folder in which a case is played."""
    return f"case-{chosen.seed}-{chosen.number}"


def again(played: Played) -> str:
    """The command that plays the case again."""
    return f"{sys.executable} -m benchmarks.chaos --seed {played.case.seed} --only {played.case.number}"


def _played(on: Stage, chosen: Case, wanted: Any) -> Played:
    _script(on, chosen)
    killed, struck, seconds, run = 0, 0, 0.0, 0
    while True:
        kill = chosen.kills[run] if run < len(chosen.kills) else Kill()
        if run == FAULTY_RUNS:
            struck = on.end_faults()
        ended = on.run(chosen.scenario, strike=kill.strike, kill_after=kill.after)
        run, killed, seconds = run + 1, killed + ended.killed, seconds + ended.seconds
        through = not ended.killed and ended.problem is None
        if through or run == RUNS:
            break
    struck += on.end_faults()
    if chosen.lags:
        time.sleep(LAG_SECONDS)  # the list of jobs is asked for what has to be in it
    broken = _broken(on, chosen.scenario, wanted)
    if not through:
        broken.insert(0, f"it did not come to its end: {ended.problem or 'killed'}")
    return Played(case=chosen, broken=broken, killed=killed, struck=struck, runs=run, seconds=round(seconds, 2))


def _script(on: Stage, chosen: Case) -> None:
    if chosen.fault is not None:
        for fault in scripted(chosen.fault, f"{chosen.seed}/{chosen.number}"):
            on.fault(fault)


def _broken(on: Stage, scenario: str, wanted: Any) -> list[str]:
    broken, state = on.check(scenario)
    return [*broken, *differences(wanted, state)]


def _kept(on: Stage, each: Scenario) -> Any:
    """The final state of an undisturbed run, which has to keep the promises too."""
    broken, state = on.check(each.name)
    _well("; ".join(broken), each, on.place)
    return state


def _well(problem: str | None, each: Scenario, place: Place) -> None:
    if problem:
        raise HarnessBroken(f"The undisturbed {each.name} failed: {problem} (see {place.log})")


def as_line(played: Played) -> str:
    """One line of a file of results."""
    return json.dumps(played.model_dump(mode="json"), ensure_ascii=False)
