"""The lines of a training file of chats: as they were accepted, streamed to disk, the same bytes for the same input."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from data_contracts.images import LabeledImage
from decisions.ingestion.chat_check import messages_of
from decisions.training.preflight import Sent
from decisions.training.tokens import chat_tokens
from tasks.as_sent import kept_line
from tasks.loop import Loop
from tasks.training.training_lines import BUFFER, Written


def write_chats(loop: Loop, chats: Sequence[LabeledImage], file: Path | None) -> Written:
    """Write one chat a line into *file*, or only measure them without one."""
    digest, sent = hashlib.sha256(), []
    with file.open("wb", BUFFER) if file else nullcontext() as out:
        for chat in chats:
            line = kept_line(loop, chat) + b"\n"
            if out is not None:
                out.write(line)
            digest.update(line)
            tokens = chat_tokens(message["content"] for message in messages_of(line))
            sent.append(Sent(len(line), image_bytes=0, width=0, height=0, text_tokens=tokens))
    return Written(digest.hexdigest(), tuple(sent))
