"""The two parts of a model while they learn: one from images, one from text, step by step together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning import classifier, text_model, weights
from foundry_emulator.learning.classifier import Classifier
from foundry_emulator.learning.examples import LearnableSet
from foundry_emulator.learning.scores import Score, together
from foundry_emulator.learning.text_model import TextModel
from foundry_emulator.learning.weights import LearnedModel

CONTINUED_RATE_SHARE = 0.5
Rows = NDArray[np.int64]


class ImageLearner:
    """Learns the answers to images."""

    def __init__(self, parent: Classifier | None, training: LearnableSet, seed: int) -> None:
        self._training = training
        self._rate = classifier.BASE_LEARNING_RATE
        if parent is None:
            self.model = classifier.start(training.features, training.answers, seed)
        else:
            self.model = parent
            if set(training.answers) <= set(parent.answers):
                self._rate *= CONTINUED_RATE_SHARE
            self.model.continue_with(training.features, training.answers, seed)
        self._labels = self.model.labels(training.answers)
        self._optimizer = classifier.Optimizer(self.model)

    def learn(self, rows: Rows, rate: float) -> Score:
        """Learn from these examples at *rate* times the base rate."""
        return self._optimizer.step(self._training.features[rows], self._labels[rows], self._rate * rate)


class TextLearner:
    """Learns how conversations are answered."""

    def __init__(self, parent: TextModel | None, training: LearnableSet, seed: int) -> None:
        answers = [conversation.answer for conversation in training.conversations]
        questions = [conversation.question for conversation in training.conversations]
        self._rate = text_model.BASE_LEARNING_RATE
        if parent is None:
            self.model = text_model.start(answers, questions, seed)
        else:
            self.model = parent
            self._rate *= CONTINUED_RATE_SHARE
            self.model.continue_with(answers, questions, seed)
        self._turns = [self.model.turn(each.messages[:-1], each.answer) for each in training.conversations]
        self._optimizer = text_model.TextOptimizer(self.model)

    def learn(self, rows: Rows, rate: float) -> Score:
        """Learn from these examples at *rate* times the base rate."""
        return self._optimizer.step([self._turns[row] for row in rows], self._rate * rate)


class Learner:
    """Learns from a set whose examples are numbered: first those with images, then those of text."""

    def __init__(self, parent: Path | None, training: LearnableSet, seed: int) -> None:
        """Start anew or from the weights at *parent*; parts that the set says nothing about stay as they are."""
        known = weights.load(parent) if parent else LearnedModel()
        self._known = known
        self._boundary = len(training.answers)
        self._images = ImageLearner(known.images, training, seed) if training.answers else None
        self._text = TextLearner(known.text, training, seed) if training.conversations else None

    @property
    def model(self) -> LearnedModel:
        """What has been learned so far."""
        return LearnedModel(
            images=self._images.model if self._images else self._known.images,
            text=self._text.model if self._text else self._known.text,
        )

    def learn(self, rows: Rows, rate: float) -> Score:
        """Learn from one minibatch; return its score from before."""
        pictured, written = rows[rows < self._boundary], rows[rows >= self._boundary] - self._boundary
        scores = []
        if self._images and len(pictured):
            scores.append(self._images.learn(pictured, rate))
        if self._text and len(written):
            scores.append(self._text.learn(written, rate))
        return together(scores)


@dataclass
class Examination:
    """Scores a set that is not learned from; what no part of the model can answer is left out."""

    model: LearnedModel
    held_out: LearnableSet

    def __post_init__(self) -> None:
        images, text, rows = self.model.images, self.model.text, self.held_out
        self._labels = images.labels(rows.answers) if images else np.empty(0, dtype=np.int64)
        self._turns = [text.turn(each.messages[:-1], each.answer) for each in rows.conversations] if text else []

    def __len__(self) -> int:
        return len(self._labels) + len(self._turns)

    def score(self, rows: Rows | None = None) -> Score:
        """Return the score of *rows*, of all if None; numbers as in `Learner`."""
        chosen = np.arange(len(self)) if rows is None else rows
        pictured = chosen[chosen < len(self._labels)]
        written = chosen[chosen >= len(self._labels)] - len(self._labels)
        scores = []
        if self.model.images and len(pictured):
            scores.append(self.model.images.score(self.held_out.features[pictured], self._labels[pictured]))
        if self.model.text and len(written):
            scores.append(self.model.text.score([self._turns[row] for row in written]))
        return together(scores)
