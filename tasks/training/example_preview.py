"""What Prefect shows of a training file before it is sent: its first examples, and how many each class has."""

import base64
import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact

from data_contracts.chat_contract import ChatContract
from tasks.loop import Loop
from tasks.markdown import plain, thumbnail
from tasks.training.training_lines import Written

SHOWN = 3
LONGEST_TEXT = 600
"""Letters shown of one message."""


def publish_examples(loop: Loop, iteration: int, file: Path, written: Written) -> None:
    """Show the first examples of the training *file*, read back from it, on the run."""
    create_markdown_artifact(
        preview(loop, file, written),
        key=f"{loop.name}-examples",
        description=f"First of the {len(written.examples):,} training examples of iteration {iteration}",
    )


def preview(loop: Loop, file: Path, written: Written) -> str:
    """The first examples of the training *file* as Markdown; letters of others are shown, never trusted."""
    with file.open("rb") as lines:
        chats = [json.loads(line)["messages"] for line in islice(lines, SHOWN)]
    if isinstance(loop.contract, ChatContract):
        return "\n\n".join([f"## First {len(chats)} of {len(written.examples):,} training chats", *map(_chat, chats)])
    return "\n\n".join([*_examples(loop, chats), "## Training examples of each class", _counts(written)])


def _examples(loop: Loop, chats: list[Any]) -> list[str]:
    prompt = "\n".join(f"> {plain(line)}  " for line in loop.prompt.splitlines())
    rows = [
        f"| ![{number}]({_picture(user)}) | {plain(assistant['content'])} |"
        for number, (_, user, assistant) in enumerate(chats, start=1)
    ]
    table = "\n".join(["| picture | answer |", "|---|---|", *rows])
    return [f"## First {len(chats)} training examples", table, "The system prompt of every example:", prompt]


def _picture(message: Any) -> str:
    url = str(message["content"][0]["image_url"]["url"])
    return thumbnail(base64.b64decode(url.partition(",")[2]))


def _counts(written: Written) -> str:
    """Images of each class, and what repeats or changed copies add; the largest class first."""
    examples = Counter(each.label for each in written.examples)
    rows = [
        f"| {plain(label)} | {written.images[label]:,} | {count - written.images[label]:,} | {count:,} |"
        for label, count in sorted(examples.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join(["| class | images | copies | examples |", "|---|---|---|---|", *rows])


def _chat(messages: Any) -> str:
    return "\n\n".join(["---", *(f"**{plain(each['role'])}:** {_short(each['content'])}" for each in messages)])


def _short(text: str) -> str:
    return plain(text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …")
