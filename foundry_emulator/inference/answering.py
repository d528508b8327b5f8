"""What a model answers: its image part if it is shown something, its text part if not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundry_emulator import errors, tokens
from foundry_emulator.content_filter import Filters
from foundry_emulator.control_plane.model_deployments import AnsweringDeployment
from foundry_emulator.inference.answers import Answer, ended
from foundry_emulator.inference.distributions import Distribution, dice, guess, normalized, shaken
from foundry_emulator.inference.prompts import possible_answers
from foundry_emulator.inference.questions import Question
from foundry_emulator.inference.shaping import Choosing, Said, Speaker, chosen_in_shape, spoken_in_shape
from foundry_emulator.inference.sight import Seen, Sight
from foundry_emulator.learning.base_text import base_answer
from foundry_emulator.learning.weights import LearnedModel, load
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

NOTHING_TO_SAY = "I can describe what I am shown, but I was not given a list of possible answers to choose from."
_LOADED_MODELS = 16


@dataclass(frozen=True)
class Looked:
    """A question whose images were looked at, and what it costs to read."""

    question: Question
    seen: list[Seen]
    prompt_tokens: int

    @property
    def asked(self) -> list[Seen]:
        """The images that the question is about."""
        return self.seen[-self.question.conversation.asked_images :] if self.seen else []


class Answering:
    """Answers questions with what models have learned."""

    def __init__(self, state: State, sight: Sight, filters: Filters, jitter: float) -> None:
        self._state = state
        self._sight = sight
        self._filters = filters
        self._jitter = jitter
        self._models: OrderedDict[str, LearnedModel] = OrderedDict()
        self._threads = threading.Lock()

    def look(self, deployment: AnsweringDeployment, question: Question) -> Looked:
        """Return *question* with its images looked at; ServiceError 400 if one cannot be."""
        self._filters.check_prompt(question.text)
        shown = question.conversation.images
        seen = [self._sight.look(image, learned=deployment.weights is not None) for image in shown]
        cost = tokens.messages_text_tokens(question.conversation.messages) + sum(
            tokens.image_tokens(each.width, each.height, image.detail) for each, image in zip(seen, shown, strict=True)
        )
        return Looked(question, seen, cost)

    def answers(self, deployment: AnsweringDeployment, looked: Looked) -> list[Answer]:
        """Return as many answers as the question wants."""
        question = looked.question
        choosing = Choosing(question.sampling, _facts(looked))
        model = self._model(deployment.weights) if deployment.weights is not None else LearnedModel()
        prompt = f"{question.instructions}\n{question.wording}"
        if looked.asked:
            possible = _seen(deployment, model, looked).shaken(self._jitter)
            said = [(tokens, True) for tokens in chosen_in_shape(possible, question.shape, choosing, prompt)]
        else:
            said = spoken_in_shape(_speaker(model, question, choosing), question.shape, choosing, prompt)
            said = [(shaken(tokens, self._jitter), finished) for tokens, finished in said]
        return [
            ended(tokens, question.stop, question.answer_room, self._filters, finished=finished)
            for tokens, finished in said
        ]

    def _model(self, weights: str) -> LearnedModel:
        with self._threads:
            model = self._models.get(weights) or load(self._state.weights / weights)
            self._models[weights] = model
            self._models.move_to_end(weights)
            if len(self._models) > _LOADED_MODELS:
                self._models.popitem(last=False)
            return model


def context_of(deployment: AnsweringDeployment) -> int:
    """Return how many tokens the base model can read and write at once."""
    base = catalogue.base_model(deployment.base)
    return base.max_context_tokens if base else 0


def check_room(looked: Looked, most: int) -> None:
    """Return if prompt and answer fit into *most* tokens; ServiceError context_length_exceeded if not."""
    wanted = looked.question.most_tokens or 0
    if looked.prompt_tokens + wanted > most:
        raise errors.context_length_exceeded(most, looked.prompt_tokens, wanted)


def _seen(deployment: AnsweringDeployment, model: LearnedModel, looked: Looked) -> Distribution:
    """Return what *model* finds possible for the images; as good as even odds if it never learned from any."""
    if model.images is None:
        answers = _listed(looked.question) or [NOTHING_TO_SAY]
        return guess(answers, deployment.model, *_facts(looked))
    vectors = [image.features for image in looked.asked if image.features is not None]
    row = np.stack(vectors).mean(axis=0, dtype=np.float32)[np.newaxis]
    return Distribution(model.images.answers, [float(value) for value in model.images.log_probabilities(row)[0]])


def _speaker(model: LearnedModel, question: Question, choosing: Choosing) -> Speaker:
    """Return the text part of *model*, or its base model's if it never learned text."""
    messages, text = question.conversation.messages, model.text

    def say(number: int) -> Said:
        seed = int(dice(question.sampling.seed, number, *choosing.facts).integers(2**32))
        heat, top_p, most = question.sampling.temperature, question.sampling.top_p, question.answer_room
        if text is None:
            choices = _listed(question)
            return base_answer(messages, temperature=heat, top_p=top_p, most_tokens=most, seed=seed, choices=choices)
        return text.answer(messages, temperature=heat, top_p=top_p, most_tokens=most, seed=seed)

    def weigh(answers: Sequence[str]) -> Distribution:
        if text is None:
            return guess(list(answers), *choosing.facts)
        scores = [text.score([text.turn(messages, answer)]) for answer in answers]
        return Distribution(list(answers), normalized([-score.loss * score.count for score in scores]))

    return Speaker(say, weigh)


def _listed(question: Question) -> list[str]:
    return possible_answers(question.instructions) or possible_answers(question.wording)


def _facts(looked: Looked) -> tuple[object, ...]:
    """Return what a guess or a draw depends on: words and pixels, nothing else."""
    return looked.question.instructions, looked.question.wording, *(image.digest for image in looked.asked)
