"""What a model deployment's capacity allows, counted in fixed windows."""

import threading
from dataclasses import dataclass

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane.model_deployments import rate_limits


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


class RateLimits:
    """Counts the requests and estimated tokens of every model deployment."""

    def __init__(self, clock: Clock, factor: float) -> None:
        self._clock = clock
        self._factor = factor
        self._windows: dict[tuple[str, str], _Window] = {}
        self._threads = threading.Lock()

    def take(self, deployment: str, capacity: int, tokens: int) -> dict[str, str]:
        """Count one request of *tokens* tokens; return the headers, or raise ServiceError 429 if there is no room."""
        limits = {limit["key"]: limit for limit in rate_limits(capacity)}
        wanted = {"request": 1, "token": tokens}
        now = self._clock.now()
        with self._threads:
            windows = {key: self._window(deployment, key, limits[key]["renewalPeriod"], now) for key in wanted}
            room = {key: max(1, int(limits[key]["count"] * self._factor)) for key in wanted}
            exceeded = [key for key in wanted if windows[key].used + wanted[key] > room[key]]
            windows["request"].used += 1
            if not exceeded:
                windows["token"].used += tokens
            headers = _headers(windows, room, now)
        if exceeded:
            wait = max(windows[key].wait(now) for key in exceeded)
            raise errors.rate_limited("token" if "token" in exceeded else "call", wait, headers)
        return headers

    def _window(self, deployment: str, key: str, seconds: float, now: float) -> _Window:
        window = self._windows.setdefault((deployment, key), _Window(seconds))
        window.renew(now)
        return window


def _headers(windows: dict[str, _Window], room: dict[str, int], now: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, window in windows.items():
        headers[f"x-ratelimit-limit-{key}s"] = str(room[key])
        headers[f"x-ratelimit-remaining-{key}s"] = str(max(0, room[key] - window.used))
        headers[f"x-ratelimit-reset-{key}s"] = str(-(-int(window.wait(now) * 1000) // 1000))
    return headers
