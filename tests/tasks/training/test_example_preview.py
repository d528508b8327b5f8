"""What is shown of a training file before it is sent."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from data_contracts.images import Dataset, LabeledImage, Split
from data_contracts.policies import TrainingPolicy
from decisions.ingestion.chat_check import as_line, messages_of
from tasks.labels import image_path
from tasks.loop import Loop
from tasks.training.example_preview import preview
from tasks.training.training_files import prepare
from tests.foundry_emulator.support import EmulatorProcess
from tests.support.chats import ChatLoop, line, said

HOSTILE = "<script>alert(1)</script> | [click](http://evil) **bold**"


def kept(desk: ChatLoop, question: str) -> LabeledImage:
    content = as_line(messages_of(line(said(question, "Yes."))))
    digest = sha256(content).hexdigest()
    desk.loop().store.create(image_path(digest, "chat"), content)
    return LabeledImage(
        digest=digest,
        question=digest,
        label="chat",
        group=digest,
        split=Split.TRAIN,
        source="monday/a.jsonl:1",
        who="Kim",
        labeled_at=datetime(2026, 1, 1, tzinfo=UTC),
        media_type="chat",
    )


@pytest.fixture
def desk(tmp_path: Path, foundry: EmulatorProcess) -> ChatLoop:
    return ChatLoop.make(tmp_path / "desk")


def shown(loop: Loop, chats: list[LabeledImage], folder: Path) -> str:
    file = prepare(loop, Dataset(images=tuple(chats)), TrainingPolicy(), folder)[0]
    assert file.path is not None
    return preview(loop, file.path, file.written)


def test_the_first_three_chats_are_shown_in_the_order_of_the_file(desk: ChatLoop, tmp_path: Path) -> None:
    chats = [kept(desk, f"Question {number}?") for number in range(12)]
    told = shown(desk.loop(), chats, tmp_path)
    first = [messages_of(each)[0]["content"] for each in (tmp_path / "train.jsonl").read_bytes().splitlines()[:3]]

    assert "First 3 of 12 training chats" in told
    assert [part.splitlines()[0].strip() for part in told.split("**user:**")[1:]] == first
    assert told.count("**user:**") == told.count("**assistant:** Yes.") == 3


def test_what_a_chat_says_is_shown_and_never_rendered(desk: ChatLoop, tmp_path: Path) -> None:
    told = shown(desk.loop(), [kept(desk, HOSTILE)], tmp_path)

    assert "<script>" not in told
    assert "[click](" not in told
    assert "\\<script\\>alert\\(1\\)\\</script\\> \\| \\[click\\]\\(http://evil\\) \\*\\*bold\\*\\*" in told


def test_a_long_message_is_cut(desk: ChatLoop, tmp_path: Path) -> None:
    told = shown(desk.loop(), [kept(desk, "word " * 5_000)], tmp_path)

    assert len(told) < 2_000
    assert "word …" in told
