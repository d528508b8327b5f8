"""From a training file to rows that can be learned: features and answers."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundry_emulator import images, tokens
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.features import LENGTH, Vector

MOST_IMAGES = 64


@dataclass(frozen=True)
class LearnableSet:
    """What a file teaches: one row of features and one answer per example."""

    features: NDArray[np.float32]
    answers: list[str]
    tokens: int
    skipped: int

    @property
    def distinct_answers(self) -> list[str]:
        """The different answers, in alphabetical order."""
        return sorted(set(self.answers))


@dataclass(frozen=True)
class _Row:
    features: Vector
    answer: str
    tokens: int


def read_learnable(path: Path, cache: FeatureCache) -> LearnableSet:
    """Return the examples of *path* whose images Azure would keep; the others are skipped."""
    rows = [_row(messages, cache) for messages in _conversations(path)]
    kept = [row for row in rows if row is not None]
    return LearnableSet(
        features=np.stack([row.features for row in kept]) if kept else np.empty((0, LENGTH), np.float32),
        answers=[row.answer for row in kept],
        tokens=sum(row.tokens for row in kept),
        skipped=len(rows) - len(kept),
    )


def _conversations(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open("rb") as lines:
        for line in lines:
            content = line.removeprefix(codecs.BOM_UTF8).strip()
            if content:
                yield json.loads(content)["messages"]


def _row(messages: list[dict[str, Any]], cache: FeatureCache) -> _Row | None:
    urls = [found for message in messages for found in images.image_urls(message)]
    pictures = [(_trainable(url), detail) for url, detail in urls[: MOST_IMAGES + 1]]
    if not pictures or len(pictures) > MOST_IMAGES or any(picture is None for picture, _ in pictures):
        return None
    seen = [(picture, detail) for picture, detail in pictures if picture is not None]
    image_tokens = sum(tokens.image_tokens(*picture.pixels.size, detail) for picture, detail in seen)
    vectors = [cache.features(picture) for picture, _ in seen]
    return _Row(
        features=np.mean(vectors, axis=0, dtype=np.float32),
        answer=tokens.message_text(messages[-1]),
        tokens=tokens.messages_text_tokens(messages) + image_tokens,
    )


def _trainable(url: str) -> images.Picture | None:
    try:
        content = images.data_url_bytes(url)
        picture = images.decode(content)
    except images.ImageUnreadable:
        return None
    return picture if picture.trainable and len(content) <= images.TRAINING_BYTES else None
