"""Validation images that a challenger answered wrongly; held-out images are never shown, forgotten ones neither."""

import hashlib
from collections.abc import Iterator, Sequence

from cloud.errors import CloudRefused
from cloud.store import NotFound
from data_contracts.evaluation import Answer
from data_contracts.images import LabeledImage
from data_contracts.iteration_report import Misclassified
from data_contracts.ledger import ValidationAnswered
from decisions.loop_state import LoopState
from tasks.labels import SUFFIXES, image_path
from tasks.loop import Loop
from tasks.markdown import thumbnail
from tasks.tables import from_parquet

SHOWN = 24


def misclassified(loop: Loop, state: LoopState, answered: ValidationAnswered) -> tuple[Misclassified, ...]:
    """Validation images that were answered wrongly, the surest answers first; no forgotten and no held-out ones."""
    content = loop.store.get(answered.path).content
    if hashlib.sha256(content).hexdigest() != answered.digest:
        raise CloudRefused(f"{answered.path} was changed: it is not the table that the ledger recorded")
    hidden = state.forgotten | _held_out(loop, state)
    wrong = [each for each in from_parquet(content, Answer) if not each.correct and each.image not in hidden]
    return tuple(
        Misclassified(
            image=each.image,
            label=each.expected,
            given=each.given,
            outcome=str(each.outcome),
            confidence=each.confidence,
        )
        for each in sorted(wrong, key=lambda each: (-(each.confidence or 0), each.image))
    )


def _held_out(loop: Loop, state: LoopState) -> frozenset[str]:
    """Images of every held-out version: one of them that was validation once is still not shown."""
    paths = {version.path for version in state.held_out_versions}
    return frozenset(
        image.digest for path in paths for image in from_parquet(loop.store.get(path).content, LabeledImage)
    )


def pictures(loop: Loop, wrong: Sequence[Misclassified]) -> list[tuple[Misclassified, str]]:
    """The first of *wrong* with a thumbnail as data URL each; those whose bytes are gone are left out."""
    shown: list[tuple[Misclassified, str]] = []
    for each in wrong:
        if len(shown) == SHOWN:
            break
        shown += [(each, url) for url in _thumbnail(loop, each.image)]
    return shown


def _thumbnail(loop: Loop, digest: str) -> Iterator[str]:
    folder = image_path(digest, "JPEG").rpartition("/")[0]
    kept = {f"{folder}/{digest}.{suffix}" for suffix in SUFFIXES.values()}
    for path in sorted(kept & set(loop.store.list(f"{folder}/{digest}"))):
        try:
            yield thumbnail(loop.store.get(path).content)
        except (NotFound, ValueError):
            continue
