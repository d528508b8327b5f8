"""How far the forecast of a training bill was from the bill that the emulator's meter counts on its own."""

from collections.abc import Mapping
from typing import Any

import httpx

from decisions.loop_state import Iteration
from tasks.loop import Loop


def forecast_error(loop: Loop, emulator: str, account: str = "local") -> float:
    """The largest error, as a share of the bill, over all finished jobs of the *loop*; the *emulator* is an address.

    Raises ValueError where no iteration has both a forecast and a bill.
    """
    meter = httpx.get(f"{emulator}/emulator/meter", params={"account": account}, timeout=30).raise_for_status().json()
    bills = {job["id"]: job for job in meter["jobs"]}
    errors = [error_of(each, bills) for each in loop.state().iterations if each.forecast and each.finished]
    if not errors:
        raise ValueError(f"no iteration of {loop.name} has a forecast and a finished job")
    return max(errors)


def error_of(iteration: Iteration, bills: Mapping[str, Mapping[str, Any]]) -> float:
    """The error of one iteration's forecast, as a share of what its job was billed."""
    assert iteration.forecast is not None
    assert iteration.finished is not None
    billed = float(bills[iteration.finished.job]["cost"])
    return abs(iteration.forecast.training_usd - billed) / billed
