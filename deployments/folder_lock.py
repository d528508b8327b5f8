"""One at a time in a folder of servers."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_contracts.errors import WrongInput

PATIENCE = 30.0


@contextmanager
def alone_in(folder: Path) -> Iterator[int]:
    """Hold the folder's lock; it is also held by the servers that a killed demo has not stopped yet."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    with (folder / ".lock").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WrongInput(f"Another demo is at work in {folder}; let it finish, or name --folder") from None
                time.sleep(0.2)
        yield lock.fileno()
