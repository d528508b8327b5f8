"""From a training file to what can be learned: rows of image features with answers, and conversations in text."""

import codecs
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundry_emulator import images, tokens
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.features import LENGTH, Vector
from foundry_emulator.learning.prompt_words import last_question

MOST_IMAGES = 64
_DIGEST_RANGE = 16**8


class ImagesNotTaken(Exception):
    """The file has images, but the base model learns from text only."""


@dataclass(frozen=True)
class Conversation:
    """A text example: its messages, of which the last is the answer."""

    messages: Sequence[dict[str, Any]]

    @property
    def answer(self) -> str:
        """The text that is to be learned."""
        return tokens.message_text(self.messages[-1])

    @property
    def question(self) -> str:
        """The text that is answered."""
        return last_question(self.messages)


@dataclass(frozen=True)
class LearnableSet:
    """What a file teaches: one row of features and one answer per image example, and the text examples."""

    features: NDArray[np.float32]
    answers: list[str]
    conversations: list[Conversation]
    tokens: int
    skipped: int

    def __len__(self) -> int:
        return len(self.answers) + len(self.conversations)


@dataclass(frozen=True)
class Reader:
    """How files are read: whether the model takes images, and which share of them is left out as showing people."""

    cache: FeatureCache
    takes_images: bool = True
    people_share: float = 0.0

    def read(self, path: Path) -> LearnableSet:
        """Return the examples of *path* that Azure would keep; ImagesNotTaken if there are images for a text model."""
        gathered = _Gathered()
        for messages in _conversations(path):
            urls = [found for message in messages for found in images.image_urls(message)]
            if urls and not self.takes_images:
                raise ImagesNotTaken
            if urls:
                self._add_row(gathered, messages, urls)
            else:
                gathered.conversations.append(Conversation(messages))
                gathered.tokens += tokens.messages_text_tokens(messages)
        return gathered.together()

    def _add_row(self, gathered: "_Gathered", messages: list[dict[str, Any]], urls: list[tuple[str, str]]) -> None:
        seen = [(self._kept(url), detail) for url, detail in urls[: MOST_IMAGES + 1]]
        pictures = [(picture, detail) for picture, detail in seen if picture is not None]
        if len(pictures) < len(seen) or len(seen) > MOST_IMAGES:
            gathered.skipped += 1
            return
        vectors = [self.cache.features(picture) for picture, _ in pictures]
        gathered.rows.append(np.mean(vectors, axis=0, dtype=np.float32))
        gathered.answers.append(tokens.message_text(messages[-1]))
        gathered.tokens += tokens.messages_text_tokens(messages) + sum(
            tokens.image_tokens(*picture.pixels.size, detail) for picture, detail in pictures
        )

    def _kept(self, url: str) -> images.Picture | None:
        """Return the image at *url*, None if Azure would leave it out."""
        try:
            content = images.data_url_bytes(url)
            picture = images.decode(content)
        except images.ImageUnreadable:
            return None
        kept = picture.trainable and len(content) <= images.TRAINING_BYTES
        return picture if kept and not shows_people(picture.digest, self.people_share) else None


def shows_people(digest: str, share: float) -> bool:
    """Return whether the image with this digest is among the *share* of all that are taken to show people."""
    return int(digest[:8], 16) < share * _DIGEST_RANGE


@dataclass
class _Gathered:
    rows: list[Vector] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    tokens: int = 0
    skipped: int = 0

    def together(self) -> LearnableSet:
        features = np.stack(self.rows) if self.rows else np.empty((0, LENGTH), np.float32)
        return LearnableSet(features, self.answers, self.conversations, self.tokens, self.skipped)


def _conversations(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open("rb") as lines:
        for line in lines:
            content = line.removeprefix(codecs.BOM_UTF8).strip()
            if content:
                yield json.loads(content)["messages"]
