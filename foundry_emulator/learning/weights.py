"""One file per checkpoint: what was learned about images, about text, or both."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foundry_emulator.learning import classifier, text_model
from foundry_emulator.learning.classifier import Classifier
from foundry_emulator.learning.text_model import TextModel
from foundry_emulator.state import write_durably

_IMAGES, _TEXT = "images.", "text."


@dataclass(frozen=True)
class LearnedModel:
    """A fine-tuned model; a part that its files taught nothing about is None."""

    images: Classifier | None = None
    text: TextModel | None = None


def save(model: LearnedModel, path: Path) -> None:
    """Write *model* so that *path* holds all of it or nothing, also after a crash."""
    arrays = {
        f"{mark}{name}": array
        for mark, part in ((_IMAGES, model.images), (_TEXT, model.text))
        if part is not None
        for name, array in part.to_arrays().items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    buffer.seek(0)
    write_durably(path, buffer)


def load(path: Path) -> LearnedModel:
    """Read what `save` wrote; OSError, ValueError or KeyError if it cannot be read."""
    with np.load(path, allow_pickle=False) as stored:
        images = {name.removeprefix(_IMAGES): stored[name] for name in stored.files if name.startswith(_IMAGES)}
        text = {name.removeprefix(_TEXT): stored[name] for name in stored.files if name.startswith(_TEXT)}
    if not images and not text:
        raise ValueError(f"{path} holds no model")
    return LearnedModel(
        images=classifier.from_arrays(images) if images else None,
        text=text_model.from_arrays(text) if text else None,
    )
