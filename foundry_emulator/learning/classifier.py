"""A small neural network over image features: it trains by minibatch, can be saved, continued and widened."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.state import write_durably

Matrix = NDArray[np.float32]

HIDDEN = 128
BASE_LEARNING_RATE = 2e-3
DECAY = 1e-4
_LEAST_SPREAD = np.float32(1e-3)
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
_PARAMETERS = ("hidden_weights", "hidden_bias", "output_weights", "output_bias")


@dataclass(frozen=True)
class Score:
    """How well predictions fit: mean cross-entropy in nats, and the share of right answers."""

    loss: float
    accuracy: float


@dataclass
class Classifier:
    """Weights of one network, the answers it knows, and the standardization it was trained with."""

    answers: list[str]
    mean: Matrix
    spread: Matrix
    hidden_weights: Matrix
    hidden_bias: Matrix
    output_weights: Matrix
    output_bias: Matrix

    def log_probabilities(self, features: Matrix) -> Matrix:
        """Return natural-log probabilities, one row per row of *features*, one column per answer."""
        return _log_softmax(self._scores(self._hidden(self._standardized(features))))

    def score(self, features: Matrix, labels: NDArray[np.int64]) -> Score:
        """Return loss and accuracy on labelled rows; a label of -1 (an unknown answer) counts as wrong."""
        return _score(self.log_probabilities(features), labels)

    def labels(self, answers: Sequence[str]) -> NDArray[np.int64]:
        """Return the column of each answer, -1 for one the network has never seen."""
        columns = {answer: column for column, answer in enumerate(self.answers)}
        return np.array([columns.get(answer, -1) for answer in answers], dtype=np.int64)

    def widen(self, answers: Sequence[str]) -> None:
        """Add columns for answers not known yet; what is known keeps its weights."""
        new = [answer for answer in answers if answer not in set(self.answers)]
        if not new:
            return
        zeros = np.zeros((self.output_weights.shape[0], len(new)), dtype=np.float32)
        start = self.output_bias.min(initial=0.0)
        self.output_weights = np.concatenate([self.output_weights, zeros], axis=1)
        self.output_bias = np.concatenate([self.output_bias, np.full(len(new), start, dtype=np.float32)])
        self.answers.extend(new)

    def save(self, path: Path) -> None:
        """Write the network so that *path* holds all of it or nothing, also after a crash."""
        buffer = io.BytesIO()
        arrays = {name: getattr(self, name) for name in ("mean", "spread", *_PARAMETERS)}
        np.savez(buffer, answers=np.array(self.answers), **arrays)
        buffer.seek(0)
        write_durably(path, buffer)

    def _standardized(self, features: Matrix) -> Matrix:
        return np.asarray((features - self.mean) / self.spread, dtype=np.float32)

    def _hidden(self, rows: Matrix) -> Matrix:
        return np.asarray(np.maximum(rows @ self.hidden_weights + self.hidden_bias, 0), dtype=np.float32)

    def _scores(self, hidden: Matrix) -> Matrix:
        return hidden @ self.output_weights + self.output_bias


def start(features: Matrix, answers: Sequence[str], seed: int) -> Classifier:
    """Return an untrained network for *answers*, standardized by *features*."""
    generator = np.random.default_rng(seed)
    width = features.shape[1]
    scale = math.sqrt(2.0 / width)
    return Classifier(
        answers=list(answers),
        mean=features.mean(axis=0, dtype=np.float64).astype(np.float32),
        spread=np.maximum(features.std(axis=0, dtype=np.float64).astype(np.float32), _LEAST_SPREAD),
        hidden_weights=(generator.standard_normal((width, HIDDEN)) * scale).astype(np.float32),
        hidden_bias=np.zeros(HIDDEN, dtype=np.float32),
        output_weights=np.zeros((HIDDEN, len(answers)), dtype=np.float32),
        output_bias=np.zeros(len(answers), dtype=np.float32),
    )


def load(path: Path) -> Classifier:
    """Read a network that `Classifier.save` wrote; OSError or ValueError if it cannot be read."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in ("mean", "spread", *_PARAMETERS)}
        return Classifier(answers=[str(answer) for answer in stored["answers"]], **arrays)


@dataclass
class Optimizer:
    """Adam with decoupled weight decay over one classifier's weights."""

    classifier: Classifier
    steps: int = 0
    _first: dict[str, Matrix] = field(default_factory=dict)
    _second: dict[str, Matrix] = field(default_factory=dict)

    def step(self, features: Matrix, labels: NDArray[np.int64], learning_rate: float) -> Score:
        """Learn from one minibatch; return its score from before the update."""
        model = self.classifier
        rows = model._standardized(features)
        hidden = model._hidden(rows)
        log_probabilities = _log_softmax(model._scores(hidden))
        score = _score(log_probabilities, labels)
        error = np.exp(log_probabilities)
        error[np.arange(len(labels)), labels] -= 1
        error /= np.float32(len(labels))
        back = (error @ model.output_weights.T) * (hidden > 0)
        gradients = (rows.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0))
        self.steps += 1
        for name, gradient in zip(_PARAMETERS, gradients, strict=True):
            self._update(name, gradient, learning_rate)
        return score

    def _update(self, name: str, gradient: Matrix, learning_rate: float) -> None:
        weights: Matrix = getattr(self.classifier, name)
        first = self._first.setdefault(name, np.zeros_like(weights))
        second = self._second.setdefault(name, np.zeros_like(weights))
        first += np.float32(1 - _BETA_1) * (gradient - first)
        second += np.float32(1 - _BETA_2) * (gradient * gradient - second)
        size = np.float32(learning_rate * math.sqrt(1 - _BETA_2**self.steps) / (1 - _BETA_1**self.steps))
        weights *= np.float32(1 - learning_rate * DECAY)
        weights -= size * first / (np.sqrt(second) + np.float32(_EPSILON))


def _log_softmax(scores: Matrix) -> Matrix:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)


def _score(log_probabilities: Matrix, labels: NDArray[np.int64]) -> Score:
    known = labels >= 0
    chosen = np.where(known, log_probabilities[np.arange(len(labels)), labels], log_probabilities.min(axis=1))
    right = known & (log_probabilities.argmax(axis=1) == labels)
    return Score(loss=float(-chosen.mean()), accuracy=float(right.mean()))
