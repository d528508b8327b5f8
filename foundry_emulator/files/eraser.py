"""Removes, while the emulator runs, what nobody can reach any more."""

import logging
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 0.25


class Eraser:
    """Calls every *erase* again and again, on a thread of its own."""

    def __init__(self, erasers: Sequence[Callable[[], None]]) -> None:
        self._erasers = erasers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eraser", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_SECONDS):
            for erase in self._erasers:
                try:
                    erase()
                except Exception:  # a full disk must not end the thread; it is tried again
                    logger.exception("could not erase")
