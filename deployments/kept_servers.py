"""Servers that `kaizen demo --keep` left up: told to the person, and found again by the next run."""

import json
import sys
from pathlib import Path

from deployments.servers import Addresses, Servers, answers, client_environment

FILE = "servers.json"
VARIABLES = "servers.env"


def keep_up(folder: Path, running: Servers, addresses: Addresses) -> None:
    """Leave the servers of *folder* up, and say how to use and how to stop them."""
    pids = running.release()
    (folder / FILE).write_text(addresses.model_dump_json(), "utf-8")
    lines = [f"export {name}='{value}'\n" for name, value in client_environment(folder, addresses).items()]
    (folder / VARIABLES).write_text("".join(lines), "utf-8")
    sys.stderr.write(
        f"Both servers stay up. Prefect UI: {addresses.prefect}\n"
        f"To use them from a shell: . {folder / VARIABLES}\n"
        f"To stop them: kill {' '.join(map(str, pids))}\n"
    )


def kept_servers(folder: Path) -> Addresses | None:
    """The servers that an earlier run left up in *folder*, if they still answer."""
    file = folder / FILE
    if not file.exists():
        return None
    addresses = Addresses.model_validate(json.loads(file.read_text("utf-8")))
    if answers(f"{addresses.prefect}/api/health") and answers(f"{addresses.emulator}/emulator/clock"):
        return addresses
    file.unlink()
    (folder / VARIABLES).unlink(missing_ok=True)
    return None
