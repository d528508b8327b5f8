"""A Prefect server and an emulator as processes of their own, on loopback, that end when we end."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cloud.errors import CloudUnavailable
from data_contracts.errors import WrongInput
from data_contracts.record import Record
from deployments.keeper import KEEP

HOST = "127.0.0.1"
START_PATIENCE = 120.0
STOP_PATIENCE = 20.0
FLUSH_PATIENCE = 10.0
IDENTITY_HEADER = "local"


class Addresses(Record):
    """Where the two servers answer."""

    prefect: str
    emulator: str | None


@dataclass
class Kept:
    """A command that ends with us, through its keeper; or goes on, once released."""

    keeper: subprocess.Popen[bytes]
    log: Path
    pid_file: Path

    def end(self) -> None:
        """Let the keeper stop the command, and wait for both."""
        assert self.keeper.stdin is not None
        self.keeper.stdin.close()
        try:
            self.keeper.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.keeper.kill()

    def release(self) -> int:
        """Let the command go on after we end; returns its PID."""
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(f"{KEEP}\n".encode())
        self.keeper.stdin.flush()
        self.keeper.wait(STOP_PATIENCE)
        return int(self.pid_file.read_text())

    def wait_until(self, look: Callable[[], str | None]) -> str:
        """What *look* finds; raises CloudUnavailable with the log's last line when the command ends before."""
        deadline = time.monotonic() + START_PATIENCE
        while (found := look()) is None:
            if self.keeper.poll() is not None or time.monotonic() > deadline:
                raise CloudUnavailable(f"{self.log.stem} did not start: {self._last_words()} (see {self.log})")
            time.sleep(0.1)
        return found

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


@dataclass
class Servers:
    """The two servers of one folder, while they are ours."""

    prefect: Kept
    emulator: Kept | None
    prefect_port: int
    released: bool = False

    def addresses(self) -> Addresses:
        """Where they answer, once both do; raises CloudUnavailable with the reason otherwise."""
        emulator = self.emulator.wait_until(self._emulator_address) if self.emulator else None
        prefect = f"http://{HOST}:{self.prefect_port}"
        self.prefect.wait_until(lambda: prefect if answers(f"{prefect}/api/health") else None)
        return Addresses(prefect=prefect, emulator=emulator)

    def release(self) -> list[int]:
        """Leave them running when we end; returns their PIDs."""
        self.released = True
        return [kept.release() for kept in (self.prefect, self.emulator) if kept]

    def end(self) -> None:
        """Stop both, unless they were released; what this process still has to tell Prefect goes out first."""
        tell_prefect_everything()
        if not self.released:
            for kept in (self.emulator, self.prefect):
                if kept:
                    kept.end()

    def _emulator_address(self) -> str | None:
        assert self.emulator is not None
        for line in self.emulator.log.read_text("utf-8").splitlines():
            if line.startswith("{"):
                return str(json.loads(line)["address"])
        return None


@contextmanager
def servers(
    folder: Path, *, prefect_port: int = 0, emulator_port: int | None = 0, lock: int | None = None
) -> Iterator[Servers]:
    """Start both in *folder* and stop exactly them at the end, unless they are released.

    Port 0 picks a free one; no emulator is started where its port is None.

    *lock* is a file descriptor that the processes keep open for as long as they live.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefect_port = usable_port(prefect_port)
    emulator_port = None if emulator_port is None else usable_port(emulator_port)
    with ExitStack() as cleanup:
        prefect = start(
            folder / "prefect", _prefect_command(prefect_port), _server_environment(folder, prefect_port), lock
        )
        cleanup.callback(prefect.end)
        state = folder / "emulator"
        emulator = None if emulator_port is None else start(state, _emulator_command(emulator_port, state), {}, lock)
        cleanup.pop_all()
        running = Servers(prefect, emulator, prefect_port)
    try:
        yield running
    finally:
        running.end()


def client_environment(folder: Path, addresses: Addresses) -> dict[str, str]:
    """Variables with which flows in this process, or a child, use these servers and nothing else."""
    prefect = {**_prefect_environment(folder), "PREFECT_API_URL": f"{addresses.prefect}/api"}
    return prefect if addresses.emulator is None else prefect | emulator_environment(addresses.emulator)


def emulator_environment(address: str) -> dict[str, str]:
    """Variables that lead a loop to the emulator at *address*, whatever its kaizen.toml says."""
    return {
        "KAIZEN_FOUNDRY__ENDPOINT": f"{address}/openai/v1/",
        "KAIZEN_FOUNDRY__MANAGEMENT": address,
        "KAIZEN_FOUNDRY__METRICS": address,
        "KAIZEN_FOUNDRY__ACCOUNT": "local",
        "KAIZEN_FOUNDRY__CLOCK": f"{address}/emulator/clock",
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "IDENTITY_ENDPOINT": f"{address}/identity/token",
        "IDENTITY_HEADER": IDENTITY_HEADER,
    }


def tell_prefect_everything() -> None:
    """Send queued logs and events; left over, they would wait for a server that is gone."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all(timeout=FLUSH_PATIENCE)
        EventsWorker.drain_all(timeout=FLUSH_PATIENCE)


def usable_port(port: int, host: str = HOST) -> int:
    """*port* if it is free on *host*, or a free one for 0; raises WrongInput when something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise WrongInput(f"Port {port} cannot be used: {error}; name another, or 0 for a free one") from error
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether something at *url* answers well."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def start(place: Path, command: Sequence[str], environment: Mapping[str, str], lock: int | None) -> Kept:
    """Run *command* until we end; its log and PID are beside *place*, and it keeps *lock* open."""
    log, pid_file = place.with_suffix(".log"), place.with_suffix(".pid")
    with log.open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "deployments.keeper", str(pid_file), *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={**os.environ, **environment},
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )
    return Kept(keeper, log, pid_file)


def _prefect_environment(folder: Path) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
        # What happens is told in our own words; a run's log is in the Prefect UI.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }


def _server_environment(folder: Path, port: int) -> dict[str, str]:
    return {**_prefect_environment(folder), "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api"}


def _prefect_command(port: int) -> list[str]:
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def _emulator_command(port: int, state: Path) -> list[str]:
    return [sys.executable, "-m", "foundry_emulator", "--port", str(port), "--state", str(state)]
