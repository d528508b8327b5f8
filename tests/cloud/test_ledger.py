"""The ledger: append-only, hash-chained, one order for all writers, over a folder and over Azure Blob Storage."""

import multiprocessing
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from cloud.blob_store import BlobStore
from cloud.clock import system_time
from cloud.errors import LeaseLost, LedgerBroken
from cloud.folder_store import FolderStore
from cloud.ledger import PACK, Authorship, Draft, Ledger, verify
from cloud.store import Store, Stored
from data_contracts.ledger import Actor, CostBooked, LedgerEntry

AUTHOR = Authorship(Actor(name="test", established="command line"), "c" * 64, "d" * 64)
WRITERS, APPENDS = 8, 12


def cost(subject: str) -> CostBooked:
    return CostBooked(what="training", subject=subject, usd=1, basis="a test")


def ledger_in(store: Store, loop: str = "steel") -> Ledger:
    return Ledger(store, loop, system_time)


def connect(address: str) -> Store:
    if address.startswith("/"):
        return FolderStore(Path(address))
    return BlobStore(BlobServiceClient.from_connection_string(address))


def write_many(address: str, loop: str, writer: int) -> None:
    ledger = ledger_in(connect(address), loop)
    for number in range(APPENDS):
        ledger.write(AUTHOR, None, cost(f"{writer}-{number}"))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def written(store: FolderStore) -> FolderStore:
    ledger = ledger_in(store)
    for number in range(6):
        ledger.write(AUTHOR, None, cost(f"job-{number}"))
    return store


def path(number: int) -> str:
    return f"ledger/steel/{number:08d}.json"


@pytest.mark.parametrize("place", ["folder", "azure"])
def test_eight_writers_lose_no_entry(place: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    address = str(tmp_path) if place == "folder" else str(request.getfixturevalue("azure_storage"))
    loop = f"race-{uuid.uuid4().hex[:8]}"
    if place == "azure":
        BlobStore(BlobServiceClient.from_connection_string(address)).make_containers()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(address, loop, writer)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    entries = ledger_in(connect(address), loop).read()
    assert verify(connect(address), loop).entries == WRITERS * APPENDS
    assert len({entry.event.model_dump_json() for entry in entries}) == WRITERS * APPENDS


def test_entries_come_back_in_order(written: FolderStore) -> None:
    entries = ledger_in(written).read()

    assert [entry.number for entry in entries] == list(range(6))
    assert verify(written, "steel").head == ledger_with(written).head


def ledger_with(store: Store) -> Ledger:
    ledger = ledger_in(store)
    ledger.read()
    return ledger


def test_an_empty_ledger_holds(store: FolderStore) -> None:
    assert verify(store, "steel").entries == 0


def test_a_changed_entry_is_named(written: FolderStore) -> None:
    changed = written.get(path(2)).content.replace(b"job-2", b"job-9")
    written.put(path(2), changed)

    with pytest.raises(LedgerBroken, match=r"Entry 3 does not follow: .* entry 2"):
        verify(written, "steel")


def test_a_missing_entry_is_named(written: FolderStore) -> None:
    written.delete(path(3))

    with pytest.raises(LedgerBroken, match="Entry 3 is missing"):
        verify(written, "steel")


def test_reordered_entries_are_named(written: FolderStore) -> None:
    second, third = written.get(path(2)).content, written.get(path(3)).content
    written.put(path(2), third)
    written.put(path(3), second)

    with pytest.raises(LedgerBroken, match="Entry 2 is out of order: the file holds entry 3"):
        verify(written, "steel")


def test_an_unreadable_entry_is_named(written: FolderStore) -> None:
    written.put(path(4), b"{")

    with pytest.raises(LedgerBroken, match="Entry 4 cannot be read"):
        verify(written, "steel")


def test_a_tail_that_was_cut_off_is_found_with_its_head(written: FolderStore) -> None:
    head = verify(written, "steel").head
    written.delete(path(5))

    assert verify(written, "steel").entries == 5
    with pytest.raises(LedgerBroken, match="the tail after entry 4 was cut off"):
        verify(written, "steel", head)


def test_an_older_head_is_in_the_chain(written: FolderStore) -> None:
    head = verify(written, "steel").head
    ledger_in(written).write(AUTHOR, None, cost("later"))

    assert verify(written, "steel", head).entries == 7


def test_a_writer_that_lost_the_race_decides_again(store: FolderStore) -> None:
    mine, theirs = ledger_in(store), ledger_in(store)
    seen: list[int] = []

    def decide(entries: Sequence[LedgerEntry]) -> Draft | None:
        seen.append(len(entries))
        if len(seen) == 1:
            theirs.write(AUTHOR, None, cost("theirs"))
        return None, cost("mine")

    entry = mine.append(AUTHOR, decide)

    assert seen == [0, 1]
    assert entry is not None
    assert entry.number == 1


def test_nothing_is_written_when_nothing_is_to_be_said(written: FolderStore) -> None:
    assert ledger_in(written).append(AUTHOR, lambda _entries: None) is None
    assert verify(written, "steel").entries == 6


class LosesItsAnswers(FolderStore):
    """A store whose first answer to every creation is lost on the way, and whose client asks again."""

    def create(self, path: str, content: bytes) -> bool:
        super().create(path, content)
        return super().create(path, content)


def test_a_lost_answer_is_known_as_ones_own(tmp_path: Path) -> None:
    ledger = ledger_in(LosesItsAnswers(tmp_path))
    for number in range(3):
        ledger.write(AUTHOR, None, cost(f"job-{number}"))

    assert verify(FolderStore(tmp_path), "steel").entries == 3


def test_a_run_whose_lease_was_taken_over_writes_nothing(store: FolderStore) -> None:
    late = Authorship(AUTHOR.actor, AUTHOR.configuration, AUTHOR.contract, fence=2)
    early = Authorship(AUTHOR.actor, AUTHOR.configuration, AUTHOR.contract, fence=1)
    ledger_in(store).write(early, 1, cost("before"))
    ledger_in(store).write(late, 1, cost("taken over"))

    with pytest.raises(LeaseLost, match=r"lease 2.*lease 1"):
        ledger_in(store).write(early, 1, cost("too late"))
    assert verify(store, "steel").entries == 2


class Counting(FolderStore):
    """A folder that counts how often it is read."""

    reads = 0

    def get(self, path: str) -> Stored:
        self.reads += 1
        return super().get(path)


def test_a_thousand_entries_are_read_from_a_pack(tmp_path: Path) -> None:
    ledger = ledger_in(FolderStore(tmp_path))
    for number in range(PACK + 3):
        ledger.write(AUTHOR, None, cost(f"job-{number}"))
    counting = Counting(tmp_path)

    assert len(ledger_in(counting).read()) == PACK + 3
    assert counting.reads < 10
    assert verify(counting, "steel").entries == PACK + 3


def test_a_pack_that_differs_is_named_and_can_be_thrown_away(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = ledger_in(store)
    for number in range(PACK):
        ledger.write(AUTHOR, None, cost(f"job-{number}"))
    pack = "ledger/steel/packs/00000000.jsonl"
    store.put(pack, store.get(pack).content.replace(b"job-7", b"job-8"))

    with pytest.raises(LedgerBroken, match="differs from entry 7; delete the pack"):
        verify(store, "steel")
    store.delete(pack)
    assert len(ledger_in(store).read()) == PACK


def test_a_pack_that_is_not_whole_is_no_pack(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger_in(store).write(AUTHOR, None, cost("job-0"))
    store.put("ledger/steel/packs/00000000.jsonl", b"")

    assert len(ledger_in(store).read()) == 1


def test_a_tail_cut_off_inside_a_pack_is_named(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = ledger_in(store)
    for number in range(PACK):
        ledger.write(AUTHOR, None, cost(f"job-{number}"))
    store.delete(path(PACK - 1))

    with pytest.raises(LedgerBroken, match="Entry 999 is missing; the pack"):
        verify(store, "steel")
