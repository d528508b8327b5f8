"""Servers that `kaizen demo --keep` left up: told to the person, and found again by the next run."""

import json
import sys
from pathlib import Path

from data_contracts.errors import WrongInput
from deployments.servers import Addresses, Servers, answers, client_environment

FILE = "servers.json"
VARIABLES = "servers.env"


def keep_up(folder: Path, running: Servers, addresses: Addresses) -> None:
    """Leave the servers of *folder* up, and say how to use and how to stop them."""
    pids = running.release()
    (folder / FILE).write_text(json.dumps({**addresses.model_dump(), "pids": pids}), "utf-8")
    lines = [f"export {name}='{value}'\n" for name, value in client_environment(folder, addresses).items()]
    (folder / VARIABLES).write_text("".join(lines), "utf-8")
    sys.stderr.write(
        f"Both servers stay up. Prefect UI: {addresses.prefect}\n"
        f"To use them from a shell: . {folder / VARIABLES}\n"
        f"To stop them: kill {' '.join(map(str, pids))}\n"
    )


def kept_servers(folder: Path) -> Addresses | None:
    """The servers that an earlier run left up in *folder*, if they still answer.

    Raises WrongInput, with their PIDs, when only some of them do.
    """
    file = folder / FILE
    try:
        known = json.loads(file.read_text("utf-8"))
        addresses = Addresses(prefect=known["prefect"], emulator=known["emulator"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    alive = [answers(f"{addresses.prefect}/api/health"), answers(f"{addresses.emulator}/emulator/clock")]
    if all(alive):
        return addresses
    if any(alive):
        pids = " ".join(map(str, known["pids"]))
        raise WrongInput(f"Only one of the servers kept for {folder} still answers; stop it first: kill {pids}")
    file.unlink()
    (folder / VARIABLES).unlink(missing_ok=True)
    return None
