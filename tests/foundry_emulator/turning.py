"""Turning an emulator's clock, and looking into its folder."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.foundry_emulator.support import EmulatorProcess

DAY = 86_400.0


def set_forward(emulator: EmulatorProcess, seconds: float) -> None:
    """Set the emulator's clock forward."""
    urllib.request.urlopen(
        urllib.request.Request(
            f"{emulator.address}/emulator/clock", json.dumps({"forward_seconds": seconds}).encode(), method="PUT"
        )
    ).close()


def folder(emulator: EmulatorProcess, name: str) -> Path:
    """Return a folder of the emulator's state."""
    return Path(str(emulator.ready["state"])) / name


def soon(holds: Callable[[], object], patience: float = 20) -> bool:
    """Return whether *holds* becomes true within *patience* seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return bool(holds())
