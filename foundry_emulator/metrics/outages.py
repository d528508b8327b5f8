"""How late and how well Azure Monitor answers: a delay and outages that can be set and outlive the process."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.state import State

_SETTING = "metrics"
LONGEST_DELAY = 93 * 86_400
EMPTY = "empty"


@dataclass(frozen=True)
class Condition:
    """Whether metrics fail (True), answer without any series ("empty") or work (False), and how late they are."""

    outage: bool | str = False
    delay_seconds: float = 0.0


class Outages:
    """The condition that metrics are in."""

    def __init__(self, state: State, delay_seconds: float) -> None:
        """Take up the condition that was set last, else one without outage and with this delay."""
        self._state = state
        self._delay_seconds = delay_seconds
        self.reload()

    def reload(self) -> None:
        """Take up the condition that the state keeps; without one there is no outage, and the first delay."""
        kept = self._state.setting(_SETTING)
        self._condition = Condition(**json.loads(kept)) if kept else Condition(delay_seconds=self._delay_seconds)

    @property
    def condition(self) -> Condition:
        """The present condition."""
        return self._condition

    def set(self, body: dict[str, Any]) -> None:
        """Change to what *body* says and keep what it does not name; ServiceError 400 says what is wrong."""
        condition = Condition(**{**asdict(self._condition), **_checked(body)})
        self._state.keep_setting(_SETTING, json.dumps(asdict(condition)))
        self._condition = condition


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    if not body or set(body) - {"outage", "delay_seconds"}:
        raise errors.invalid_payload(f"Give metrics an 'outage', 'delay_seconds', or both, not {sorted(body)}.")
    outage, delay = body.get("outage", False), body.get("delay_seconds", 0)
    if not isinstance(outage, bool) and outage != EMPTY:
        raise errors.invalid_payload(f"The outage must be true, false or 'empty', not {ascii(outage)[:60]}.")
    numeric = isinstance(delay, (int, float)) and not isinstance(delay, bool)
    if not numeric or not 0 <= delay <= LONGEST_DELAY:
        raise errors.invalid_payload(f"The delay_seconds must be from 0 to {LONGEST_DELAY}, not {ascii(delay)[:60]}.")
    return body
