"""A made-up year of one fleet: model deployments, their traffic, people who keep and cancel, metrics that fail.

Times are hours since the year began. A call is made three quarters into its hour, and the metric shows it once that is
over.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_contracts.idle import CallEvidence, Keep, ObservedDeployment, Owner, PlannedDeletion, Role
from data_contracts.policies import DeletionPolicy
from decisions.idle.last_calls import CallTable, read_calls

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 365 * 24
DAY, WEEK = 24, 7 * 24
LOOK_BACK = 24 * DAY
EVALUATION = 12
MODEL = "gpt-4.1-2025-04-14.ft-0123456789abcdef0123456789abcdef-k0123456789abcdef"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
How = Literal["deleted", "vanished", "expired"]


def moment(hour: float) -> datetime:
    """An hour of the year as a moment."""
    return BEGINNING + hour * HOUR


def hour_of(at: datetime) -> float:
    """A moment as an hour of the year."""
    return (at - BEGINNING) / HOUR


@dataclass
class Life:
    """One model deployment from its creation to its end; a revived one lives again."""

    row: int
    created: float
    ended: float | None = None
    how: How | None = None
    noticed: bool = False
    run: PlannedDeletion | None = None
    cancelled_at: float | None = None
    runs_ended: int = 0
    kept_alive: float | None = None
    keeps: list[tuple[float, float]] = field(default_factory=list)

    def lives(self, hour: float) -> bool:
        """Whether it stands at *hour*."""
        return self.created <= hour and (self.ended is None or hour < self.ended)

    def kept(self, hour: float) -> bool:
        """Whether somebody's word keeps it at *hour*."""
        return any(begin <= hour < end for begin, end in self.keeps)


@dataclass(frozen=True)
class World:
    """Everything that befalls a fleet, whatever is decided about it; a row for each model deployment."""

    account: str
    policy: DeletionPolicy
    customers: NDArray[np.int16]
    own: NDArray[np.int16]
    """By our own log."""
    metric: NDArray[np.int16]
    """What the provider counts: now and then a call of ours an hour later than our log."""
    outages: tuple[tuple[int, int, bool], ...]
    """First hour, end, and whether the figures are there once it is over."""
    owners: tuple[Owner, ...]
    developer: NDArray[np.bool_]
    orphans: NDArray[np.bool_]
    promotions: tuple[tuple[float, int], ...]
    created: NDArray[np.int64]
    vanishes: NDArray[np.float64]
    keeps: tuple[tuple[int, float, float], ...]
    """Row, and from when to when somebody keeps it."""

    def roles(self, life: Life, hour: float) -> frozenset[Role]:
        """What the model deployment is needed for at *hour*."""
        found: set[Role] = set()
        if life.created <= hour < life.created + EVALUATION and self.owners[life.row] == "this loop":
            found.add("running evaluation")
        promoted = [row for at, row in self.promotions if at <= hour]
        if promoted and promoted[-1] == life.row:
            found.add("champion")
        if len(promoted) > 1 and promoted[-2] == life.row:
            found.add("rollback twin")
        return frozenset(found or ({"orphan"} if self.orphans[life.row] else ()))

    def evidence(self, rows: list[int], hour: float) -> list[CallEvidence]:
        """What is known at *hour* about the calls of *rows*."""
        begin, end = max(0, int(hour) - LOOK_BACK), int(hour)
        successes = self.metric[rows, begin:end].astype(np.float32)
        for first, last, filled in self.outages:
            if not (filled and last <= hour) and first < end and last > begin:
                successes[:, max(0, first - begin) : last - begin] = np.nan
        table = CallTable(moment(begin), moment(hour), successes, self.own[rows, begin:end].astype(np.float32))
        return read_calls(table, self.policy.metrics_lag)

    def observed(self, life: Life, calls: CallEvidence, hour: float) -> ObservedDeployment:
        """A model deployment as it is seen at *hour*."""
        return ObservedDeployment(
            account=self.account,
            name=f"k{life.row:04d}",
            model=MODEL,
            sku="DeveloperTier" if self.developer[life.row] else "GlobalStandard",
            created_at=moment(life.created),
            owner=self.owners[life.row],
            roles=self.roles(life, hour),
            calls=calls,
            kept_alive_at=None if life.kept_alive is None else moment(life.kept_alive),
            keeps=tuple(
                Keep(until=moment(end), by="somebody", why="a trial") for begin, end in life.keeps if begin <= hour
            ),
            planned_for=life.run.at if life.run else None,
            runs_ended=life.runs_ended,
        )


def drawn(seed: int, rows: int) -> World:
    """The year of a fleet of *rows* model deployments."""
    random = np.random.default_rng(seed)
    created = np.sort(random.integers(0, HOURS - DAY, rows))
    alive = np.arange(HOURS) > created[:, None]
    customers = np.where(alive, _traffic(random, rows), 0).astype(np.int16)
    own = np.where(alive, _own(random, rows), 0).astype(np.int16)
    owners = tuple(random.choice(("this loop", "another loop", "stranger"), rows, p=(0.9, 0.05, 0.05)).tolist())
    ours = np.array([owner == "this loop" for owner in owners])
    developer = _chance(random, 0.1, rows)
    promoted = np.flatnonzero(ours & ~developer & (_chance(random, 0.15, rows)))
    kept = np.flatnonzero(_chance(random, 0.1, rows))
    return World(
        account=f"plant-{seed:03d}",
        policy=_policy(random),
        customers=customers,
        own=own,
        metric=customers + _counted(random, own),
        outages=tuple(_outages(random)),
        owners=owners,
        developer=developer,
        orphans=_chance(random, 0.1, rows),
        promotions=tuple((float(created[row] + EVALUATION), int(row)) for row in promoted),
        created=created,
        vanishes=np.where(_chance(random, 0.03, rows), created + random.uniform(2, 40 * DAY, rows), np.inf),
        keeps=tuple((int(row), *_keep(random, created[row])) for row in kept),
    )


def _chance(random: np.random.Generator, share: float, shape: int | tuple[int, ...]) -> NDArray[np.bool_]:
    """True for about *share* of *shape*."""
    chosen: NDArray[np.bool_] = random.random(shape) < share
    return chosen


def _policy(random: np.random.Generator) -> DeletionPolicy:
    drawn_: dict[str, Any] = {
        "idle_days": int(random.choice((3, 7, 13, 20), p=(0.2, 0.5, 0.15, 0.15))),
        "safety_margin_hours": int(random.choice((24, 48))),
        "notice_days": int(random.choice((0, 3))),
        "time_zone": str(random.choice(ZONES)),
        "most_a_day": int(random.choice((2, 5, 20))),
        "idle_champion": str(random.choice(("park", "keep alive"))),
    }
    return DeletionPolicy.model_validate(drawn_)


def _traffic(random: np.random.Generator, rows: int) -> NDArray[np.int64]:
    """Weeks of calls and weeks of silence; some are never called, some rarely."""
    changes = random.random((rows, HOURS)) < 1 / random.choice((3 * DAY, WEEK, 2 * WEEK, 5 * WEEK), (rows, 1))
    busy = (np.cumsum(changes, axis=1) + random.integers(0, 2, (rows, 1))) % 2 == 1
    rate = random.choice((0.0, 0.01, 0.1, 2.0), (rows, 1), p=(0.25, 0.25, 0.25, 0.25))
    return np.where(busy, random.poisson(rate, (rows, HOURS)), 0)


def _own(random: np.random.Generator, rows: int) -> NDArray[np.int64]:
    """Audits of half of them, about one in four days, a few calls each."""
    audited = _chance(random, 0.5, (rows, 1)) & _chance(random, 1 / (4 * DAY), (rows, HOURS))
    return np.where(audited, random.integers(1, 30, (rows, HOURS)), 0)


def _counted(random: np.random.Generator, own: NDArray[np.int16]) -> NDArray[np.int16]:
    """One call of ours in fifty hours of calls is counted in the next hour, as at the turn of an hour."""
    late = ((own > 0) & _chance(random, 0.02, own.shape)).astype(np.int16)
    late[:, -1] = 0
    shifted: NDArray[np.int16] = own - late + np.roll(late, 1, axis=1)
    return shifted


def _outages(random: np.random.Generator) -> list[tuple[int, int, bool]]:
    """About one in three weeks, mostly of hours, some of a fortnight; half of them leave a gap for good."""
    begins = np.flatnonzero(_chance(random, 1 / (3 * WEEK), HOURS))
    lengths = random.choice((3, 12, 2 * DAY, 5 * DAY, 2 * WEEK), len(begins), p=(0.35, 0.3, 0.2, 0.1, 0.05))
    return [
        (int(begin), int(begin + length), bool(filled))
        for begin, length, filled in zip(begins, lengths, _chance(random, 0.5, begins.shape), strict=True)
    ]


def _keep(random: np.random.Generator, created: int) -> tuple[float, float]:
    begin = created + random.uniform(0, 20 * DAY)
    return float(begin), float(begin + random.uniform(DAY, 40 * DAY))
