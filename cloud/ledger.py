"""The ledger: an append-only, hash-chained record in the store, where create-if-absent is both order and lock.

`ledger/LOOP/00000042.json` holds entry 42; `ledger/LOOP/packs/00001000.jsonl` the unchanged bytes of entries
1,000 to 1,999 in one file. Packs only make reading quick and can be thrown away at any time.
"""

import random
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cloud.clock import Clock, wait
from cloud.errors import CloudUnavailable, LeaseLost, LedgerBroken
from cloud.store import LEDGER, NotFound, Store
from data_contracts.errors import WrongInput
from data_contracts.ledger import GENESIS, Actor, Event, LedgerEntry, entry_hash, read_entry

PACK = 1000
READERS = 16
PATIENCE = 200
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.5

Draft = tuple[int | None, Event]
"""What is to be written: the iteration it belongs to, if any, and the event."""


@dataclass(frozen=True)
class Authorship:
    """What every entry of one writer carries."""

    actor: Actor
    configuration: str
    contract: str
    fence: int | None = None


@dataclass
class Ledger:
    """The ledger of one loop; keeps what it has read, for nothing in it ever changes."""

    store: Store
    loop: str
    now: Clock
    _entries: list[LedgerEntry] = field(default_factory=list)
    _head: str = GENESIS
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def read(self) -> Sequence[LedgerEntry]:
        """All entries in order; raises LedgerBroken where the chain does not hold."""
        with self._lock:
            if not self._entries:
                self._read_all()
            while (content := self._content(len(self._entries))) is not None:
                self._take(content)
            return tuple(self._entries)

    @property
    def head(self) -> str:
        """Hash of the newest entry that was read or written; all zeros before the first."""
        return self._head

    def stored(self, number: int) -> bytes:
        """The bytes of an entry as they were written; raises NotFound where there is none of this *number*."""
        return self.store.get(_path(self.loop, number)).content

    def append(self, author: Authorship, decide: Callable[[Sequence[LedgerEntry]], Draft | None]) -> LedgerEntry | None:
        """Write what *decide* makes of all entries; None when it decides that nothing is to be written.

        Whoever loses the race for a number reads again and decides again. Raises LeaseLost when a
        later holder of the loop's lease has written already.
        """
        id_ = secrets.token_hex(16)
        for attempt in range(PATIENCE):
            with self._lock:
                entries = self.read()
                draft = decide(entries)
                if draft is None:
                    return None
                self._check_fence(author, entries)
                entry = self._entry(id_, author, draft)
                if self._create(entry):
                    return entry
            _back_off(attempt)
        raise CloudUnavailable(f"Entry {len(self._entries)} of {self.loop} was lost {PATIENCE} times; try again")

    def write(self, author: Authorship, iteration: int | None, event: Event) -> LedgerEntry:
        """Write *event* whatever stands in the ledger already."""
        entry = self.append(author, lambda _: (iteration, event))
        assert entry is not None
        return entry

    def _entry(self, id_: str, author: Authorship, draft: Draft) -> LedgerEntry:
        iteration, event = draft
        return LedgerEntry(
            number=len(self._entries),
            id=id_,
            time=self.now(),
            iteration=iteration,
            actor=author.actor,
            fence=author.fence,
            configuration=author.configuration,
            contract=author.contract,
            event=event,
            previous=self._head,
        )

    def _create(self, entry: LedgerEntry) -> bool:
        content = entry.to_bytes()
        if not self.store.create(_path(self.loop, entry.number), content):
            winner = self.store.get(_path(self.loop, entry.number)).content
            if read_entry(winner).id != entry.id:
                return False
        self._take(content)
        if len(self._entries) % PACK == 0:
            self._write_pack(len(self._entries) // PACK - 1)
        return True

    def _check_fence(self, author: Authorship, entries: Sequence[LedgerEntry]) -> None:
        newest = max((entry.fence for entry in entries if entry.fence is not None), default=None)
        if author.fence is not None and newest is not None and newest > author.fence:
            raise LeaseLost(f"A later run (lease {newest}) took {self.loop} over from this one (lease {author.fence})")

    def _take(self, content: bytes) -> None:
        self._entries.append(checked(content, len(self._entries), self._head))
        self._head = entry_hash(content)

    def _content(self, number: int) -> bytes | None:
        try:
            return self.store.get(_path(self.loop, number)).content
        except NotFound:
            return None

    def _read_all(self) -> None:
        """Take everything there is: packs first, then single entries, many at a time."""
        self._read_packs()
        rest = [number for number in _numbers(self.store, self.loop) if number >= len(self._entries)]
        with ThreadPoolExecutor(READERS) as pool:
            for content in pool.map(lambda number: self.store.get(_path(self.loop, number)).content, rest):
                self._take(content)

    def _read_packs(self) -> None:
        while len(self._entries) % PACK == 0:
            try:
                pack = self.store.get(_pack_path(self.loop, len(self._entries))).content
            except NotFound:
                return
            lines = pack.splitlines()
            if len(lines) != PACK:
                return  # a pack that is not whole is no pack; the single entries hold
            for content in lines:
                self._take(content)

    def _write_pack(self, index: int) -> None:
        first = index * PACK
        lines = [self.store.get(_path(self.loop, number)).content for number in range(first, first + PACK)]
        self.store.create(_pack_path(self.loop, first), b"\n".join(lines) + b"\n")


def checked(content: bytes, number: int, previous: str) -> LedgerEntry:
    """The entry in *content*, if it is entry *number* and follows *previous*; else raises LedgerBroken."""
    try:
        entry = read_entry(content)
    except ValueError as error:
        raise LedgerBroken(f"Entry {number} cannot be read: {str(error).splitlines()[0]}") from error
    if entry.number != number:
        raise LedgerBroken(f"Entry {number} is out of order: the file holds entry {entry.number}")
    if entry.previous != previous:
        raise LedgerBroken(
            f"Entry {number} does not follow: it names {entry.previous[:12]} as the one before, "
            f"but entry {number - 1} is {previous[:12]}; one of the two was changed"
        )
    return entry


@dataclass(frozen=True)
class Verified:
    """A chain that holds."""

    entries: int
    head: str


def verify(store: Store, loop: str, head: str | None = None) -> Verified:
    """Recompute the whole chain from the single entries, ignoring packs.

    Raises LedgerBroken that names the first entry which was changed, is missing or out of order;
    with *head*, also when the entry with that hash is not in the chain, as after a cut-off tail.
    """
    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise WrongInput(f"{head!r} is no head: it has 64 hexadecimal digits, as kaizen ledger verify prints it")
    previous, count, found = GENESIS, 0, head in (None, GENESIS)
    for number in _numbers(store, loop):
        if number != count:
            raise LedgerBroken(f"Entry {count} is missing: entry {number} comes next")
        content = store.get(_path(loop, number)).content
        checked(content, number, previous)
        previous, count = entry_hash(content), count + 1
        found = found or previous == head
    _check_packs(store, loop)
    if not found:
        raise LedgerBroken(f"No entry has the hash {head}: the tail after entry {count - 1} was cut off or replaced")
    return Verified(count, previous)


def _check_packs(store: Store, loop: str) -> None:
    for path in store.list(f"{LEDGER}/{loop}/packs/"):
        first = int(path.rpartition("/")[2].partition(".")[0])
        for offset, line in enumerate(store.get(path).content.splitlines()):
            try:
                entry = store.get(_path(loop, first + offset)).content
            except NotFound:
                raise LedgerBroken(f"Entry {first + offset} is missing; the pack {path} still has it") from None
            if line != entry:
                raise LedgerBroken(f"The pack {path} differs from entry {first + offset}; delete the pack")


def _numbers(store: Store, loop: str) -> Iterator[int]:
    for path in store.list(f"{LEDGER}/{loop}/"):
        name = path.rpartition("/")[2]
        if path.count("/") == 2 and re.fullmatch(r"\d{8}\.json", name):  # noqa: PLR2004  (the folder itself, not its packs)
            yield int(name.removesuffix(".json"))


def _path(loop: str, number: int) -> str:
    return f"{LEDGER}/{loop}/{number:08d}.json"


def _pack_path(loop: str, first: int) -> str:
    return f"{LEDGER}/{loop}/packs/{first:08d}.jsonl"


def _back_off(attempt: int) -> None:
    ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 16))
    wait(random.uniform(0, ceiling))
