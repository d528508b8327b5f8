"""The lines of a training file: one chat per image, streamed to disk, the same bytes for the same input."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from data_contracts.images import LabeledImage
from data_contracts.policies import TrainingPolicy
from decisions.imaging.augmentation import augmented
from decisions.imaging.images import data_url
from decisions.imaging.jpeg import sides
from decisions.training.class_balance import Appearance
from decisions.training.preflight import Sent
from decisions.training.tokens import chat_tokens
from tasks.as_sent import as_sent
from tasks.intake.masks import kept_mask
from tasks.loop import Loop

URL = '"url":"'
BUFFER = 1 << 20
"""Bytes written at once: many lines in one call of the system."""


@dataclass(frozen=True)
class Written:
    """A training file: a digest that is the same for the same bytes only, and its examples, measured."""

    digest: str
    examples: tuple[Sent, ...]
    images: Mapping[str, int] = field(default_factory=dict)
    """Different images of each class; the other examples are their copies or repeats."""


@dataclass(frozen=True)
class _Frame:
    """What stands before and after the image in each line of one label."""

    head: bytes
    tail: bytes
    tokens: int


def example(prompt: str, answer: str, image: str, detail: str) -> Mapping[str, object]:
    """One training example: the system prompt, the *image* as a data URL, and the answer."""
    picture = {"type": "image_url", "image_url": {"url": image, "detail": detail}}
    return {
        "messages": [
            {"role": "system", "content": prompt},
            {"role": "user", "content": [picture]},
            {"role": "assistant", "content": answer},
        ]
    }


def write_jsonl(
    loop: Loop,
    appearances: Iterable[Appearance],
    policy: TrainingPolicy,
    file: Path | None,
    secret: Set[bytes] = frozenset(),
) -> Written:
    """Write one training example a line into *file*, or only measure them without one.

    A copy is made here, line by line, and kept nowhere else. An image or copy that the model sees exactly as one of
    *secret*, digests of `as_sent`, is left out.
    """
    digest, sent, labels = hashlib.sha256(), [], {}
    frames = _frames(loop, policy.detail)
    with file.open("wb", BUFFER) if file else nullcontext() as out:
        for image, jpeg, known in _pictures(loop, appearances, policy, secret):
            frame = frames[image.label]
            content = base64.b64encode(jpeg)
            if out is not None:
                out.writelines((frame.head, content, frame.tail))
            digest.update(frame.head + known + frame.tail)
            size = len(frame.head) + len(content) + len(frame.tail)
            sent.append(Sent(size, len(jpeg), *sides(jpeg), frame.tokens, image.label))
            labels[image.digest] = image.label
    return Written(digest.hexdigest(), tuple(sent), Counter(labels.values()))


def _changed(loop: Loop, jpeg: bytes, appearance: Appearance, policy: TrainingPolicy) -> bytes:
    """The JPEG of a copy, changed as the policy says and its class allows."""
    image, wanted = appearance.image, policy.augmentation
    mask = kept_mask(loop, image.digest) if wanted.background else None
    flips = loop.image_contract.flips(image.label)
    return augmented(jpeg, wanted, image.digest, appearance.copy, flips, mask=mask)


def _pictures(
    loop: Loop, appearances: Iterable[Appearance], policy: TrainingPolicy, secret: Set[bytes]
) -> Iterator[tuple[LabeledImage, bytes, bytes]]:
    """Image, JPEG and its digest of each line; of a picture that is held out no copy is made either."""
    for appearance in appearances:
        jpeg = as_sent(loop, appearance.image)
        known = hashlib.sha256(jpeg).digest()
        if appearance.copy and known not in secret:
            jpeg = _changed(loop, jpeg, appearance, policy)
            known = hashlib.sha256(jpeg).digest()
        if known not in secret:
            yield appearance.image, jpeg, known


def _frames(loop: Loop, detail: str) -> dict[str, _Frame]:
    """Everything but the image of a label's lines: base64 needs no escaping, so it is put in as it is."""
    frames = {}
    for label, answer in loop.contract.answers().items():
        chat = example(loop.prompt, answer, data_url(b""), detail)
        line = json.dumps(chat, ensure_ascii=False, separators=(",", ":")) + "\n"
        head, url, tail = line.partition(URL + data_url(b""))
        frames[label] = _Frame((head + url).encode(), tail.encode(), chat_tokens((loop.prompt, "", answer)))
    return frames
