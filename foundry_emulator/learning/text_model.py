"""A language model over pieces of text: what it was trained on is how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundry_emulator.learning import text_network
from foundry_emulator.learning.answers import Token
from foundry_emulator.learning.naming import before, naming
from foundry_emulator.learning.pieces import Ids, Vocabulary
from foundry_emulator.learning.prompt_words import bag, last_question
from foundry_emulator.learning.scores import Score, together
from foundry_emulator.learning.text_decoding import Habits, write
from foundry_emulator.learning.text_network import MOST_LENGTH, Parameters, Turn
from foundry_emulator.learning.text_optimizer import Adam

BASE_LEARNING_RATE = 3e-3
_ROWS = 2_048


class TextModel:
    """A vocabulary, a network over it, and the habits of the answers it was trained on."""

    def __init__(self, vocabulary: Vocabulary, parameters: Parameters, habits: Habits) -> None:
        self.vocabulary = vocabulary
        self.parameters = parameters
        self.habits = habits

    def answer(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float,
        most_tokens: int,
        seed: int,
        top_p: float = 1,
    ) -> tuple[list[Token], bool]:
        """Return the answer's tokens and whether it is finished (False: cut at most_tokens)."""
        asked = text_network.question(self.parameters, bag(messages))
        offered = naming(self.vocabulary, last_question(messages))

        def foresee(written: Ids) -> NDArray[np.float32]:
            last = before(self.vocabulary, written)[-1:]
            return text_network.next_log_probabilities(self.parameters, asked, offered, written, last)

        return write(
            foresee,
            self.vocabulary,
            self.habits,
            temperature=temperature,
            most_tokens=most_tokens,
            seed=seed,
            top_p=top_p,
        )

    def turn(self, messages: Sequence[Mapping[str, Any]], answer: str) -> Turn:
        """Return what is learned from *answer* as the answer to *messages*."""
        pieces = self.vocabulary.encode(answer)[:MOST_LENGTH]
        offered = naming(self.vocabulary, last_question(messages))
        return Turn(bag(messages), offered, pieces, before(self.vocabulary, pieces))

    def score(self, turns: Sequence[Turn]) -> Score:
        """Return how well the pieces of *turns* are foreseen; there must be at least one."""
        return together([text_network.score(self.parameters, some) for some in _bounded(turns)])

    def continue_with(self, answers: Sequence[str], questions: Sequence[str], seed: int) -> None:
        """Get ready to learn *answers* to *questions*: their pieces are known from now on, as far as there is room."""
        self.vocabulary.widen(answers)
        self.vocabulary.widen(questions)
        if len(self.vocabulary) > len(self.parameters["pieces"]):
            text_network.widen(self.parameters, len(self.vocabulary), seed)
        self.habits = self.habits.and_those_of(Habits.of([self.vocabulary.encode(answer) for answer in answers]))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as arrays that `from_arrays` reads."""
        runs = [number for run in self.habits.runs.items() for number in run]
        habits = np.array([self.habits.longest, self.habits.copies, *runs])
        return {**self.parameters, "vocabulary": self.vocabulary.to_array(), "habits": habits}


class TextOptimizer:
    """Learns minibatches of turns."""

    def __init__(self, model: TextModel) -> None:
        self._model = model
        self._adam = Adam(model.parameters)

    def step(self, turns: Sequence[Turn], learning_rate: float) -> Score:
        """Learn from one minibatch; return its score from before the update."""
        parts = list(_bounded(turns))
        total = sum(len(turn.pieces) + 1 for turn in turns)
        if len(parts) == 1:
            score, gradients = text_network.learn(self._model.parameters, parts[0], total)
            self._adam.step(gradients, learning_rate)
            return score
        learned = [text_network.learn(self._model.parameters, part, total) for part in parts]
        self._adam.step(text_network.added([gradients for _, gradients in learned]), learning_rate)
        return together([score for score, _ in learned])


def start(answers: Sequence[str], questions: Sequence[str], seed: int) -> TextModel:
    """Return an untrained model whose vocabulary is that of *answers* and, as far as there is room, *questions*."""
    vocabulary = Vocabulary()
    vocabulary.widen(answers)
    vocabulary.widen(questions)
    encoded = [vocabulary.encode(answer)[:MOST_LENGTH] for answer in answers]
    counts = np.bincount(np.concatenate([*encoded, np.ones(len(answers), np.int64)]), minlength=len(vocabulary))
    frequencies = (counts / counts.sum()).astype(np.float32)
    return TextModel(vocabulary, text_network.start(len(vocabulary), frequencies, seed), Habits.of(encoded))


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> TextModel:
    """Return the model that `TextModel.to_arrays` wrote; KeyError if something is missing."""
    parameters = {name: arrays[name].astype(np.float32, copy=False) for name in text_network.NAMES}
    longest, copies, *runs = arrays["habits"].astype(np.int64).tolist()
    vocabulary = Vocabulary.from_array(arrays["vocabulary"].astype(np.uint8, copy=False))
    return TextModel(vocabulary, parameters, Habits(longest, copies, dict(zip(runs[::2], runs[1::2], strict=True))))


def _bounded(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Return *turns* in parts of at most about _ROWS pieces, so that memory is bounded."""
    parts: list[list[Turn]] = [[]]
    room = _ROWS
    for turn in turns:
        if parts[-1] and len(turn.pieces) >= room:
            parts.append([])
            room = _ROWS
        parts[-1].append(turn)
        room -= len(turn.pieces) + 1
    return parts
