"""A small neural language model: the next piece from the last few, those before, the place and the prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning.naming import Naming
from foundry_emulator.learning.pieces import END, START, Ids
from foundry_emulator.learning.prompt_words import BUCKETS, Bag
from foundry_emulator.learning.scores import Score

Matrix = NDArray[np.float32]
Parameters = dict[str, Matrix]

WIDTH = 48
HIDDEN = 160
CONTEXT = 4
PLACES = 24
SINGLE_PLACES = 8
MEMORY = 0.9
MOST_LENGTH = 1_024
NAMES = ("pieces", "words", "places", "context", "memory", "question", "output", "output_bias", "naming", "eager")


@dataclass(frozen=True)
class Turn:
    """An answer to be learned: its pieces without the end, and what it answers.

    *before* is the common form of the piece before each of them and before the end.
    """

    words: Bag
    naming: Naming
    pieces: Ids
    before: Ids


@dataclass(frozen=True)
class Gradient:
    """A gradient; *rows* are those of the parameter that it is for, None for all."""

    values: Matrix
    rows: Ids | None = None


@dataclass(frozen=True)
class _Pass:
    """What the forward pass leaves for the backward pass; one row per predicted piece."""

    turns: Sequence[Turn]
    context: Ids
    places: Ids
    before: Matrix
    remembered: Matrix
    asked: Matrix
    hidden: Matrix
    log_probabilities: Matrix
    targets: Ids


def start(vocabulary: int, frequencies: Matrix, seed: int) -> Parameters:
    """Return an untrained network that expects every piece as often as *frequencies* (one per piece) says."""
    generator = np.random.default_rng(seed)

    def drawn(rows: int, columns: int, scale: float) -> Matrix:
        return (generator.standard_normal((rows, columns)) * scale).astype(np.float32)

    inputs = CONTEXT * WIDTH + 2 * WIDTH
    return {
        "pieces": drawn(vocabulary, WIDTH, 0.3),
        "words": drawn(BUCKETS, WIDTH, 0.3),
        "places": drawn(PLACES, HIDDEN, 0.1),
        "context": drawn(CONTEXT * WIDTH, HIDDEN, 2 / math.sqrt(inputs)),
        "memory": drawn(WIDTH, HIDDEN, 2 / math.sqrt(inputs)),
        "question": drawn(WIDTH, HIDDEN, 2 / math.sqrt(inputs)),
        "output": np.zeros((vocabulary, HIDDEN), dtype=np.float32),
        "output_bias": np.log(frequencies + np.float32(1e-5), dtype=np.float32),
        "naming": np.zeros((HIDDEN, 2), dtype=np.float32),
        "eager": np.ones((vocabulary, 2), dtype=np.float32),
    }


def widen(parameters: Parameters, vocabulary: int, seed: int) -> None:
    """Add rows for new pieces up to *vocabulary*; what is known keeps its weights."""
    new = vocabulary - len(parameters["pieces"])
    drawn = np.random.default_rng(seed).standard_normal((new, WIDTH)).astype(np.float32) * np.float32(0.3)
    least = parameters["output_bias"].min()
    parameters["pieces"] = np.concatenate([parameters["pieces"], drawn])
    parameters["output"] = np.concatenate([parameters["output"], np.zeros((new, HIDDEN), np.float32)])
    parameters["output_bias"] = np.concatenate([parameters["output_bias"], np.full(new, least, np.float32)])
    parameters["eager"] = np.concatenate([parameters["eager"], np.ones((new, 2), np.float32)])


def score(parameters: Parameters, turns: Sequence[Turn]) -> Score:
    """Return how well the pieces of *turns*, and their ends, are foreseen."""
    return _score(_forward(parameters, turns))


def learn(parameters: Parameters, turns: Sequence[Turn], total: int) -> tuple[Score, dict[str, Gradient]]:
    """Return the score of *turns*, and the gradients of their summed loss divided by *total*."""
    seen = _forward(parameters, turns)
    error = np.exp(seen.log_probabilities)
    error[np.arange(len(seen.targets)), seen.targets] -= 1
    error /= np.float32(total)
    to_gates, to_eager = _named_backward(parameters, seen, error)
    to_hidden = error @ parameters["output"] + to_gates @ parameters["naming"].T
    back = to_hidden * (1 - seen.hidden * seen.hidden)
    gradients = {
        "output": Gradient(error.T @ seen.hidden),
        "output_bias": Gradient(error.sum(axis=0)),
        "context": Gradient(seen.before.T @ back),
        "memory": Gradient(seen.remembered.T @ back),
        "places": _summed(back, seen.places),
        "naming": Gradient(seen.hidden.T @ to_gates),
        "eager": to_eager,
        **_below(parameters, seen, back),
    }
    return _score(seen), gradients


def added(parts: Sequence[dict[str, Gradient]]) -> dict[str, Gradient]:
    """Return the sum of the gradients of several parts of a minibatch."""
    return {name: _added([part[name] for part in parts]) for name in parts[0]}


def next_log_probabilities(parameters: Parameters, asked: Matrix, named: Naming, written: Ids, last: Ids) -> Matrix:
    """Return the log probability of every piece after *written*.

    *asked* is `question`'s row for the prompt, *last* the common form of the last piece.
    """
    padded = np.concatenate([np.full(CONTEXT, START), written])
    before = parameters["pieces"][padded[-CONTEXT:]].reshape(1, -1)
    known = written[-MOST_LENGTH:]
    remembered = _decay(len(known) + 1)[-1:, :-1] @ parameters["pieces"][known]
    place = int(_places(len(written) + 1)[-1])
    hidden = _hidden(parameters, before, remembered, asked, np.array([place]))
    scores = hidden @ parameters["output"].T + parameters["output_bias"]
    scores[:, named.forms] += _named(parameters, hidden, named, last)
    return np.asarray(_log_softmax(scores)[0], dtype=np.float32)


def question(parameters: Parameters, words: Bag) -> Matrix:
    """Return one row: what the words of a prompt add up to."""
    if not len(words):
        return np.zeros((1, WIDTH), dtype=np.float32)
    total = parameters["words"][words].sum(axis=0, keepdims=True)
    return np.asarray(total / np.float32(math.sqrt(len(words))), dtype=np.float32)


def _forward(parameters: Parameters, turns: Sequence[Turn]) -> _Pass:
    context = np.concatenate([_contexts(turn.pieces) for turn in turns])
    places = np.concatenate([_places(len(turn.pieces) + 1) for turn in turns])
    before = parameters["pieces"][context].reshape(len(context), -1)
    remembered = np.concatenate([_remembered(parameters, turn.pieces) for turn in turns])
    questions = np.concatenate([question(parameters, turn.words) for turn in turns])
    asked = np.repeat(questions, [len(turn.pieces) + 1 for turn in turns], axis=0)
    hidden = _hidden(parameters, before, remembered, asked, places)
    scores = hidden @ parameters["output"].T + parameters["output_bias"]
    for turn, rows in zip(turns, _rows(turns), strict=True):
        scores[np.ix_(rows, turn.naming.forms)] += _named(parameters, hidden[rows], turn.naming, turn.before)
    log_probabilities = _log_softmax(scores)
    targets = np.concatenate([np.append(turn.pieces, END) for turn in turns])
    return _Pass(turns, context, places, before, remembered, asked, hidden, log_probabilities, targets)


def _named(parameters: Parameters, hidden: Matrix, named: Naming, before: Ids) -> Matrix:
    """Return what is added to the scores of the forms that a prompt names: by gates that the hidden units open."""
    gates = hidden @ parameters["naming"]
    eager = parameters["eager"][named.forms]
    return gates[:, :1] * eager[:, 0] + gates[:, 1:] * eager[:, 1] * named.following(before)


def _named_backward(parameters: Parameters, seen: _Pass, error: Matrix) -> tuple[Matrix, Gradient]:
    """Return the gradient of the gates, one row per predicted piece, and that of the eagerness of pieces."""
    gates = seen.hidden @ parameters["naming"]
    to_gates = np.empty_like(gates)
    to_eager = []
    for turn, rows in zip(seen.turns, _rows(seen.turns), strict=True):
        named = turn.naming
        eager = parameters["eager"][named.forms]
        present = error[np.ix_(rows, named.forms)]
        next_ones = present * named.following(turn.before)
        to_gates[rows, 0] = present @ eager[:, 0]
        to_gates[rows, 1] = next_ones @ eager[:, 1]
        to_eager.append(np.stack([gates[rows, 0] @ present, gates[rows, 1] @ next_ones], axis=1))
    return to_gates, _summed(np.concatenate(to_eager), np.concatenate([turn.naming.forms for turn in seen.turns]))


def _rows(turns: Sequence[Turn]) -> list[Ids]:
    """Return the rows that belong to each turn."""
    ends = np.cumsum([len(turn.pieces) + 1 for turn in turns])
    return [np.arange(end - len(turn.pieces) - 1, end) for turn, end in zip(turns, ends, strict=True)]


def _hidden(parameters: Parameters, before: Matrix, remembered: Matrix, asked: Matrix, places: Ids) -> Matrix:
    fed = before @ parameters["context"] + remembered @ parameters["memory"] + asked @ parameters["question"]
    return np.asarray(np.tanh(fed + parameters["places"][places]), dtype=np.float32)


def _below(parameters: Parameters, seen: _Pass, back: Matrix) -> dict[str, Gradient]:
    """Return the gradients of the embeddings and of the question's weights."""
    to_before = (back @ parameters["context"].T).reshape(-1, WIDTH)
    to_memory = back @ parameters["memory"].T
    ends = np.cumsum([len(turn.pieces) + 1 for turn in seen.turns])
    starts = ends - [len(turn.pieces) + 1 for turn in seen.turns]
    to_pieces = [
        _decay(len(turn.pieces) + 1)[:, :-1].T @ to_memory[first:last]
        for turn, first, last in zip(seen.turns, starts, ends, strict=True)
    ]
    read = np.concatenate([seen.context.reshape(-1), *(turn.pieces for turn in seen.turns)])
    by_turn = np.add.reduceat(back, starts, axis=0)
    return {
        "pieces": _summed(np.concatenate([to_before, *to_pieces]), read),
        "question": Gradient(seen.asked.T @ back),
        "words": _of_words(by_turn @ parameters["question"].T, seen.turns),
    }


def _of_words(to_questions: Matrix, turns: Sequence[Turn]) -> Gradient:
    sizes = [len(turn.words) for turn in turns]
    shares = [row / np.float32(math.sqrt(max(1, size))) for row, size in zip(to_questions, sizes, strict=True)]
    return _summed(np.repeat(np.stack(shares), sizes, axis=0), np.concatenate([turn.words for turn in turns]))


def _summed(values: Matrix, numbers: Ids) -> Gradient:
    """Return the sum of the rows of *values* that have the same number; the order of summing is fixed."""
    if not len(numbers):
        return Gradient(values, numbers)
    order = np.argsort(numbers, kind="stable")
    rows, firsts = np.unique(numbers[order], return_index=True)
    return Gradient(np.add.reduceat(values[order], firsts, axis=0), rows)


def _added(parts: Sequence[Gradient]) -> Gradient:
    rows = [part.rows for part in parts if part.rows is not None]
    if rows:
        return _summed(np.concatenate([part.values for part in parts]), np.concatenate(rows))
    return Gradient(np.sum([part.values for part in parts], axis=0, dtype=np.float32))


def _contexts(pieces: Ids) -> Ids:
    padded = np.concatenate([np.full(CONTEXT, START), pieces])
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT)


def _places(count: int) -> Ids:
    """Return the bucket of each of the first *count* places: single ones, then ever wider ones."""
    places = np.arange(count)
    wide = SINGLE_PLACES + np.floor(4 * np.log2(np.maximum(places, SINGLE_PLACES) / SINGLE_PLACES)).astype(np.int64)
    return np.minimum(np.where(places < SINGLE_PLACES, places, wide), PLACES - 1)


def _remembered(parameters: Parameters, pieces: Ids) -> Matrix:
    return _decay(len(pieces) + 1)[:, :-1] @ parameters["pieces"][pieces]


def _decay(count: int) -> Matrix:
    """Return how well each of *count* places (rows) remembers each piece (columns) written before it."""
    return _decays(1 << (count - 1).bit_length())[:count, :count]


@cache
def _decays(count: int) -> Matrix:
    apart = np.arange(count)[:, np.newaxis] - np.arange(count)[np.newaxis]
    weights = np.where(apart > 0, (1 - MEMORY) ** 0.5 * MEMORY ** (apart - 1.0).clip(0), 0)
    return weights.astype(np.float32)


def _log_softmax(scores: Matrix) -> Matrix:
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


def _score(seen: _Pass) -> Score:
    chosen = seen.log_probabilities[np.arange(len(seen.targets)), seen.targets]
    right = seen.log_probabilities.argmax(axis=1) == seen.targets
    return Score(float(-chosen.mean()), float(right.mean()), len(seen.targets))
