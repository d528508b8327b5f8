"""Which disturbances there are: case N of seed S is always the same one, as long as the product stays the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from pydantic import BaseModel

from tests.chaos.faults import LAG, NETWORK, SERVICE
from tests.chaos.points import Strike

Kind = Literal["kill at a point", "kill at a random time", "fault", "fault and kill", "two kills"]

LONGEST_RUN = 5.0
SHOWN_OF_MANY = 2
TURNS: Sequence[Kind] = (
    "kill at a point",
    "fault and kill",
    "kill at a point",
    "fault",
    "kill at a point",
    "kill at a random time",
    "kill at a point",
    "two kills",
)
"""Kinds in the order in which cases take them."""


class Spot(BaseModel):
    """A point of the undisturbed run, counted from the newest snapshot before it."""

    scenario: str
    snapshot: str
    strike: Strike


class Kill(BaseModel):
    """How one run ends before its time."""

    strike: Strike | None = None
    after: float | None = None


class Case(BaseModel):
    """One disturbance of one scenario, begun at a snapshot of its undisturbed run."""

    seed: int
    number: int
    kind: Kind
    scenario: str
    snapshot: str
    kills: tuple[Kill, ...] = ()
    fault: str | None = None


def spots(scenario: str, points: Sequence[str], marker: str) -> list[Spot]:
    """All points of a recorded run; of a point that comes many times after a snapshot, the first few."""
    found: list[Spot] = []
    snapshot, counts = "", Counter[str]()
    for point in points:
        if point.startswith(marker):
            snapshot, counts = point.removeprefix(marker), Counter()
            continue
        counts[point] += 1
        strike = Strike(point=point, occurrence=counts[point])
        spot = Spot(scenario=scenario, snapshot=snapshot, strike=strike)
        if counts[point] <= SHOWN_OF_MANY and spot not in found:
            found.append(spot)
    return sorted(found, key=lambda each: (each.snapshot, each.strike.point, each.strike.occurrence))


def case(seed: int, number: int, known: Mapping[str, Sequence[Spot]]) -> Case:
    """Case *number* of *seed*, over the points *known* of each scenario."""
    dice = Random(f"{seed}/{number}")
    kind = TURNS[number % len(TURNS)]
    spot = _in_turn(seed, number, known)
    kills: tuple[Kill, ...] = ()
    if kind == "kill at a random time":
        kills = (Kill(after=round(dice.uniform(0, LONGEST_RUN), 3)),)
    elif kind != "fault":
        kills = (Kill(strike=spot.strike),)
    if kind == "two kills":
        kills = (*kills, Kill(after=round(dice.uniform(0, LONGEST_RUN), 3)))
    fault = _fault(dice, spot.scenario) if "fault" in kind else None
    snapshot = spot.snapshot if fault not in SERVICE else "000"
    return Case(
        seed=seed,
        number=number,
        kind=kind,
        scenario=spot.scenario,
        snapshot=snapshot,
        kills=kills,
        fault=fault,
    )


def _in_turn(seed: int, number: int, known: Mapping[str, Sequence[Spot]]) -> Spot:
    """Every spot comes once before any comes again."""
    every = [spot for scenario in sorted(known) for spot in known[scenario]]
    round_, place = divmod(number, len(every))
    Random(f"{seed}/{round_}").shuffle(every)
    return every[place]


def _fault(dice: Random, scenario: str) -> str | None:
    """A fault that can strike in the *scenario*; those who take in images do not talk to the service."""
    if "ingestion" in scenario:
        return None
    return dice.choice([*NETWORK, *NETWORK, *SERVICE, LAG])
