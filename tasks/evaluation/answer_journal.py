"""Answers as they come: small parts in the store that are never changed, so that nothing received is asked again."""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from cloud.clock import wait
from cloud.store import Store
from data_contracts.evaluation import Answer, Outcome
from tasks.tables import from_parquet

PART, SHARD = "part-", "shard-"
READERS = 16
PAUSES = (0.1, 0.5, 2.0, 5.0)
"""Seconds between attempts to keep answers, before the store's error is believed."""
MOST_IN_A_PART = 500

Queue: TypeAlias = "queue.SimpleQueue[Answer | None]"


@dataclass(frozen=True)
class AnswerJournal:
    """The answers of one model to one set of images, below one folder of the store."""

    store: Store
    folder: str

    def read(self) -> dict[str, Answer]:
        """Every answer received so far, by the digest of its image; those of earlier versions' shards too."""
        paths = sorted(path for path in self.store.list(f"{self.folder}/") if _is_part(path))
        with ThreadPoolExecutor(READERS) as pool:
            contents = list(pool.map(lambda path: self.store.get(path).content, paths))
        found: dict[str, Answer] = {}
        for path, content in zip(paths, contents, strict=True):
            for answer in _answers(path, content):
                if answer.outcome is not Outcome.FAILED:  # earlier versions kept these too
                    found.setdefault(answer.image, answer)
        return found

    def add(self, answers: Sequence[Answer]) -> None:
        """Keep *answers* in one new part, for good once this returns; the same ones twice make one part."""
        if answers:
            content = "".join(f"{answer.model_dump_json()}\n" for answer in answers).encode()
            self.store.create(f"{self.folder}/{PART}{hashlib.sha256(content).hexdigest()[:32]}.jsonl", content)

    def clear(self) -> None:
        """Delete the parts, once their answers stand elsewhere."""
        for path in list(self.store.list(f"{self.folder}/")):
            if _is_part(path):
                self.store.delete(path)

    @contextmanager
    def writing(self) -> Iterator[Callable[[Answer], None]]:
        """Gives a function that keeps an answer within moments; leaving waits until all are kept.

        While one part is being written the next answers gather, so a slow store makes parts larger and holds up nobody.
        What the store raises is raised by the next call, so that nothing more is bought, and in the end.
        """
        waiting: Queue = queue.SimpleQueue()
        problems: list[Exception] = []
        writer = threading.Thread(target=self._write, args=(waiting, problems), daemon=True)
        writer.start()

        def keep(answer: Answer) -> None:
            waiting.put(answer)
            if problems:
                raise problems[0]

        try:
            yield keep
        finally:
            waiting.put(None)
            writer.join()
            if problems:
                self.add(_rest(waiting))  # the store may be back; if not, this raises what it says now
        if problems:
            raise problems[0]

    def _write(self, waiting: Queue, problems: list[Exception]) -> None:
        ended = False
        while not ended:
            ended, gathered = _gathered(waiting)
            try:
                self._add_patiently(gathered)
            except Exception as error:  # whatever it is, the asking thread has to learn of it
                for answer in gathered:
                    waiting.put(answer)
                problems.append(error)
                return

    def _add_patiently(self, answers: Sequence[Answer]) -> None:
        """As `add`, tried again for some seconds: what it would lose was paid for."""
        for pause in PAUSES:
            try:
                return self.add(answers)
            except Exception:  # the last try tells what it is
                wait(pause)
        return self.add(answers)


def _gathered(waiting: Queue) -> tuple[bool, list[Answer]]:
    """What waits, at least one; and whether the end was among it."""
    gathered: list[Answer] = []
    while not gathered or (len(gathered) < MOST_IN_A_PART and not waiting.empty()):
        answer = waiting.get()
        if answer is None:
            return True, gathered
        gathered.append(answer)
    return False, gathered


def _rest(waiting: Queue) -> list[Answer]:
    """What still waits, without waiting for more."""
    rest = []
    while not waiting.empty():
        answer = waiting.get()
        if answer is not None:
            rest.append(answer)
    return rest


def _is_part(path: str) -> bool:
    return path.rpartition("/")[2].startswith((PART, SHARD))


def _answers(path: str, content: bytes) -> list[Answer]:
    if path.endswith(".parquet"):
        return from_parquet(content, Answer)
    return [Answer.model_validate_json(line) for line in content.splitlines()]
