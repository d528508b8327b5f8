"""Chats for tests, a contract for them that says only what a test needs, and the folder of a loop of chats."""

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from data_contracts.chat_contract import ChatContract, ExactGrader
from data_contracts.image_contract import SplitRule
from tests.support.loops import SETTINGS, LoopFolder

STYLE = Path(__file__).resolve().parents[2] / "examples" / "chat_style.odcs.yaml"


def contract(**changes: Any) -> ChatContract:
    """A contract that lets every chat of text in."""
    given: dict[str, Any] = {
        "id": "desk",
        "version": "1.0.0",
        "digest": "0" * 64,
        "split": SplitRule(salt="desk", held_out=0.25, validation=0.1),
        "grader": ExactGrader(kind="exact"),
    }
    return ChatContract(**given | changes)


def said(*contents: str, first: str = "user") -> list[dict[str, Any]]:
    """Messages that user and assistant exchange in turn, beginning with *first*."""
    roles = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [{"role": roles[number % 2], "content": text} for number, text in enumerate(contents)]


def line(messages: object, **more: object) -> bytes:
    """A line of a delivered file."""
    return json.dumps({"messages": messages, **more}, ensure_ascii=False).encode()


class ChatLoop(LoopFolder):
    """A loop of chats, with the contract of the example."""

    @classmethod
    def make(cls, path: Path, *, smallest_addition: int = 20) -> "ChatLoop":
        """A new loop in *path* with a name of its own."""
        path.mkdir(parents=True, exist_ok=True)
        shutil.copy(STYLE, path / "contract.odcs.yaml")
        settings = SETTINGS.format(loop=f"desk-{uuid.uuid4().hex[:6]}", smallest_addition=smallest_addition)
        (path / "kaizen.toml").write_text(settings)
        return cls(path)
