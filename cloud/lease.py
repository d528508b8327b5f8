"""Leases: one run at a time works on a loop, one at a time writes to an account; the dead give up by falling silent."""

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cloud.clock import system_time
from cloud.errors import CloudError, LeaseHeld, LeaseLost
from cloud.store import DATA, NotFound, Store, Stored, account_folder
from cloud.waiting import eventually
from data_contracts.record import Record

LIFETIME = timedelta(seconds=60)
BEAT = 10.0
TURN_PATIENCE = 60 * 60


class LeaseState(Record):
    """What `lease.json` holds."""

    fence: int
    run: str
    nonce: str
    process: str | None
    renewed_at: datetime
    released: bool = False


@dataclass
class Lease:
    """A lease that is held; *fence* goes into every ledger entry of the holder."""

    store: Store
    path: str
    state: LeaseState
    tag: str
    lost: bool = False

    @property
    def fence(self) -> int:
        """The fencing number: larger than that of every earlier holder."""
        return self.state.fence

    def renew(self, *, released: bool = False) -> None:
        """Show life, or let go; marks the lease as lost when somebody else took it over."""
        state = self.state.model_copy(update={"renewed_at": system_time(), "released": released})
        tag = _replace(self.store, self.path, state, self.tag)
        if tag is None:
            self.lost = True
        else:
            self.state, self.tag = state, tag


@contextmanager
def held(store: Store, loop: str, run: str) -> Iterator[Lease]:
    """Hold the lease of *loop* for the run named *run*, renewing it from a thread.

    Raises LeaseHeld, naming the run, while another living run holds it.
    """
    with _beating(_acquire(store, f"{DATA}/loops/{loop}/lease.json", run)) as lease:
        yield lease


@contextmanager
def turn_to_write(store: Store, account: str, run: str) -> Iterator[Lease]:
    """Have the turn to write to the Azure *account*, a resource id, shared by all loops of the store; waits for it.

    Raises CloudUnavailable when it does not come within an hour.
    """
    path = f"{account_folder(account)}/lock.json"

    def look() -> Lease | None:
        try:
            return _acquire(store, path, run)
        except LeaseHeld:
            return None

    with _beating(eventually(look, TURN_PATIENCE, f"The turn to write to the account {account} did not come")) as lease:
        yield lease


def check(store: Store, loop: str, fence: int | None) -> None:
    """Raise LeaseLost unless the lease with *fence* is still the newest; to be asked right before buying.

    None is of somebody who needs no lease, and passes.
    """
    if fence is None:
        return
    state = _read(store.get(f"{DATA}/loops/{loop}/lease.json"))
    if state.fence != fence:
        raise LeaseLost(f"{state.run} took {loop} over from this run")


@contextmanager
def _beating(lease: Lease) -> Iterator[Lease]:
    """Renew the *lease* from a thread until the work is done, and let go."""
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(lease, stop), daemon=True, name=f"lease {lease.path}")
    heart.start()
    try:
        yield lease
    finally:
        stop.set()
        heart.join()
        lease.renew(released=True)


def _acquire(store: Store, path: str, run: str) -> Lease:
    while True:
        try:
            found = store.get(path)
        except NotFound:
            state = _claim(run, 1)
            if store.create(path, _bytes(state)):
                return Lease(store, path, state, store.get(path).tag)
            continue
        holder = _read(found)
        if _alive(holder):
            raise LeaseHeld(f"{holder.run} works on this loop (since {_age(holder)}); let it finish")
        state = _claim(run, holder.fence + 1)
        tag = _replace(store, path, state, found.tag)
        if tag is not None:
            return Lease(store, path, state, tag)


def _replace(store: Store, path: str, state: LeaseState, tag: str) -> str | None:
    new = store.replace(path, _bytes(state), tag)
    if new is not None:
        return new
    try:
        found = store.get(path)
    except NotFound:
        return None
    # A client's own retry after a lost answer finds what it wrote itself.
    return found.tag if found.content == _bytes(state) else None


def _beat(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(BEAT) and not lease.lost:
        try:
            lease.renew()
        except (CloudError, OSError):
            continue  # the next beat tries again; the lifetime allows for several that fail


def _claim(run: str, fence: int) -> LeaseState:
    return LeaseState(
        fence=fence, run=run, nonce=secrets.token_hex(8), process=_this_process(), renewed_at=system_time()
    )


def _alive(state: LeaseState) -> bool:
    if state.released or system_time() - state.renewed_at > LIFETIME:
        return False
    return not _known_dead(state.process)


def _known_dead(process: str | None) -> bool:
    """Whether *process* ran on this very machine and is gone; False when that cannot be told."""
    if process is None:
        return False
    machine, pid, started = json.loads(process)
    return bool(machine == _this_machine() and _started(pid) != started)


def _this_process() -> str | None:
    started = _started(os.getpid())
    return None if started is None else json.dumps([_this_machine(), os.getpid(), started])


def _this_machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot} {_namespace()}"


def _namespace() -> str:
    """Which processes this one can see; in a container PIDs mean something else."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When *pid* started, in the kernel's ticks; None where there is no such process, or no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _age(state: LeaseState) -> str:
    return f"{state.renewed_at:%H:%M:%S} UTC"


def _read(stored: Stored) -> LeaseState:
    return LeaseState.model_validate_json(stored.content)


def _bytes(state: LeaseState) -> bytes:
    return state.model_dump_json().encode()
