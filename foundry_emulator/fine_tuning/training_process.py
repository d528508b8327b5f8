"""A training process, seen from the emulator: given an order, told to pause and resume, heard."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from foundry_emulator.processes import ONE_BLAS_THREAD, python_path


class TrainingProcess:
    """One process that trains, and what it was told last."""

    def __init__(self) -> None:
        self._process = _spawn()
        self._ordered = False
        self._told: str | None = None

    def order(self, order: dict[str, Any]) -> None:
        """Give the order; BrokenPipeError if the process did not start."""
        self._say(json.dumps(order))
        self._ordered = True

    def tell(self, word: str) -> None:
        """Say "pause" or "resume", once; nothing to a process that has no order yet or has ended."""
        if self._ordered and self._told != word:
            self._told = word
            with contextlib.suppress(OSError, ValueError):
                self._say(word)

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield what the process reports until it ends."""
        for line in self._process.stdout or ():
            if line.endswith("\n"):  # a killed process may leave half a line
                yield json.loads(line)

    def kill(self) -> None:
        """End it at once, without waiting."""
        self._process.kill()

    def end(self) -> None:
        """End it and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def _say(self, line: str) -> None:
        if self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def _spawn() -> subprocess.Popen[str]:
    """Start a training process that inherits nothing but its pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "foundry_emulator.learning.trainer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ONE_BLAS_THREAD, "PYTHONPATH": python_path()},
    )
