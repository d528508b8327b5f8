"""What the emulator asks of a training process while it runs: to pause at its next checkpoint, and to go on."""

from __future__ import annotations

import os
import sys
import threading


class Pausing:
    """Listens to standard input; the process ends when that is closed, so it never outlives the emulator."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._may_go_on = threading.Event()

    def listen(self) -> None:
        """Begin to listen, beside everything else."""
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def asked(self) -> bool:
        """Whether a pause is asked for; a checkpoint should be made as soon as there is a step."""
        return self._asked.is_set()

    def wait(self) -> None:
        """Sleep until told to go on."""
        self._may_go_on.wait()

    def _listen(self) -> None:
        for line in sys.stdin:
            if line.strip() == "pause":
                self._may_go_on.clear()
                self._asked.set()
            elif line.strip() == "resume":
                self._asked.clear()
                self._may_go_on.set()
        os._exit(1)
