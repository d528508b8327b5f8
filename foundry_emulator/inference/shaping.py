"""From what a model finds possible to the tokens of an answer, in the form that was asked for."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from foundry_emulator.inference import structured
from foundry_emulator.inference.distributions import Distribution, guess
from foundry_emulator.inference.questions import Sampling
from foundry_emulator.inference.schemas import Shape
from foundry_emulator.inference.structured import Filling, Place
from foundry_emulator.learning.answers import Token, classifier_tokens
from foundry_emulator.learning.pieces import split

Said = tuple[list[Token], bool]


@dataclass(frozen=True)
class Choosing:
    """How one of the possible answers is chosen: the draw of the caller, and what makes it this draw."""

    sampling: Sampling
    facts: tuple[object, ...]

    def choose(self, possible: Distribution, number: int) -> int:
        """Return the place in *possible* of the answer for the choice with this *number*."""
        return possible.choose(self.sampling, number, *self.facts)


@dataclass(frozen=True)
class Speaker:
    """A model of text: what it says for the choice with a number, and how probable it finds each of some answers."""

    say: Callable[[int], Said]
    weigh: Callable[[Sequence[str]], Distribution]


def chosen_in_shape(possible: Distribution, shape: Shape | None, choosing: Choosing, prompt: str) -> list[list[Token]]:
    """Return the tokens of every answer that is wanted out of *possible* ones, each an object if *shape* says so."""
    numbers = range(choosing.sampling.n)
    whole = possible if shape is None else _whole(possible, shape)
    if shape is None or whole is not None:
        answers = whole or possible
        return [_plain(answers, choosing.choose(answers, number)) for number in numbers]
    schema = _schema(shape, prompt)
    labels = possible.renamed(structured.label_in)
    place = structured.place_of(schema, labels.answers)
    values = _values(place, labels.answers)
    if place is not None and place.values is not None:
        labels = labels.among(values) or guess(list(values), *choosing.facts)
    return [_choice_in_object(schema, place, labels, values, choosing.choose(labels, number)) for number in numbers]


def spoken_in_shape(speaker: Speaker, shape: Shape | None, choosing: Choosing, prompt: str) -> list[Said]:
    """Return every answer that is wanted as *speaker* says it, each an object if *shape* says so."""
    said = [speaker.say(number) for number in range(choosing.sampling.n)]
    if shape is None:
        return said
    schema = _schema(shape, prompt)
    return [
        each if _fits(_text(each), shape) else _speech_in_object(schema, speaker, each, choosing, number)
        for number, each in enumerate(said)
    ]


def _plain(possible: Distribution, chosen: int) -> list[Token]:
    return classifier_tokens(possible.answers, possible.log_probabilities, chosen)


def _whole(possible: Distribution, shape: Shape) -> Distribution | None:
    """Return the answers that are already objects of this shape, None if there are none."""
    return possible.among({answer for answer in possible.answers if _fits(answer, shape)})


def _fits(answer: str, shape: Shape) -> bool:
    value, schema = structured.json_object(answer), shape.schema or {}
    return value is not None and structured.satisfies(value, schema, schema)


def _schema(shape: Shape, prompt: str) -> dict[str, Any]:
    if shape.schema is not None:
        return shape.schema
    key = structured.key_in(prompt)
    return {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}


def _values(place: Place | None, labels: Sequence[str]) -> dict[str, Any]:
    """Return the labels that may stand at *place*, and the value that each is written as."""
    if place is None or place.values is None:
        return {label: label for label in labels}
    return {str(value): value for value in place.values}


def _choice_in_object(
    schema: dict[str, Any], place: Place | None, labels: Distribution, values: dict[str, Any], chosen: int
) -> list[Token]:
    probabilities = dict(zip(labels.answers, map(math.exp, labels.log_probabilities), strict=True))
    label = labels.answers[chosen]
    written = [structured.text_of(values[answer]) for answer in labels.answers]
    told = classifier_tokens(written, labels.log_probabilities, chosen)
    return _in_object(schema, place, Filling(values[label], probabilities[label], probabilities), told)


def _speech_in_object(schema: dict[str, Any], speaker: Speaker, said: Said, choosing: Choosing, number: int) -> Said:
    text = structured.label_in(_text(said))
    place = structured.place_of(schema, [text])
    if place is not None and place.values is not None:
        values = _values(place, [])
        labels = speaker.weigh(list(values))
        return _choice_in_object(schema, place, labels, values, choosing.choose(labels, number)), True
    tokens = said[0] if text == _text(said) else forced(text)
    probability = math.exp(sum(token.log_probability for token in tokens))
    escaped = [replace(token, text=json.dumps(token.text, ensure_ascii=False)[1:-1]) for token in tokens]
    return _in_object(schema, place, Filling(text, probability, {}), escaped), True


def _in_object(schema: dict[str, Any], place: Place | None, filling: Filling, told: list[Token]) -> list[Token]:
    before, after = structured.around(schema, place, filling)
    return [*forced(before), *told, *forced(after)] if after else forced(before)


def _text(said: Said) -> str:
    return "".join(token.text for token in said[0])


def forced(text: str) -> list[Token]:
    """Return the tokens of a text that cannot be otherwise."""
    return [Token(piece, 0.0, ((piece, 0.0),)) for piece in split(text)]
