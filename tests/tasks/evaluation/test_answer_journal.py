"""Answers are kept as they come, and stay, whatever happens to whoever asks."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloud.errors import CloudUnavailable
from cloud.folder_store import FolderStore
from data_contracts.evaluation import Answer, Outcome
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.tables import to_parquet

FOLDER = "data/answers/one"
KEEPS_UNTIL_KILLED = """
import sys, time
from itertools import count
from pathlib import Path
from cloud.folder_store import FolderStore
from tasks.evaluation.answer_journal import AnswerJournal
from tests.tasks.evaluation.test_answer_journal import FOLDER, answer

with AnswerJournal(FolderStore(Path(sys.argv[1])), FOLDER).writing() as keep:
    for number in count():
        keep(answer(f"{number:08d}"))
        print(f"{number:08d}", flush=True)
        time.sleep(0.001)
"""


def answer(image: str, outcome: Outcome = Outcome.LABEL) -> Answer:
    return Answer(
        image=image,
        expected="crazing",
        given="crazing",
        outcome=outcome,
        latency_ms=1,
        prompt_tokens=1,
        completion_tokens=1,
    )


class Broken(FolderStore):
    """A store that fails some times before it works."""

    failures = 0

    def create(self, path: str, content: bytes) -> bool:
        if self.failures:
            self.failures -= 1
            raise CloudUnavailable("the store is away")
        return super().create(path, content)


@pytest.fixture
def journal(tmp_path: Path) -> AnswerJournal:
    return AnswerJournal(FolderStore(tmp_path), FOLDER)


def keep_all(journal: AnswerJournal, images: list[str]) -> None:
    with journal.writing() as keep:
        for image in images:
            keep(answer(image))


def test_what_was_kept_is_read_back(journal: AnswerJournal) -> None:
    images = [f"{number:04d}" for number in range(300)]
    keep_all(journal, images)

    assert sorted(journal.read()) == images


def test_two_writers_at_once_lose_nothing(journal: AnswerJournal) -> None:
    halves = [[f"{half}-{number:04d}" for number in range(200)] for half in "ab"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda images: keep_all(journal, images), halves))

    assert len(journal.read()) == 400


def test_a_killed_writer_leaves_everything_but_its_last_moments(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEPS_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [line.strip() for line, _ in zip(writer.stdout, range(500), strict=False)]
        time.sleep(0.5)
        writer.send_signal(signal.SIGKILL)
    kept = AnswerJournal(FolderStore(tmp_path), FOLDER).read()

    assert set(told) <= set(kept)


def test_the_same_answers_twice_make_one_part(journal: AnswerJournal) -> None:
    journal.add([answer("a"), answer("b")])
    journal.add([answer("a"), answer("b")])

    assert len(list(journal.store.list(f"{FOLDER}/"))) == 1


def test_shards_of_earlier_versions_are_read_without_their_failures(journal: AnswerJournal) -> None:
    old = [answer("a"), answer("b", Outcome.FAILED)]
    journal.store.put(f"{FOLDER}/shard-000000.parquet", to_parquet(old, Answer))

    assert list(journal.read()) == ["a"]


def test_a_store_that_stumbles_loses_nothing(tmp_path: Path) -> None:
    store = Broken(tmp_path)
    store.failures = 2
    journal = AnswerJournal(store, FOLDER)
    keep_all(journal, ["a", "b", "c"])

    assert sorted(journal.read()) == ["a", "b", "c"]


def test_a_store_that_stays_away_is_told_and_what_came_is_kept_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.evaluation.answer_journal.PAUSES", (0.0,))
    store = Broken(tmp_path)
    store.failures = 2
    journal = AnswerJournal(store, FOLDER)

    with pytest.raises(CloudUnavailable, match="the store is away"):
        keep_all(journal, ["a", "b", "c"])
    assert sorted(journal.read()) == ["a", "b", "c"]


def test_a_cleared_journal_keeps_what_is_no_part_of_it(journal: AnswerJournal) -> None:
    journal.add([answer("a")])
    journal.store.put(f"{FOLDER}/evaluation.parquet", to_parquet([answer("a")], Answer))
    journal.clear()

    assert [Path(path).name for path in journal.store.list(f"{FOLDER}/")] == ["evaluation.parquet"]
