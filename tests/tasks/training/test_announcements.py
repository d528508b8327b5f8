"""Waiting between polls: cut short by a new mark of the job, by nothing else."""

from pathlib import Path

import pytest

from tasks.training.announcements import Announcements, keep_announcement
from tests.support.loops import LoopFolder

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="
LONG, SHORT = 900.0, 0.05


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopFolder:
    """A loop with a secret for webhooks."""
    monkeypatch.setenv("KAIZEN_WEBHOOK_SECRET", SECRET)
    return LoopFolder.make(tmp_path / "loop")


def announce(folder: LoopFolder, job: str, webhook: str) -> bool:
    loop = folder.loop()
    return keep_announcement(loop.store, loop.name, job, webhook)


def test_a_mark_of_the_job_ends_the_wait_at_once(folder: LoopFolder) -> None:
    announce(folder, "ftjob-1", "evt_1")

    assert Announcements(folder.loop(), "ftjob-1").wait(LONG)


def test_a_mark_counts_once_and_a_replayed_webhook_makes_no_other(folder: LoopFolder) -> None:
    waiting = Announcements(folder.loop(), "ftjob-1")
    first = announce(folder, "ftjob-1", "evt_1"), waiting.wait(LONG)
    again = announce(folder, "ftjob-1", "evt_1"), waiting.wait(SHORT)

    assert first == (True, True)
    assert again == (False, False)


def test_marks_of_other_jobs_end_no_wait(folder: LoopFolder) -> None:
    announce(folder, "ftjob-10", "evt_1")

    assert not Announcements(folder.loop(), "ftjob-1").wait(SHORT)


def test_without_a_secret_nothing_is_looked_for(folder: LoopFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(folder, "ftjob-1", "evt_1")
    monkeypatch.delenv("KAIZEN_WEBHOOK_SECRET")

    assert not Announcements(folder.loop(), "ftjob-1").wait(SHORT)


@pytest.mark.parametrize("job", ["../../../ledger/x", "a/b", "a.b", "", "x" * 101, "ftjob-1\n"])
def test_what_does_not_look_like_a_job_leaves_no_mark(folder: LoopFolder, job: str) -> None:
    assert not announce(folder, job, "evt_1")
    assert list(folder.loop().store.list("data/")) == []
