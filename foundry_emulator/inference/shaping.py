"""From possible answers to the tokens of one, in the form that was asked for."""

import math
from dataclasses import dataclass
from typing import Any

from foundry_emulator.inference import structured
from foundry_emulator.inference.distributions import Distribution, guess
from foundry_emulator.inference.questions import Sampling
from foundry_emulator.inference.schemas import Shape
from foundry_emulator.inference.structured import Filling, Place
from foundry_emulator.learning.answers import Token, classifier_tokens
from foundry_emulator.learning.pieces import split


@dataclass(frozen=True)
class Choosing:
    """How one of the possible answers is chosen: the draw of the caller, and what makes it this draw."""

    sampling: Sampling
    facts: tuple[object, ...]

    def choose(self, possible: Distribution, place: int) -> int:
        """Return the place in *possible* of the answer for the choice number *place*."""
        return possible.choose(self.sampling, place, *self.facts)


def answers_in_shape(possible: Distribution, shape: Shape | None, choosing: Choosing, prompt: str) -> list[list[Token]]:
    """Return the tokens of every answer that is wanted, each an object if *shape* says so."""
    whole = possible if shape is None else _whole(possible, shape)
    if whole is not None:
        return [_plain(whole, choosing.choose(whole, place)) for place in range(choosing.sampling.n)]
    schema = _schema(shape, prompt)
    labels = possible.renamed(structured.label_in)
    place = structured.place_of(schema, labels.answers)
    labels, values = _allowed(labels, place, choosing)
    return [
        _in_object(schema, place, labels, values, choosing.choose(labels, number))
        for number in range(choosing.sampling.n)
    ]


def _plain(possible: Distribution, chosen: int) -> list[Token]:
    return classifier_tokens(possible.answers, possible.log_probabilities, chosen)


def _whole(possible: Distribution, shape: Shape) -> Distribution | None:
    """Return the answers that are already objects of this shape, None if there are none."""
    objects = {answer: structured.json_object(answer) for answer in possible.answers}
    schema = shape.schema or {}
    fitting = {a for a, value in objects.items() if value is not None and structured.satisfies(value, schema, schema)}
    return possible.among(fitting)


def _schema(shape: Shape | None, prompt: str) -> dict[str, Any]:
    if shape is not None and shape.schema is not None:
        return shape.schema
    key = structured.key_in(prompt)
    return {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}


def _allowed(labels: Distribution, place: Place | None, choosing: Choosing) -> tuple[Distribution, dict[str, Any]]:
    """Return the labels that may stand at *place*, and the value that each is written as."""
    if place is None or place.values is None:
        return labels, {label: label for label in labels.answers}
    values = {str(value): value for value in place.values}
    return labels.among(values) or guess(list(values), *choosing.facts), values


def _in_object(
    schema: dict[str, Any], place: Place | None, labels: Distribution, values: dict[str, Any], chosen: int
) -> list[Token]:
    probabilities = {
        answer: math.exp(score) for answer, score in zip(labels.answers, labels.log_probabilities, strict=True)
    }
    label = labels.answers[chosen]
    before, after = structured.around(schema, place, Filling(values[label], probabilities[label], probabilities))
    if not after:
        return forced(before)
    written = [structured.text_of(values[answer]) for answer in labels.answers]
    return [*forced(before), *classifier_tokens(written, labels.log_probabilities, chosen), *forced(after)]


def forced(text: str) -> list[Token]:
    """Return the tokens of a text that cannot be otherwise."""
    return [Token(piece, 0.0, ((piece, 0.0),)) for piece in split(text)]
