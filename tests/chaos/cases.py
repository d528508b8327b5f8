"""Which disturbances there are: case N of seed S is always the same one, as long as the product stays the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from pydantic import BaseModel

from tests.chaos.faults import JOB, LAG, LATE_AND_LOST, NETWORK, SERVICE
from tests.chaos.points import Strike

Kind = Literal["kill at a point", "kill at a random time", "fault", "fault and kill", "two kills"]

LONGEST_RUN = 5.0
SHOWN_OF_MANY = 2
LAGGING_SHARE, SECOND_JOB_SHARE = 0.3, 0.5
MOMENTS = ("before", "after")
FAULTS = (*NETWORK, *NETWORK, *SERVICE, LAG, LATE_AND_LOST)
FROM_THE_START = (*SERVICE, LATE_AND_LOST)
"""What has to be set before the job is bought."""
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
    lags: bool = False


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
    faulty = "fault" in kind
    spot = _in_turn(seed, number, {name: each for name, each in known.items() if not faulty or _buys(each)})
    fault = dice.choice(FAULTS) if faulty else None
    return Case(
        seed=seed,
        number=number,
        kind=kind,
        scenario=spot.scenario,
        snapshot="000" if fault in FROM_THE_START else spot.snapshot,
        kills=_kills(kind, spot, fault, dice),
        fault=fault,
        lags=fault in (LAG, LATE_AND_LOST) or (fault in SERVICE and dice.random() < LAGGING_SHARE),
    )


def _kills(kind: Kind, spot: Spot, fault: str | None, dice: Random) -> tuple[Kill, ...]:
    at_random = Kill(after=round(dice.uniform(0, LONGEST_RUN), 3))
    if kind == "fault":
        return ()
    if kind == "kill at a random time":
        return (at_random,)
    if fault in FROM_THE_START and dice.random() < SECOND_JOB_SHARE:
        # Where a job fails, the second one is bought at points that no undisturbed run has.
        return (Kill(strike=Strike(point=f"{dice.choice(MOMENTS)} {JOB}", occurrence=2)),)
    strike = Kill(strike=spot.strike)
    return (strike, at_random) if kind == "two kills" else (strike,)


def _buys(every: Sequence[Spot]) -> bool:
    """Whether a scenario talks to the service, so that the service's faults can strike it."""
    return any("/openai/" in spot.strike.point for spot in every)


def _in_turn(seed: int, number: int, known: Mapping[str, Sequence[Spot]]) -> Spot:
    """Every spot comes once before any comes again."""
    every = [spot for scenario in sorted(known) for spot in known[scenario]]
    round_, place = divmod(number, len(every))
    Random(f"{seed}/{round_}").shuffle(every)
    return every[place]
