"""How fast one model deployment may be asked: it finds itself from the rate limits that every answer tells."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_AT_ONCE, MOST_AT_ONCE = 1, 64
SLOWER = 2.0
"""Growth of the usual time of an answer from which more at once would only wait in the service's queue."""
SMOOTHING = 0.2
NO_RESET = 1.0
"""Seconds after which what was left is forgotten where the service does not tell when it is renewed."""
LONGEST_RESET = 120.0
"""Seconds that are waited at most for a limit to be renewed; Azure's windows have at most a minute."""
ROUNDING = 1.5
"""Seconds within which two tellings of one renewal may differ, for they come in whole seconds."""
LONGEST_LOOK = 1.0

Monotonic = Callable[[], float]


class Stopped(Exception):
    """Nobody is to be asked any more."""


@dataclass
class _Window:
    """What is left of one limit until it is renewed, as far as the answers have told; sizes are in its own unit."""

    fixed_price: bool = False
    price: float = 0.0
    """What one question takes off; 0 while nothing is known of it."""
    least: float = 0.0
    """What the last question used, by its own account; the service may take off more."""
    allowed: float | None = None
    left: float | None = None
    renewed_at: float = 0.0
    told_by: int = -1
    _first: tuple[int, float] = (0, 0.0)
    """The first ticket of this window that told what was left, and what it told."""

    def expire(self, now: float) -> None:
        """Forget what was left once the window is over."""
        if self.left is not None and now >= self.renewed_at:
            self.left = None

    def used(self, tokens: int) -> None:
        """Learn what a question used."""
        self.least = tokens
        self.price = max(self.price, self.least)

    def room(self, in_flight: int) -> bool:
        """Whether one more may be asked beside those in flight, which may all be missing in what was told.

        One alone may always open a window: whatever it costs, nothing else would ever tell.
        """
        if self.left is None and in_flight == 0:
            return True
        left = self.allowed if self.left is None else self.left
        return left is None or left - in_flight * self.price >= max(self.price, 1e-9)

    def learn(self, ticket: int, told: Mapping[str, float], now: float) -> None:
        """Take what the answer to *ticket* tells; one that was asked before the last teller tells nothing new."""
        left, reset = told.get("remaining"), told.get("reset")
        self.allowed = told.get("limit", self.allowed)
        if left is None:
            return
        renewed_at = now + (min(reset, LONGEST_RESET) if reset else NO_RESET)
        refilled = self.left is not None and left > self.left and ticket > self.told_by
        if self.left is None or refilled:
            self.left, self.renewed_at, self.told_by = left, renewed_at, ticket
            self._first = ticket, left
        elif left <= self.left:
            later = renewed_at > self.renewed_at + ROUNDING  # no window with a fixed end, but a limit that fills again
            self.left, self.renewed_at = left, renewed_at if later else min(self.renewed_at, renewed_at)
            self.told_by = max(ticket, self.told_by)
            self._learn_price(ticket, left)

    def _learn_price(self, ticket: int, left: float) -> None:
        first, had = self._first
        if ticket > first and not self.fixed_price:
            self.price = max(self.least, (had - left) / (ticket - first))


@dataclass
class Pace:
    """Lets so many ask one model deployment at once as its limits and its speed allow; for threads.

    Each asks for a ticket with `begin`, and gives it back with `end`, whatever came of it. It begins with one at once
    and doubles as long as answers take no longer; all wait while a limit is used up, and after a 429 for as long as the
    service says.
    """

    most: int = MOST_AT_ONCE
    now: Monotonic = time.monotonic
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _windows: dict[str, _Window] = field(
        default_factory=lambda: {"tokens": _Window(), "requests": _Window(fixed_price=True, price=1.0)}
    )
    _in_flight: int = 0
    _tickets: int = 0
    _at_once: float = FIRST_AT_ONCE
    _careful_from: float = MOST_AT_ONCE
    """Questions at once from which it grows by one a round only: half of what was once too many."""
    _pause_until: float = 0.0
    _usual: float | None = None
    _quickest: float | None = None
    _stopped: bool = False

    def begin(self) -> int:
        """Wait until one more may be asked; returns a ticket. Raises Stopped once `stop` was called."""
        with self._turn:
            while (wait := self._wait()) > 0 and not self._stopped:
                self._turn.wait(min(wait, LONGEST_LOOK))
            if self._stopped:
                raise Stopped
            self._in_flight += 1
            self._tickets += 1
            return self._tickets

    def end(self, ticket: int, headers: Mapping[str, str], seconds: float | None = None, tokens: int = 0) -> None:
        """Take a ticket back with the answer's *headers*, the *seconds* it took, and the *tokens* it counts for.

        Without an answer there are no seconds and no tokens.
        """
        with self._turn:
            self._in_flight -= 1
            now = self.now()
            if tokens:
                self._windows["tokens"].used(tokens)
            for kind, window in self._windows.items():
                window.expire(now)
                window.learn(ticket, _told(headers, kind), now)
            if seconds is not None:
                self._grow(seconds)
            self._turn.notify_all()

    def stop(self) -> None:
        """Nobody is let in any more: those who wait are sent away at once."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def refused(self, seconds: float) -> None:
        """The service had no room and asks to wait for *seconds*: nobody asks until then, and fewer at once after."""
        with self._turn:
            self._pause_until = max(self._pause_until, self.now() + seconds)
            self._at_once = self._careful_from = max(FIRST_AT_ONCE, self._at_once / 2)
            self._turn.notify_all()

    def _wait(self) -> float:
        """Seconds until it is worth looking again; 0 when one more may be asked now."""
        now = self.now()
        if now < self._pause_until:
            return self._pause_until - now
        for window in self._windows.values():
            window.expire(now)
        if self._in_flight >= self._at_once:
            return LONGEST_LOOK
        shut = [window for window in self._windows.values() if not window.room(self._in_flight)]
        if not shut:
            return 0.0
        known = [window.renewed_at - now for window in shut if window.left is not None]
        return max([0.001, *known]) if known else LONGEST_LOOK

    def _grow(self, seconds: float) -> None:
        self._usual = seconds if self._usual is None else self._usual + SMOOTHING * (seconds - self._usual)
        self._quickest = self._usual if self._quickest is None else min(self._quickest, self._usual)
        if self._usual <= SLOWER * self._quickest:
            step = 1 if self._at_once < self._careful_from else 1 / self._at_once
            self._at_once = min(self.most, self._at_once + step)


def _told(headers: Mapping[str, str], kind: str) -> Mapping[str, float]:
    """What the headers say about one kind of limit, as far as it can be read: limit, remaining, reset in seconds."""
    names = ("limit", "remaining", "reset")
    values = {name: _number(headers.get(f"x-ratelimit-{name}-{kind}")) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _number(text: str | None) -> float | None:
    """A number of seconds or of pieces, also written as in 1m30s or 250ms; None where it is none."""
    if text is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)", text.strip())
    units = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return sum(float(number) * units[unit] for number, unit in parts)
