"""The one place that tells the emulator what time it is; it can be set forward and made to run faster."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from foundry_emulator.state import State

_SETTING = "clock"
FASTEST = 10_000_000.0
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class ClockError(Exception):
    """The clock cannot be set so; the message says why."""


@dataclass(frozen=True)
class _Setting:
    """At the system's *real* second it was *emulated*, and from then on time runs *rate* times as fast."""

    emulated: float
    real: float
    rate: float


class Clock:
    """Seconds since 1970 (UTC): the system's time until it is set; a setting outlives the process."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._threads = threading.Lock()
        self.reload()

    def reload(self) -> None:
        """Take up the setting that the state keeps; without one it is the system's time."""
        with self._threads:
            kept = self._state.setting(_SETTING)
            self._setting = _Setting(**json.loads(kept)) if kept else _Setting(0.0, 0.0, 1.0)

    @property
    def rate(self) -> float:
        """How many emulated seconds pass in a real one."""
        return self._setting.rate

    def now(self) -> float:
        """Return the present moment in seconds since 1970."""
        setting = self._setting
        return setting.emulated + (time.time() - setting.real) * setting.rate

    def callers_now(self) -> float:
        """Return the present moment by the callers' clock, which nobody sets: tokens are kept as long as it says."""
        return time.time()

    def set(self, *, to: float | None = None, forward: float = 0.0, rate: float | None = None) -> None:
        """Set it forward to the moment *to*, or by *forward* seconds, and to run at *rate*; ClockError if it cannot be.

        Time never runs back, because what it has ended cannot be taken back either.
        """
        with self._threads:
            real = time.time()
            before = self._setting.emulated + (real - self._setting.real) * self._setting.rate
            moment = before + forward if to is None else to
            if moment < before:
                raise ClockError(f"The clock cannot be set back: it is {iso(before)}.")
            if moment > LATEST:
                raise ClockError(f"The clock cannot be set after the year 9999: {moment:g} seconds since 1970.")
            pace = self._setting.rate if rate is None else rate
            if not 0 < pace <= FASTEST:
                raise ClockError(f"The rate must be above 0 and at most {FASTEST:,.0f}, not {pace:g}.")
            setting = _Setting(moment, real, pace)
            self._state.keep_setting(_SETTING, json.dumps(asdict(setting)))
            self._setting = setting


def iso(moment: float) -> str:
    """Return *moment* (seconds since 1970) as UTC text, such as 2026-11-21T08:00:00.000000Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
