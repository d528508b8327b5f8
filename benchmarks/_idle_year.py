"""What a loop does with its fleet in a year: plans every six hours, and carries out what falls due in between."""

from dataclasses import dataclass, field

import numpy as np

from benchmarks._idle_world import HOURS, Life, World, hour_of, moment
from data_contracts.idle import DeletionPlan, KeepAlive, PlannedDeletion
from data_contracts.prices import current_prices
from decisions.idle.plan import plan_deletions
from decisions.idle.still_idle import still_idle
from decisions.idle.vanished import vanished

EVERY = 6
DEVELOPER_LIFE = 24
MISSED, CANCELLED = 0.01, 0.1
"""Shares of the plannings that do not happen, and of the runs that somebody cancels."""


@dataclass
class Year:
    """A fleet and everything that became of it."""

    world: World
    random: np.random.Generator
    lives: list[Life] = field(default_factory=list)
    swallowed: int = 0
    """Runs that were not made because their key had been used."""
    keep_alive_calls: int = 0
    cancels: int = 0
    refused: int = 0
    """Runs that looked again and deleted nothing."""
    deletions: list[tuple[Life, PlannedDeletion]] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)
    _due_calls: list[tuple[float, Life]] = field(default_factory=list)

    def play(self) -> None:
        """Let the year pass."""
        for row, created in enumerate(self.world.created.tolist()):
            keeps = [(begin, end) for kept, begin, end in self.world.keeps if kept == row]
            self.lives.append(Life(row=row, created=float(created), keeps=keeps))
        for hour in range(0, HOURS, EVERY):
            self._befall(hour)
            if self.random.random() >= MISSED:
                self._plan(hour)
            self._carry_out(hour)

    def _befall(self, hour: float) -> None:
        """What the world takes away."""
        for life in self.lives:
            if life.ended is not None:
                continue
            first = life.created == self.world.created[life.row]
            if first and self.world.vanishes[life.row] <= hour:
                life.ended, life.how = float(self.world.vanishes[life.row]), "vanished"
            elif self.world.developer[life.row] and life.created + DEVELOPER_LIFE <= hour:
                life.ended, life.how = life.created + DEVELOPER_LIFE, "expired"

    def _plan(self, hour: float) -> None:
        self._notice(hour)
        alive = [life for life in self.lives if life.lives(hour)]
        if not alive:
            return
        calls = self.world.evidence([life.row for life in alive], hour)
        fleet = [self.world.observed(life, seen, hour) for life, seen in zip(alive, calls, strict=True)]
        lately = [each.ended for each, _ in self.deletions[-50:] if each.ended is not None and each.ended > hour - 48]
        carried_out = [moment(each) for each in lately]
        plan = plan_deletions(fleet, moment(hour), self.world.policy, current_prices(), carried_out)
        self._follow(plan, {f"k{life.row:04d}": life for life in alive}, hour)

    def _notice(self, hour: float) -> None:
        """Revive what vanished, where the policy says so."""
        gone = [
            each
            for each in self.lives
            if not each.noticed and each.ended is not None and each.how in ("vanished", "expired")
        ]
        if not gone:
            return
        calls = self.world.evidence([life.row for life in gone], hour)
        known = [self.world.observed(life, seen, hour) for life, seen in zip(gone, calls, strict=True)]
        for found in vanished(known, set(), moment(hour), self.world.policy):
            life = next(each for each in gone if f"k{each.row:04d}" == found.name)
            life.noticed = True
            if found.then == "revive":
                self.lives.append(Life(row=life.row, created=hour, keeps=life.keeps))

    def _follow(self, plan: DeletionPlan, alive: dict[str, Life], hour: float) -> None:
        self._due_calls.clear()
        for planned in plan.deletions:
            self._schedule(planned, alive[planned.name], hour)
        for left in plan.left_alone:
            life = alive[left.name]
            if life.run is not None:
                self._end_run(life)
            self._call_later(left.keep_alive, life, hour)

    def _schedule(self, planned: PlannedDeletion, life: Life, hour: float) -> None:
        if planned.key in self._used:
            self.swallowed += 1
            return
        if life.run is None and self.random.random() < CANCELLED:
            life.cancelled_at = self.random.uniform(hour, max(hour, hour_of(planned.at)))
        life.run = planned

    def _call_later(self, alive: KeepAlive | None, life: Life, hour: float) -> None:
        if alive is not None and hour_of(alive.calls[0]) < hour + EVERY:
            self._due_calls.append((hour_of(alive.calls[0]), life))

    def _end_run(self, life: Life) -> None:
        if life.run is not None:
            self._used.add(life.run.key)
        life.run, life.cancelled_at = None, None
        life.runs_ended += 1

    def _carry_out(self, hour: float) -> None:
        """What falls due until the next planning, in its order."""
        for at, life in sorted(self._due_calls, key=lambda each: each[0]):
            self._keep_alive(life, at)
        self._due_calls.clear()
        running = [(hour_of(life.run.at), life.row, life) for life in self.lives if life.run is not None]
        for at, _, life in sorted(running, key=lambda each: each[:2]):
            self._run(life, max(at, hour), hour + EVERY)

    def _keep_alive(self, life: Life, at: float) -> None:
        self.world.own[life.row, int(at)] += 1
        self.world.metric[life.row, int(at)] += 1
        life.kept_alive = at
        self.keep_alive_calls += 1

    def _run(self, life: Life, at: float, end: float) -> None:
        planned = life.run
        if life.cancelled_at is not None and life.cancelled_at < min(at, end):
            self.cancels += 1
            life.keeps = [*life.keeps, (life.cancelled_at, life.cancelled_at + 24 * self.world.policy.cancel_keeps)]
            self._end_run(life)
        elif planned is not None and at < end:
            self._look_again(life, planned, at)

    def _look_again(self, life: Life, planned: PlannedDeletion, at: float) -> None:
        seen = None
        if life.lives(at):
            seen = self.world.observed(life, self.world.evidence([life.row], at)[0], at)
        if still_idle(planned, seen, moment(at), self.world.policy).delete:
            life.ended, life.how = at, "deleted"
            self.deletions.append((life, planned))
        else:
            self.refused += 1
        self._end_run(life)
