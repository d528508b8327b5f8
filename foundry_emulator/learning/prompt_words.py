"""What a prompt asks, as a bag of numbered words: any text has one, also with words never seen."""

import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundry_emulator import tokens
from foundry_emulator.learning.pieces import split

BUCKETS = 8_192
MOST_WORDS = 256
Bag = NDArray[np.int64]


def bag(messages: Sequence[Mapping[str, Any]]) -> Bag:
    """Return the numbers of the words, and of the pairs of words, in the last user message of *messages*.

    Other messages count where they differ from conversation to conversation: the answers so far.
    """
    said = [tokens.message_text(dict(message)) for message in messages if message.get("role") == "assistant"]
    numbers = [*_numbers("asked", [last_question(messages)]), *_numbers("said", said[-1:])]
    return np.array(sorted(set(numbers)), dtype=np.int64)


def last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the last user message of *messages*; empty if there is none."""
    told = [message for message in messages if message.get("role") == "user"]
    return tokens.message_text(dict(told[-1])) if told else ""


def _numbers(kind: str, texts: Sequence[str]) -> list[int]:
    words = [piece.strip().lower() for text in texts for piece in split(text)][:MOST_WORDS]
    words = [word for word in words if word]
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return [zlib.crc32(f"{kind}:{word}".encode("utf-8", "surrogatepass")) % BUCKETS for word in (*words, *pairs)]
