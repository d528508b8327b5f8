"""Waiting for what takes its time elsewhere."""

import time
from collections.abc import Callable
from typing import TypeVar

from cloud.clock import wait
from cloud.errors import CloudUnavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 15.0

T = TypeVar("T")


def eventually(look: Callable[[], T | None], patience: float, otherwise: str) -> T:
    """What *look* finds once it finds something, asked ever less often; CloudUnavailable after *patience* seconds."""
    deadline, pause = time.monotonic() + patience, FIRST_PAUSE
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise CloudUnavailable(f"{otherwise} after {patience / 60:.0f} minutes")
        wait(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
    return found
