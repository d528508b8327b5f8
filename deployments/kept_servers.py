"""Servers that are up for a loop, of `kaizen up` or left by `kaizen demo --keep`: written down, and found again."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.settings import load_settings
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


@contextmanager
def announced(folder: Path, addresses: Addresses) -> Iterator[None]:
    """Let the commands of *folder* find the servers for as long as this process serves."""
    file = folder / FILE
    file.write_text(json.dumps({**addresses.model_dump(), "pids": [os.getpid()]}), "utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def use_servers_of(folder: Path) -> None:
    """Lead this process to the servers that are up for the loop in *folder*; what is set already stays as it is."""
    found = kept_servers(folder)
    if found is None:
        return
    if load_settings(folder).foundry.endpoint is not None:
        found = found.model_copy(update={"emulator": None})
    for name, value in client_environment(folder.resolve(), found).items():
        os.environ.setdefault(name, value)


def kept_servers(folder: Path) -> Addresses | None:
    """The servers that are up for *folder*, if they still answer.

    Raises WrongInput, with their PIDs, when only some of them do.
    """
    file = folder / FILE
    try:
        known = json.loads(file.read_text("utf-8"))
        addresses = Addresses(prefect=known["prefect"], emulator=known["emulator"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    alive = [answers(f"{addresses.prefect}/api/health")]
    alive += [answers(f"{addresses.emulator}/emulator/clock")] if addresses.emulator else []
    if all(alive):
        return addresses
    if any(alive):
        pids = " ".join(map(str, known["pids"]))
        raise WrongInput(f"Only one of the servers kept for {folder} still answers; stop it first: kill {pids}")
    file.unlink()
    (folder / VARIABLES).unlink(missing_ok=True)
    return None
