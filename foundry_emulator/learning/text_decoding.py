"""Writing an answer piece by piece, without falling into endless loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning.answers import END as END_TEXT
from foundry_emulator.learning.answers import MOST_ALTERNATIVES, Token, most_probable
from foundry_emulator.learning.pieces import END, Ids, Vocabulary

Scores = NDArray[np.float32]
Foresee = Callable[[Ids], Scores]

LONGEST_BLOCK = 24
LEAST_COPIES = 2
LENGTH_FACTOR = 2


@dataclass(frozen=True)
class Habits:
    """The longest answer in pieces, and how often in a row the trained answers repeat the same block of pieces."""

    longest: int = 0
    copies: int = LEAST_COPIES

    @classmethod
    def of(cls, answers: Sequence[Ids]) -> Habits:
        """Return the habits of *answers*."""
        return cls().with_those_of(answers)

    def with_those_of(self, answers: Sequence[Ids]) -> Habits:
        """Return habits that allow these and those of *answers*."""
        longest = max((len(answer) for answer in answers), default=0)
        copies = max((_copies(answer) for answer in answers), default=0)
        return Habits(max(self.longest, longest), max(self.copies, copies))


def write(
    foresee: Foresee, vocabulary: Vocabulary, habits: Habits, *, temperature: float, most_tokens: int, seed: int
) -> tuple[list[Token], bool]:
    """Return tokens until the end that *foresee* comes to, and True; or *most_tokens* of them, and False.

    Log probabilities are those at temperature 1, among the pieces that may stand at the place.
    """
    chance = np.random.default_rng(seed)
    written: list[int] = []
    told: list[Token] = []
    while True:
        scores = _allowed(foresee(np.array(written, dtype=np.int64)), written, vocabulary, habits)
        chosen = _choose(scores, temperature, chance)
        if chosen == END:
            return told, True
        if len(told) >= most_tokens:
            return told, False
        written.append(chosen)
        told.append(_token(scores, chosen, vocabulary))


def _allowed(foreseen: Scores, written: list[int], vocabulary: Vocabulary, habits: Habits) -> NDArray[np.float64]:
    """Return log probabilities among the pieces that may follow."""
    scores = foreseen.astype(np.float64)
    scores[vocabulary.special] = -np.inf
    if len(written) >= max(1, LENGTH_FACTOR * habits.longest):
        scores[np.arange(len(scores)) != END] = -np.inf
    for number in _looping(written, habits.copies):
        scores[number] = -np.inf
    scores -= scores.max()
    normalized: NDArray[np.float64] = scores - np.log(np.exp(scores).sum())
    return normalized


def _choose(scores: NDArray[np.float64], temperature: float, chance: np.random.Generator) -> int:
    if temperature == 0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    return int(chance.choice(len(weights), p=weights / weights.sum()))


def _token(scores: NDArray[np.float64], chosen: int, vocabulary: Vocabulary) -> Token:
    count = min(MOST_ALTERNATIVES, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    possible = [(_text(int(number), vocabulary), float(scores[number])) for number in best if scores[number] > -np.inf]
    token = _text(chosen, vocabulary), float(scores[chosen])
    return Token(*token, most_probable(possible, token))


def _text(number: int, vocabulary: Vocabulary) -> str:
    return END_TEXT if number == END else vocabulary.decode([number])


def _looping(written: Sequence[int], copies: int) -> list[int]:
    """Return the pieces that would end one more copy, in a row, of a block than *copies*."""
    looping = []
    for size in range(1, LONGEST_BLOCK + 1):
        needed = size * (copies + 1) - 1
        if len(written) < needed:
            break
        tail = written[-needed:]
        if tail[size:] == tail[:-size]:
            looping.append(tail[-size])
    return looping


def _copies(answer: Ids) -> int:
    """Return how often in a row a block of pieces is repeated at most."""
    most = 1
    for size in range(1, min(LONGEST_BLOCK, len(answer) // 2) + 1):
        same = np.concatenate([[False], answer[size:] == answer[:-size], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        runs = edges[1::2] - edges[::2]
        most = max(most, int(runs.max(initial=0)) // size + 1)
    return most
