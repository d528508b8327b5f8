"""Marks in the store that say the end of a job was announced: a reason to ask the service now, and nothing more."""

import hashlib
import re
import time

from cloud.clock import wait
from cloud.errors import CloudError
from cloud.store import DATA, Store
from data_contracts.record import Record
from tasks.loop import Loop

SLICE = 1.0
"""Seconds between two looks for a mark."""
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Announcement(Record):
    """What a mark holds: which job to ask for."""

    job: str


def keep_announcement(store: Store, loop: str, job: str, webhook: str) -> bool:
    """Leave the mark of *webhook*, the id of a verified one, for *job*; False when it is there or nothing to keep.

    Both ids come from outside: a job's has to look like one, a webhook's is hashed.
    """
    if JOB_ID.fullmatch(job) is None:
        return False
    name = f"{_marks(loop, job)}{hashlib.sha256(webhook.encode()).hexdigest()[:32]}.json"
    return store.create(name, Announcement(job=job).model_dump_json().encode())


class Announcements:
    """Waits for the next poll of one job, and less long when a new mark has come; without the secret none comes."""

    def __init__(self, loop: Loop, job: str) -> None:
        """Nothing is looked at yet."""
        self._store = loop.store
        self._prefix = _marks(loop.name, job)
        self._listening = loop.settings.webhook_secret is not None
        self._seen: set[str] = set()

    def wait(self, seconds: float) -> bool:
        """Let *seconds* pass; True, at once, when a mark has come that was not there before. Each counts once."""
        if not self._listening:
            wait(seconds)
            return False
        until = time.monotonic() + seconds
        while not self._news():
            left = until - time.monotonic()
            if left <= 0:
                return False
            wait(min(SLICE, left))
        return True

    def _news(self) -> bool:
        try:
            found = set(self._store.list(self._prefix))
        except CloudError:  # polling goes on without marks
            return False
        new = found - self._seen
        self._seen |= new
        return bool(new)


def _marks(loop: str, job: str) -> str:
    return f"{DATA}/loops/{loop}/webhooks/{job}."
