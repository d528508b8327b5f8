"""What a model deployment's capacity allows, counted in fixed windows."""

import math
import threading
from dataclasses import dataclass

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane.bodies import rate_limits


@dataclass
class _Window:
    """What was used since the window began; it ends *seconds* later."""

    seconds: float
    began: float = 0.0
    used: int = 0

    def renew(self, now: float) -> None:
        if not 0 <= now - self.began < self.seconds:
            self.began, self.used = now, 0

    def wait(self, now: float) -> float:
        """Return the seconds until the window ends."""
        return max(0.0, self.began + self.seconds - now)


@dataclass(frozen=True)
class Visit:
    """How a model deployment is called: by which operation, under which version of the API, alone or in a *batch*."""

    operation: str
    version: str
    batch: bool = False


class RateLimits:
    """Counts the requests and estimated tokens of every model deployment, by its number.

    Windows end by the emulator's clock; how long to wait is told in the seconds of the caller, whose clock is real.
    """

    def __init__(self, clock: Clock, factor: float) -> None:
        self._clock = clock
        self._factor = factor
        self._windows: dict[tuple[int, str], _Window] = {}
        self._threads = threading.Lock()

    def take(self, deployment: int, capacity: int, tokens: int, visit: Visit) -> dict[str, str]:
        """Count one request of *tokens* tokens; return the headers, or raise ServiceError 429 if there is no room.

        Refused requests count as requests, too.
        """
        limits = {limit["key"]: limit for limit in rate_limits(capacity)}
        wanted = {"request": 1, "token": tokens}
        now, rate = self._clock.now(), self._clock.rate
        with self._threads:
            windows = {key: self._window(deployment, key, limits[key]["renewalPeriod"], now) for key in wanted}
            room = {key: max(1, int(limits[key]["count"] * self._factor)) for key in wanted}
            exceeded = [key for key in wanted if windows[key].used + wanted[key] > room[key]]
            windows["request"].used += 1
            if not exceeded:
                windows["token"].used += tokens
            waits = {key: window.wait(now) / rate for key, window in windows.items()}
            headers = _headers(windows, room, waits)
        if exceeded:
            wait = max(waits[key] for key in exceeded)
            limit = "token" if "token" in exceeded else "call"
            raise errors.rate_limited(limit, wait, headers, operation=visit.operation, version=visit.version)
        return headers

    def _window(self, deployment: int, key: str, seconds: float, now: float) -> _Window:
        window = self._windows.setdefault((deployment, key), _Window(seconds))
        window.renew(now)
        return window


def _headers(windows: dict[str, _Window], room: dict[str, int], waits: dict[str, float]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, window in windows.items():
        headers[f"x-ratelimit-limit-{key}s"] = str(room[key])
        headers[f"x-ratelimit-remaining-{key}s"] = str(max(0, room[key] - window.used))
        headers[f"x-ratelimit-reset-{key}s"] = str(math.ceil(waits[key]))
    return headers
