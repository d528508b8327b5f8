"""Looking again and again at what takes hours elsewhere: ever less often, and through outages of up to an hour."""

from datetime import timedelta

from prefect import get_run_logger

from cloud.clock import system_time
from cloud.errors import CloudUnavailable

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.5, 60.0, 1.2
"""Seconds between two looks: the first, the longest, and the factor by which they grow."""
JITTER = 0.2
OUTAGE_PATIENCE = timedelta(hours=1)
"""How long a service may be out of reach before the run gives up; the next run looks further."""


class Outage:
    """How long a service has been out of reach while *what* was looked for."""

    def __init__(self, what: str) -> None:
        """It is within reach."""
        self._what = what
        self._since = system_time()
        self._lasts = False

    def over(self) -> None:
        """The service has answered."""
        self._lasts = False

    def met(self, error: CloudUnavailable) -> None:
        """The service has not answered; raises the *error* once that has gone on for an hour."""
        if not self._lasts:
            get_run_logger().warning("%s; looking for %s again", error, self._what)
            self._lasts, self._since = True, system_time()
        if system_time() - self._since > OUTAGE_PATIENCE:
            raise error
