"""A year of idle model deployments on simulated time: `python -m benchmarks.idle_year`.

100 fleets with policies of their own have 10,000 model deployments in a year: customers come and go, some for good;
our audits call too; people keep and cancel; some vanish; some belong to others; metrics fail for hours or weeks,
and half of the gaps stay. Every six hours the product's own functions plan, and at its moment each deletion looks
again. An oracle of its own code then reads the true calls: which deletions were wrong (a customer within the idle
days, unless Azure's own date was upon it; kept; needed; somebody else's), and which of ours Azure would have
deleted first. Money is saved from our deletion to Azure's, had nobody called again. `seconds` is for planning a
fleet of 100 from hourly counts, without asking for these.

Not simulated: metrics that tell of a call late. A call that the metric does not show yet cannot be known to anybody.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks._idle_oracle import judge
from benchmarks._idle_world import HOURS, Life, drawn, moment
from benchmarks._idle_year import Year
from benchmarks._table import report
from data_contracts.idle import HourlyCalls
from data_contracts.prices import current_prices
from decisions.idle.last_calls import calls_of
from decisions.idle.plan import plan_deletions

FLEETS, ROWS = 100, 100
LOOK_BACK = 24 * 24


def measure() -> Mapping[str, float]:
    """Wrong deletions, model deployments left to Azure, US dollars saved; how much of what happened; seconds."""
    totals: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for figures in pool.map(_year, range(FLEETS)):
            totals.update(figures)
    return {**{name: float(value) for name, value in totals.items()}, "seconds": _seconds()}


def _year(seed: int) -> dict[str, float]:
    year = Year(drawn(seed, ROWS), np.random.default_rng(FLEETS + seed))
    year.play()
    usd = current_prices().hosting_per_hour["GlobalStandard"]
    deleted = [life for life in year.lives if life.how == "deleted"]
    judged = judge(year.world, year.lives, deleted, usd)
    return {
        **judged._asdict(),
        "model_deployments": ROWS,
        "deletions": len(deleted),
        "forced": sum(planned.forced for _, planned in year.deletions),
        "vanished": sum(life.how == "vanished" for life in year.lives),
        "revived": len(year.lives) - ROWS,
        "cancels": year.cancels,
        "keep_alive_calls": year.keep_alive_calls,
        "refused_at_the_moment": year.refused,
        "swallowed_runs": year.swallowed,
    }


def _seconds() -> float:
    """Seconds from the hourly counts of 100 model deployments to their plan."""
    world, now = drawn(FLEETS, ROWS), HOURS - 24
    hours = slice(now - LOOK_BACK, now)
    counts = [
        HourlyCalls(
            begins=moment(now - LOOK_BACK),
            observed_at=moment(now),
            successes=tuple(world.metric[row, hours].tolist()),
            own=tuple(world.own[row, hours].tolist()),
        )
        for row in range(ROWS)
    ]
    lives = [Life(row=row, created=float(created)) for row, created in enumerate(world.created)]
    begun = time.perf_counter()
    fleet = [
        world.observed(life, calls_of(each, world.policy.metrics_lag), now)
        for life, each in zip(lives, counts, strict=True)
    ]
    plan_deletions(fleet, moment(now), world.policy, current_prices())
    return time.perf_counter() - begun


if __name__ == "__main__":
    report("idle_year", measure)
