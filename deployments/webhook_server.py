"""The webhook address as a process of its own, for as long as `kaizen up` runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.servers import HOST, answers, start, usable_port

ADDRESS = "/webhooks/foundry"


@contextmanager
def webhook_server(folder: Path, *, host: str = HOST, port: int = 0, lock: int | None = None) -> Iterator[str]:
    """Take webhooks for the loop in *folder*, at the address that is given; the process ends with us.

    Port 0 picks a free one. Raises WrongInput for a port that is taken, CloudUnavailable when nothing starts.
    """
    port = usable_port(port, host)
    address = f"http://{host}:{port}{ADDRESS}"
    command = [sys.executable, "-m", "deployments.webhooks", str(folder), host, str(port)]
    kept = start(folder / "webhooks", command, {}, lock)
    try:
        yield kept.wait_until(lambda: address if answers(address) else None)
    finally:
        kept.end()
