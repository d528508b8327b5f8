"""Counting the calls that this process makes itself, as Azure Monitor counts them: successes, by the hour."""

import threading
from datetime import UTC, datetime

from data_contracts.calls import HourOfCalls

HOUR_SECONDS = 3600


class CallCounter:
    """Successful calls by model deployment and hour; many threads count at once."""

    def __init__(self) -> None:
        """Begin at none."""
        self._counts: dict[tuple[str, int], int] = {}
        self._threads = threading.Lock()

    def count(self, model_deployment: str, answered_at: float | None) -> None:
        """Count a call whose answer says that it was made at *answered_at*, by the service's clock, in Unix seconds.

        One that does not say when is not counted: it then passes for somebody else's, as a lost one does.
        """
        if not answered_at:
            return
        key = (model_deployment, int(answered_at) // HOUR_SECONDS)
        with self._threads:
            self._counts[key] = self._counts.get(key, 0) + 1

    def take(self) -> tuple[HourOfCalls, ...]:
        """What was counted since this was asked last; whoever takes it keeps it."""
        with self._threads:
            counts, self._counts = self._counts, {}
        return tuple(
            HourOfCalls(model_deployment=name, hour=datetime.fromtimestamp(hour * HOUR_SECONDS, UTC), calls=calls)
            for (name, hour), calls in sorted(counts.items())
        )
