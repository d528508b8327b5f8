"""Work that goes on beside the requests, on threads of its own."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Background:
    """Calls *work* again and again, with a pause before each time; what it raises is logged, and it is tried again."""

    def __init__(self, name: str, pause_seconds: float, work: Callable[[], None]) -> None:
        self.stopping = threading.Event()
        self._pause_seconds = pause_seconds
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done; *stopping* tells long work to hurry."""
        self.stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.stopping.wait(self._pause_seconds):
            try:
                self._work()
            except Exception:  # a full disk, whatever it was: there must be a next time
                logger.exception("%s", self._thread.name)
