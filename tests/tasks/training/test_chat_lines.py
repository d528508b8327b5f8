"""The training file of a loop of chats: the lines as accepted, the same bytes for the same input."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data_contracts.images import Dataset, LabeledImage, Split
from data_contracts.policies import TrainingPolicy
from decisions.ingestion.chat_check import as_line, messages_of
from tasks.labels import image_path
from tasks.training.chat_lines import write_chats
from tasks.training.training_files import check_fit, prepare
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.chats import ChatLoop, said


def kept(desk: ChatLoop, number: int) -> LabeledImage:
    digest = f"{number:064x}"
    content = as_line(messages_of(as_line(said(f"Question {number}?", "Caf\u00e9."))))
    desk.loop().store.create(image_path(digest, "chat"), content)
    return LabeledImage(
        digest=digest,
        question=digest,
        label="chat",
        group=str(number),
        split=list(Split)[number % 3],
        source="monday/a.jsonl:1",
        who="Kim",
        labeled_at=datetime(2026, 1, 1, tzinfo=UTC),
        media_type="chat",
    )


@pytest.fixture
def desk(tmp_path: Path, foundry: EmulatorProcess) -> ChatLoop:
    assert foundry
    return ChatLoop.make(tmp_path / "desk")


def test_the_files_hold_the_kept_lines_in_an_order_that_is_always_the_same(desk: ChatLoop, tmp_path: Path) -> None:
    chats = [kept(desk, number) for number in range(60)]
    one, two = (
        prepare(desk.loop(), Dataset(images=tuple(each)), TrainingPolicy(), tmp_path) for each in (chats, chats[::-1])
    )
    lines = (tmp_path / "train.jsonl").read_bytes().splitlines()

    assert [each.written.digest for each in one] == [each.written.digest for each in two]
    assert [each.role for each in one] == ["train", "validation"]
    assert sorted(lines) == sorted(as_line(said(f"Question {n}?", "Caf\u00e9.")) for n in range(0, 60, 3))


def test_chats_are_measured_without_a_file_as_they_are_with_one(desk: ChatLoop, tmp_path: Path) -> None:
    chats = [kept(desk, number) for number in range(10)]
    file = tmp_path / "file.jsonl"

    assert write_chats(desk.loop(), chats, None) == write_chats(desk.loop(), chats, file)
    assert sum(each.line_bytes for each in write_chats(desk.loop(), chats, None).examples) == file.stat().st_size


def test_chats_are_fit_for_any_detail_of_images(desk: ChatLoop, tmp_path: Path) -> None:
    chats = [kept(desk, number) for number in range(60)]
    for detail in ("low", "high"):
        policy = TrainingPolicy.model_validate({"detail": detail})
        files = prepare(desk.loop(), Dataset(images=tuple(chats)), policy, tmp_path)
        assert check_fit(desk.loop(), files, policy, policy.n_epochs).fits
