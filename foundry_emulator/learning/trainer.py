"""The training process: reads one order from its input, learns, and reports in lines of JSON.

It ends when its input is closed, so it never outlives the emulator that started it.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foundry_emulator.learning import weights
from foundry_emulator.learning.examples import ImagesNotTaken, LearnableSet, Reader
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.learners import Examination, Learner
from foundry_emulator.learning.pausing import Pausing
from foundry_emulator.learning.scores import Score

AUTO = -1
NICENESS = 10
LEAST_EXAMPLES = 10
AUTO_EPOCHS = 3
AUTO_BATCH_SHARE = 0.002
AUTO_MULTIPLIER = 1.0
LAST_RATE_SHARE = 0.15
VALIDATION_EVERY = 10
VALIDATION_ROWS = 32
PAUSING = Pausing()


class CannotTrain(Exception):
    """The files cannot be learned from; the message is for the owner of the job."""


@dataclass(frozen=True)
class Order:
    """What is to be trained: files, seed, hyperparameters (-1 for auto), and what to continue from.

    *model* is the base model's name, *images* whether it can learn from them; *people_share* of all images, 0 to 1,
    are left out as if they showed people.
    """

    training: Path
    validation: Path | None
    parent: Path | None
    weights: str
    cache: Path
    seed: int
    epochs: int
    batch_size: int
    multiplier: float
    model: str = "model"
    images: bool = True
    people_share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Order:
        """Read an order from one line of JSON."""
        given = json.loads(text)
        paths = {
            name: Path(given[name]) if given[name] else None for name in ("training", "validation", "parent", "cache")
        }
        return cls(**{**given, **paths})

    def settled(self, examples: int) -> Order:
        """Return the order with real numbers in place of auto."""
        batch = max(1, min(256, round(AUTO_BATCH_SHARE * examples)))
        return Order(
            **{
                **self.__dict__,
                "epochs": AUTO_EPOCHS if self.epochs == AUTO else self.epochs,
                "batch_size": min(examples, batch if self.batch_size == AUTO else self.batch_size),
                "multiplier": AUTO_MULTIPLIER if self.multiplier == AUTO else self.multiplier,
            }
        )


def main() -> int:
    """Train what standard input orders; return 0 also when the files cannot be learned from."""
    os.nice(NICENESS)
    order = Order.parse(sys.stdin.readline())
    PAUSING.listen()
    try:
        run(order)
    except CannotTrain as problem:
        report("failed", code="invalidPayload", message=str(problem))
    return 0


def run(order: Order) -> None:
    """Carry out *order*, reporting every step; CannotTrain if there is too little to learn from."""
    training, validation = _read(order)
    settled = order.settled(len(training))
    report(
        "started",
        n_epochs=settled.epochs,
        batch_size=settled.batch_size,
        learning_rate_multiplier=settled.multiplier,
        tokens=training.tokens,
        steps=settled.epochs * -(-len(training) // settled.batch_size),
    )
    _Training(settled, training, validation).run()
    report("finished", trained_tokens=training.tokens * settled.epochs)


def _read(order: Order) -> tuple[LearnableSet, LearnableSet | None]:
    """Return the training and the validation set; CannotTrain if they do not suit."""
    reader = Reader(FeatureCache(order.cache), takes_images=order.images, people_share=order.people_share)
    try:
        training = reader.read(order.training)
        report("preprocessed", file="training", skipped=training.skipped)
        _check_enough(training)
        validation = reader.read(order.validation) if order.validation else None
    except ImagesNotTaken as problem:
        raise CannotTrain(f"The model {order.model} does not support training with images.") from problem
    if validation:
        report("preprocessed", file="validation", skipped=validation.skipped)
    return training, validation


def _check_enough(training: LearnableSet) -> None:
    if len(training) >= LEAST_EXAMPLES:
        return
    usable = "usable examples" if training.conversations else "examples with usable images"
    raise CannotTrain(
        f"The training file has {len(training)} {usable} ({training.skipped} were skipped);"
        f" at least {LEAST_EXAMPLES} are needed."
    )


class _Training:
    """One run over the epochs."""

    def __init__(self, order: Order, training: LearnableSet, validation: LearnableSet | None) -> None:
        self.order = order
        self.examples = len(training)
        self.learner = Learner(order.parent, training, order.seed)
        self.validation = Examination(self.learner.model, validation) if validation else None
        self.steps_per_epoch = -(-self.examples // order.batch_size)
        self.total_steps = self.steps_per_epoch * order.epochs

    def run(self) -> None:
        generator = np.random.default_rng(self.order.seed)
        for epoch in range(self.order.epochs):
            shuffled = generator.permutation(self.examples)
            for place in range(self.steps_per_epoch):
                rows = shuffled[place * self.order.batch_size : (place + 1) * self.order.batch_size]
                step = epoch * self.steps_per_epoch + place + 1
                metrics = self._learn(rows, step)
                if place < self.steps_per_epoch - 1:
                    report("step", step=step, **metrics)
                    if PAUSING.asked:
                        self._checkpoint(step, {**metrics, **self._full_score()})
            metrics |= self._full_score()
            report("step", step=step, **metrics)
            self._checkpoint(step, metrics)

    def _learn(self, rows: np.typing.NDArray[np.int64], step: int) -> dict[str, float]:
        gone = (step - 1) / self.total_steps
        score = self.learner.learn(rows, self.order.multiplier * (1 - (1 - LAST_RATE_SHARE) * gone))
        metrics = {"train_loss": score.loss, "train_mean_token_accuracy": score.accuracy}
        if self.validation is not None and (step % VALIDATION_EVERY == 0 or step in (1, self.total_steps)):
            sample = self._sample(self.validation, step)
            metrics |= {"valid_loss": sample.loss, "valid_mean_token_accuracy": sample.accuracy}
        return metrics

    def _full_score(self) -> dict[str, float]:
        if not self.validation:
            return {}
        full = self.validation.score()
        return {"full_valid_loss": full.loss, "full_valid_mean_token_accuracy": full.accuracy}

    def _checkpoint(self, step: int, metrics: dict[str, float]) -> None:
        path = Path(f"{self.order.weights}-{step}.npz")
        weights.save(self.learner.model, path)
        report("checkpoint", step=step, weights=path.name, metrics=metrics)

    def _sample(self, validation: Examination, step: int) -> Score:
        """Score the next few validation examples in turn."""
        count = len(validation)
        turn = np.arange(min(VALIDATION_ROWS, count)) + step // VALIDATION_EVERY * VALIDATION_ROWS
        return validation.score(turn % count)


def report(event: str, **facts: Any) -> None:
    """Write one line of JSON for the emulator; after a checkpoint, sleep if a pause is asked for."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    if event != "step" or facts["step"] == 1:
        sys.stdout.flush()
    if event == "checkpoint" and PAUSING.asked:
        report("paused", step=facts["step"])
        PAUSING.wait()


if __name__ == "__main__":
    sys.exit(main())
