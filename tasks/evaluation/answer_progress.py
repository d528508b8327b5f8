"""How far an evaluation is, in the log and as a bar on the run, every few seconds."""

import time
from collections.abc import Sequence
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from data_contracts.evaluation import Answer
from data_contracts.images import LabeledImage
from tasks.contender import Contender
from tasks.evaluation.answer_journal import AnswerJournal
from tasks.evaluation.asking import ask_images
from tasks.formats import artifact_id
from tasks.loop import Loop
from tasks.pausing import check_not_paused

TOLD_EVERY = 5.0
"""Seconds between two lines about how far it is."""


def ask_and_tell(
    loop: Loop, contender: Contender, images: Sequence[LabeledImage], journal: AnswerJournal
) -> dict[str, Answer]:
    """As `ask_images`, with its progress shown on the run; raises LoopPaused while the loop is paused."""
    check_not_paused(loop)
    return ask_images(loop, contender, images, journal, AnswerProgress(loop, contender.model, len(images)))


class AnswerProgress:
    """Tells how many of a model's answers are there, how fast they come and how long the rest takes."""

    def __init__(self, loop: Loop, model: str, total: int) -> None:
        """Nothing is shown before the first answer."""
        self._log = get_run_logger()
        self._key, self._model, self._total = f"{loop.name}-answers", model, total
        self._began = self._told = time.monotonic()
        self._bar: UUID | None = None

    def __call__(self, fresh: int, answered: int) -> None:
        """*fresh* answers came since it began, *answered* are there in all."""
        now = time.monotonic()
        if now - self._told < TOLD_EVERY and answered < self._total:
            return
        self._told = now
        words = in_words(self._model, fresh, answered, self._total, now - self._began)
        self._log.info(words)
        self._show(100 * answered / self._total, words)

    def _show(self, percent: float, words: str) -> None:
        if self._bar is None:
            self._bar = artifact_id(create_progress_artifact(percent, key=self._key, description=words))
        else:
            update_progress_artifact(self._bar, percent, description=words)


def in_words(model: str, fresh: int, answered: int, total: int, seconds: float) -> str:
    """How far it is, and the time left at the rate at which the *fresh* answers came in so many *seconds*."""
    rate = fresh / seconds if seconds > 0 else 0.0
    left = f", {(total - answered) / rate:.0f} s left" if rate and answered < total else ""
    return f"{model}: {answered:,} of {total:,} answers, {rate:.1f} per second{left}"
