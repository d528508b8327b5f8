"""What a model answers: its image part if it is shown something, its text part if not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from foundry_emulator import errors, tokens
from foundry_emulator.control_plane.model_deployments import AnsweringDeployment
from foundry_emulator.inference.answers import Answer, ended
from foundry_emulator.inference.distributions import Distribution, guess
from foundry_emulator.inference.filters import Filters
from foundry_emulator.inference.prompts import possible_answers
from foundry_emulator.inference.questions import Question
from foundry_emulator.inference.shaping import Choosing, answers_in_shape
from foundry_emulator.inference.sight import Seen, Sight
from foundry_emulator.learning import classifier
from foundry_emulator.learning.classifier import Classifier
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

NOTHING_TO_SAY = "I can describe what I am shown, but I was not given a list of possible answers to choose from."
NO_IMAGE = "I do not see an image in your message. Please send the image that I should look at."
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
        self._models: OrderedDict[str, Classifier] = OrderedDict()
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
        possible = self._distribution(deployment, looked).shaken(self._jitter)
        choosing = Choosing(question.sampling, _facts(looked))
        prompt = f"{question.instructions}\n{question.wording}"
        return [
            ended(said, question.stop, question.answer_room, self._filters)
            for said in answers_in_shape(possible, question.shape, choosing, prompt)
        ]

    def _distribution(self, deployment: AnsweringDeployment, looked: Looked) -> Distribution:
        if not looked.asked:
            return Distribution([NO_IMAGE], [0.0])
        if deployment.weights is None:
            return _guess(deployment.model, looked)
        model = self._model(deployment.weights)
        vectors = [image.features for image in looked.asked if image.features is not None]
        row = np.stack(vectors).mean(axis=0, dtype=np.float32)[np.newaxis]
        return Distribution(model.answers, [float(value) for value in model.log_probabilities(row)[0]])

    def _model(self, weights: str) -> Classifier:
        with self._threads:
            model = self._models.get(weights) or classifier.load(self._state.weights / weights)
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


def _guess(model: str, looked: Looked) -> Distribution:
    """Return what a base model thinks: as good as even odds for what the prompt lists."""
    question = looked.question
    answers = possible_answers(question.instructions) or possible_answers(question.wording) or [NOTHING_TO_SAY]
    return guess(answers, model, *_facts(looked))


def _facts(looked: Looked) -> tuple[object, ...]:
    """Return what a guess or a draw depends on: words and pixels, nothing else."""
    return looked.question.instructions, looked.question.wording, *(image.digest for image in looked.asked)
