"""The lease: one run at a time, and a dead one gives way."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cloud import lease
from cloud.clock import system_time
from cloud.errors import LeaseHeld, LeaseLost
from cloud.folder_store import FolderStore
from cloud.lease import LeaseState

PATH = "data/loops/steel/lease.json"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def left_behind(store: FolderStore, **changes: object) -> None:
    state = LeaseState(fence=7, run="the other run", nonce="0", process=None, renewed_at=system_time())
    store.put(PATH, state.model_copy(update=changes).model_dump_json().encode())


def test_a_second_run_is_told_who_works(store: FolderStore) -> None:
    with (
        lease.held(store, "steel", "first run"),
        pytest.raises(LeaseHeld, match="first run works on this loop"),
        lease.held(store, "steel", "second run"),
    ):
        pass


def test_two_loops_do_not_wait_for_each_other(store: FolderStore) -> None:
    with lease.held(store, "steel", "first"), lease.held(store, "glass", "second") as other:
        assert other.fence == 1


def test_a_lease_that_was_let_go_is_free_and_its_number_grows(store: FolderStore) -> None:
    with lease.held(store, "steel", "first"):
        pass

    with lease.held(store, "steel", "second") as second:
        assert second.fence == 2


def test_a_silent_holder_gives_way(store: FolderStore) -> None:
    left_behind(store, renewed_at=system_time() - lease.LIFETIME - timedelta(seconds=1))

    with lease.held(store, "steel", "second") as taken:
        assert taken.fence == 8


def test_a_holder_elsewhere_that_was_heard_lately_lives(store: FolderStore) -> None:
    left_behind(store)

    with pytest.raises(LeaseHeld, match="the other run"), lease.held(store, "steel", "second"):
        pass


HOLD_AND_DIE = """
import os, sys
from pathlib import Path
from cloud import lease
from cloud.folder_store import FolderStore
with lease.held(FolderStore(Path(sys.argv[1])), "steel", "killed run"):
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="telling a dead process at once needs /proc")
def test_a_holder_killed_on_this_machine_gives_way_at_once(store: FolderStore) -> None:
    killed = subprocess.run([sys.executable, "-c", HOLD_AND_DIE, str(store.root)], check=False)

    assert killed.returncode == -9
    with lease.held(store, "steel", "second") as taken:
        assert taken.fence == 2


def test_a_run_that_was_taken_over_learns_it_before_it_buys(store: FolderStore) -> None:
    with lease.held(store, "steel", "first") as first:
        lease.check(store, "steel", first.fence)
        left_behind(store)

        with pytest.raises(LeaseLost, match="the other run took steel over"):
            lease.check(store, "steel", first.fence)


def test_a_run_that_was_taken_over_does_not_let_go_of_the_other_lease(store: FolderStore) -> None:
    with lease.held(store, "steel", "first"):
        left_behind(store)

    state = LeaseState.model_validate_json(store.get(PATH).content)
    assert (state.run, state.released) == ("the other run", False)


def test_writes_to_an_account_take_turns(store: FolderStore) -> None:
    story: list[str] = []

    def write(name: str) -> None:
        with lease.turn_to_write(store, "resource", name):
            story.append(f"{name} begins")
            time.sleep(0.3)
            story.append(f"{name} ends")

    writers = [threading.Thread(target=write, args=(name,)) for name in ("one", "two", "three")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    assert len(story) == 6
    assert all(story[i].split()[0] == story[i + 1].split()[0] for i in (0, 2, 4))


def test_writes_to_two_accounts_do_not_wait_for_each_other(store: FolderStore) -> None:
    with lease.turn_to_write(store, "one", "any"), lease.turn_to_write(store, "two", "any") as other:
        assert other.fence == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="telling a dead process at once needs /proc")
def test_the_turn_of_a_writer_that_died_is_taken(store: FolderStore) -> None:
    write_and_die = HOLD_AND_DIE.replace("lease.held", "lease.turn_to_write")
    killed = subprocess.run([sys.executable, "-c", write_and_die, str(store.root)], check=False)

    assert killed.returncode == -9
    with lease.turn_to_write(store, "steel", "second") as taken:
        assert taken.fence == 2
