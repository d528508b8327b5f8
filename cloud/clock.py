"""What time it is: the system's time, or the emulator's when the loop runs on it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import httpx

from cloud.errors import CloudUnavailable

Clock = Callable[[], datetime]


def system_time() -> datetime:
    """The machine's time, UTC; for what concerns processes, such as leases, whatever clock the loop follows."""
    return datetime.now(UTC)


def wait(seconds: float) -> None:
    """Let *seconds* of the machine's time pass."""
    time.sleep(seconds)


@lru_cache(maxsize=16)
def clock_at(address: str | None) -> Clock:
    """The clock that answers at *address* with `{"now": ...}`, or the system's without an address.

    One for each address in a process, so that its connection is used again.
    """
    if address is None:
        return system_time

    client = httpx.Client(timeout=10)

    def now() -> datetime:
        try:
            answer = client.get(address)
            answer.raise_for_status()
            return datetime.fromisoformat(answer.json()["now"])
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise CloudUnavailable(f"The clock at {address} does not answer: {error}") from error

    return now
