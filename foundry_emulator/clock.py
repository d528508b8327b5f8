"""The one place that tells the emulator what time it is."""

import time
from datetime import UTC, datetime


class Clock:
    """The system's clock, in seconds since 1970 (UTC)."""

    def now(self) -> float:
        """Return the present moment in seconds since 1970."""
        return time.time()


def iso(moment: float) -> str:
    """Return *moment* (seconds since 1970) as UTC text, such as 2026-11-21T08:00:00.000000Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
