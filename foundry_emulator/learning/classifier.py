"""A small neural network over image features: it trains by minibatch, can be saved, continued and widened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning import inputs
from foundry_emulator.learning.inputs import Inputs, Matrix
from foundry_emulator.learning.scores import Score

HIDDEN = 128
MOST_HIDDEN = 512
BASE_LEARNING_RATE = 2e-2
MOMENTUM = 0.9
MOST_GRADIENT = 2.0
"""Longer gradients are shortened to this norm, as is usual in fine-tuning: one odd example must not spoil a model."""
OLD_UNITS_RATE_SHARE = 0.1
_ABSENT = 1e-5
"""The share that answers have in a file that does not hold them."""
_PARAMETERS = ("hidden_weights", "hidden_bias", "output_weights", "output_bias")
_INPUTS = ("mean", "spread", "directions", "factors")
Labels = NDArray[np.int64]


@dataclass
class Classifier:
    """Weights of one network, the answers it knows, and how its inputs were prepared.

    *rates* is the share of the learning rate that each hidden unit has; *within* how images of one answer vary, found
    from *examples* of them.
    """

    answers: list[str]
    inputs: Inputs
    hidden_weights: Matrix
    hidden_bias: Matrix
    output_weights: Matrix
    output_bias: Matrix
    within: Matrix
    examples: int
    rates: Matrix

    def log_probabilities(self, features: Matrix) -> Matrix:
        """Return natural-log probabilities, one row per row of *features*, one column per answer."""
        return _log_softmax(self.scores(self.hidden(self.inputs(features))))

    def score(self, features: Matrix, labels: Labels) -> Score:
        """Return loss and accuracy on labelled rows; a label of -1 (an unknown answer) counts as wrong."""
        return _score(self.log_probabilities(features), labels)

    def labels(self, answers: Sequence[str]) -> Labels:
        """Return the column of each answer, -1 for one the network has never seen."""
        columns = {answer: column for column, answer in enumerate(self.answers)}
        return np.array([columns.get(answer, -1) for answer in answers], dtype=np.int64)

    def hidden(self, rows: Matrix) -> Matrix:
        """Return the hidden units' activations for prepared rows."""
        return np.asarray(np.maximum(rows @ self.hidden_weights + self.hidden_bias, 0), dtype=np.float32)

    def scores(self, hidden: Matrix) -> Matrix:
        """Return the answers' scores before they are made probabilities."""
        return hidden @ self.output_weights + self.output_bias

    def continue_with(self, features: Matrix, answers: Sequence[str], seed: int) -> None:
        """Get ready to learn from rows with their answers; until then it answers as before.

        For answers not known yet there are new columns and new hidden units, which learn faster than the old ones, on
        inputs that discount what is known to vary within an answer.
        """
        known = set(self.answers)
        new = [answer for answer in sorted(set(answers)) if answer not in known]
        found = inputs.variation_within(features, answers)
        if new:
            self._turn_to(inputs.continuing(self.inputs, features, self.within))
            self._grow(min(HIDDEN, MOST_HIDDEN - len(self.hidden_bias)), seed)
            self._widen(new, features, answers)
        total = self.examples + len(answers)
        self.within = inputs.both(self.within, self.examples / total, found)
        self.examples = total

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as arrays that `from_arrays` reads."""
        return {
            "answers": np.array(self.answers),
            "within": self.within,
            "examples": np.array(self.examples),
            **{name: getattr(self.inputs, name) for name in _INPUTS},
            **{name: getattr(self, name) for name in _PARAMETERS},
        }

    def _turn_to(self, prepared: Inputs) -> None:
        self.hidden_weights, self.hidden_bias = self.inputs.carry(self.hidden_weights, self.hidden_bias, prepared)
        self.inputs = prepared

    def _grow(self, units: int, seed: int) -> None:
        drawn = _drawn(len(self.hidden_weights), units, seed)
        self.hidden_weights = np.concatenate([self.hidden_weights, drawn], axis=1)
        nothing = np.zeros((units, len(self.answers)), dtype=np.float32)
        self.rates = np.concatenate(
            [np.full_like(self.hidden_bias, OLD_UNITS_RATE_SHARE), np.ones(units, dtype=np.float32)]
        )
        self.hidden_bias = np.concatenate([self.hidden_bias, np.zeros(units, dtype=np.float32)])
        self.output_weights = np.concatenate([self.output_weights, nothing])

    def _widen(self, new: Sequence[str], features: Matrix, answers: Sequence[str]) -> None:
        """Add columns that are, on *features*, as probable beside the old ones as *answers* say."""
        share = sum(answer in set(new) for answer in answers) / len(answers)
        odds = math.log(max(share, _ABSENT) / max(1 - share, _ABSENT))
        old = _log_sum(self.scores(self.hidden(self.inputs(features)))).mean()
        start = np.full(len(new), old + odds - math.log(len(new)), dtype=np.float32)
        zeros = np.zeros((len(self.output_weights), len(new)), dtype=np.float32)
        self.output_weights = np.concatenate([self.output_weights, zeros], axis=1)
        self.output_bias = np.concatenate([self.output_bias, start])
        self.answers.extend(new)


def start(features: Matrix, answers: Sequence[str], seed: int) -> Classifier:
    """Return an untrained network for rows with their *answers*."""
    distinct = sorted(set(answers))
    return Classifier(
        answers=distinct,
        inputs=inputs.standardizing(features),
        hidden_weights=_drawn(features.shape[1], HIDDEN, seed),
        hidden_bias=np.zeros(HIDDEN, dtype=np.float32),
        output_weights=np.zeros((HIDDEN, len(distinct)), dtype=np.float32),
        output_bias=np.zeros(len(distinct), dtype=np.float32),
        within=inputs.variation_within(features, answers),
        examples=len(answers),
        rates=np.ones(HIDDEN, dtype=np.float32),
    )


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> Classifier:
    """Return the network that `Classifier.to_arrays` wrote; KeyError if something is missing."""
    floats = {name: arrays[name].astype(np.float32, copy=False) for name in (*_PARAMETERS, *_INPUTS, "within")}
    return Classifier(
        answers=[str(answer) for answer in arrays["answers"]],
        inputs=Inputs(**{name: floats[name] for name in _INPUTS}),
        within=floats["within"],
        examples=int(arrays["examples"].astype(np.int64)),
        rates=np.ones_like(floats["hidden_bias"]),
        **{name: floats[name] for name in _PARAMETERS},
    )


@dataclass
class Optimizer:
    """Gradient descent with momentum over one classifier's weights."""

    classifier: Classifier
    _velocity: dict[str, Matrix] = field(default_factory=dict)

    def step(self, features: Matrix, labels: Labels, learning_rate: float) -> Score:
        """Learn from one minibatch; return its score from before the update."""
        model = self.classifier
        rows = model.inputs(features)
        hidden = model.hidden(rows)
        log_probabilities = _log_softmax(model.scores(hidden))
        score = _score(log_probabilities, labels)
        error = np.exp(log_probabilities)
        error[np.arange(len(labels)), labels] -= 1
        error /= np.float32(len(labels))
        back = (error @ model.output_weights.T) * (hidden > 0) * model.rates
        to_output = (hidden * model.rates).T @ error
        self._update((rows.T @ back, back.sum(axis=0), to_output, error.sum(axis=0)), learning_rate)
        return score

    def _update(self, gradients: Sequence[Matrix], learning_rate: float) -> None:
        norm = math.sqrt(sum(float(np.square(gradient).sum()) for gradient in gradients))
        share = np.float32(min(1.0, MOST_GRADIENT / max(norm, 1e-12)))
        for name, gradient in zip(_PARAMETERS, gradients, strict=True):
            weights: Matrix = getattr(self.classifier, name)
            velocity = self._velocity.setdefault(name, np.zeros_like(weights))
            velocity *= np.float32(MOMENTUM)
            velocity += gradient * share
            weights -= np.float32(learning_rate) * velocity


def _drawn(width: int, units: int, seed: int) -> Matrix:
    drawn = np.random.default_rng(seed).standard_normal((width, units)) * math.sqrt(2.0 / width)
    return drawn.astype(np.float32)


def _log_softmax(scores: Matrix) -> Matrix:
    return np.asarray(scores - _log_sum(scores), dtype=np.float32)


def _log_sum(scores: Matrix) -> Matrix:
    greatest = scores.max(axis=1, keepdims=True)
    return np.asarray(greatest + np.log(np.exp(scores - greatest).sum(axis=1, keepdims=True)), dtype=np.float32)


def _score(log_probabilities: Matrix, labels: Labels) -> Score:
    known = labels >= 0
    chosen = np.where(known, log_probabilities[np.arange(len(labels)), labels], log_probabilities.min(axis=1))
    right = known & (log_probabilities.argmax(axis=1) == labels)
    return Score(loss=float(-chosen.mean()), accuracy=float(right.mean()), count=len(labels))
