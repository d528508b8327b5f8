"""Chat completions: what a deployed model answers, with the probabilities it really has."""

import hashlib
import math
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from foundry_emulator import errors, images, tokens
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane.model_deployments import BATCH_SKUS, AnsweringDeployment, ModelDeployments
from foundry_emulator.images import ImageUnreadable, Picture
from foundry_emulator.inference.chat_requests import ChatRequest, parse
from foundry_emulator.inference.prompts import possible_answers
from foundry_emulator.inference.rate_limits import RateLimits
from foundry_emulator.learning import classifier
from foundry_emulator.learning.classifier import Classifier
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.learning.features import Vector
from foundry_emulator.metrics.calls import Call, Calls
from foundry_emulator.state import State

NOTHING_TO_SAY = "I can describe what I am shown, but I was not given a list of possible answers to choose from."
NO_IMAGE = "I do not see an image in your message. Please send the image that I should look at."
OPERATION = "ChatCompletions_Create"
_SAFE = {"filtered": False, "severity": "safe"}
_CONTENT_FILTER = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), _SAFE)
_SEEN_IMAGES = 8_192
_LOADED_MODELS = 16


@dataclass(frozen=True)
class _Seen:
    """An image that was looked at."""

    digest: str
    width: int
    height: int
    features: Vector | None


@dataclass(frozen=True)
class _Distribution:
    """Possible answers, and the natural logarithm of the probability of each."""

    answers: list[str]
    log_probabilities: list[float]


class Chat:
    """Answers chat completions of every account."""

    def __init__(
        self,
        *,
        state: State,
        clock: Clock,
        deployments: ModelDeployments,
        limits: RateLimits,
        calls: Calls,
        features: FeatureCache,
    ) -> None:
        self._state = state
        self._clock = clock
        self._calls = calls
        self._deployments = deployments
        self._limits = limits
        self._features = features
        self._seen: OrderedDict[tuple[str, bool], _Seen] = OrderedDict()
        self._models: OrderedDict[str, Classifier] = OrderedDict()
        self._threads = threading.Lock()

    def complete(self, account: str, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the completion and its headers; ServiceError if the request is refused."""
        request = parse(body)
        deployment = self._deployments.answering(account, request.deployment)
        if deployment.sku in BATCH_SKUS:
            raise errors.operation_not_supported("chatCompletion", deployment.model)
        try:
            completion, headers = self._answer(account, deployment, request)
        except errors.ServiceError as refusal:
            self._count(account, deployment, refusal.status)
            raise
        usage = completion["usage"]
        self._count(account, deployment, 200, usage["prompt_tokens"], usage["completion_tokens"])
        return completion, headers

    def _count(
        self, account: str, deployment: AnsweringDeployment, status: int, prompt: int = 0, completion: int = 0
    ) -> None:
        call = Call(account, deployment.name, deployment.number, OPERATION, status, prompt, completion)
        self._calls.count(call, self._clock.now())

    def _answer(
        self, account: str, deployment: AnsweringDeployment, request: ChatRequest
    ) -> tuple[dict[str, Any], dict[str, str]]:
        seen = [self._look(url, learned=deployment.weights is not None) for url, _ in request.images]
        details = [detail for _, detail in request.images]
        cost = tokens.messages_text_tokens(request.messages) + sum(
            tokens.image_tokens(image.width, image.height, detail) for image, detail in zip(seen, details, strict=True)
        )
        headers = self._limits.take(
            f"{account}/{deployment.name}", deployment.capacity, cost + request.estimated_answer_tokens
        )
        asked = seen[-request.asked_images :] if request.asked_images else []
        distribution = self._distribution(deployment, request, asked)
        choices = [_choice(place, request, distribution, asked) for place in range(request.n)]
        return _completion(deployment.model, choices, cost, self._clock.now()), headers

    def _distribution(self, deployment: AnsweringDeployment, request: ChatRequest, asked: list[_Seen]) -> _Distribution:
        if not asked:
            return _Distribution([NO_IMAGE], [0.0])
        if deployment.weights is None:
            return _guess(deployment.model, request, asked)
        model = self._model(deployment.weights)
        vectors = [image.features for image in asked if image.features is not None]
        row = np.stack(vectors).mean(axis=0, dtype=np.float32)[np.newaxis]
        return _Distribution(model.answers, [float(value) for value in model.log_probabilities(row)[0]])

    def _model(self, weights: str) -> Classifier:
        with self._threads:
            model = self._models.get(weights) or classifier.load(self._state.weights / weights)
            self._models[weights] = model
            self._models.move_to_end(weights)
            if len(self._models) > _LOADED_MODELS:
                self._models.popitem(last=False)
            return model

    def _look(self, url: str, *, learned: bool) -> _Seen:
        """Return what there is to see, from memory if the same bytes were seen before."""
        key = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest(), learned
        with self._threads:
            known = self._seen.get(key)
        if known is not None:
            return known
        picture = _picture(url)
        vector = self._features.features(picture) if learned else None
        seen = _Seen(picture.digest, picture.pixels.width, picture.pixels.height, vector)
        with self._threads:
            self._seen[key] = seen
            if len(self._seen) > _SEEN_IMAGES:
                self._seen.popitem(last=False)
        return seen


def _picture(url: str) -> Picture:
    try:
        return images.decode(images.data_url_bytes(url))
    except ImageUnreadable as problem:
        raise errors.bad_chat_request(f"Invalid image data: {problem}.", "messages", "BadRequest") from problem


def _guess(model: str, request: ChatRequest, asked: list[_Seen]) -> _Distribution:
    """Return as good as even odds for what the prompt lists, tipped by model, prompt and pixels."""
    answers = possible_answers(request.instructions) or possible_answers(request.question) or [NOTHING_TO_SAY]
    chance = _chance(model, request.instructions, request.question, *(image.digest for image in asked))
    scores = chance.random(len(answers))
    log_probabilities = scores - math.log(np.exp(scores).sum())
    return _Distribution(answers, [float(value) for value in log_probabilities])


def _chance(*facts: object) -> np.random.Generator:
    """Return dice that fall the same way for the same facts."""
    digest = hashlib.sha256("\0".join(str(fact) for fact in facts).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _choice(place: int, request: ChatRequest, possible: _Distribution, asked: list[_Seen]) -> dict[str, Any]:
    chosen = _choose(place, request, possible, asked)
    answer = possible.answers[chosen]
    kept, finished = _cut(answer, request.max_tokens)
    return {
        "index": place,
        "message": {"role": "assistant", "content": kept, "refusal": None, "annotations": []},
        "finish_reason": "stop" if finished else "length",
        "logprobs": _logprobs(request, possible, chosen) if request.logprobs else None,
        "content_filter_results": _CONTENT_FILTER,
    }


def _choose(place: int, request: ChatRequest, possible: _Distribution, asked: list[_Seen]) -> int:
    """Return the most probable answer at temperature 0, else a draw that the same request repeats."""
    scores = np.array(possible.log_probabilities)
    if request.temperature == 0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / request.temperature)
    chance = _chance(place, request.seed, request.instructions, request.question, *(i.digest for i in asked))
    return int(chance.choice(len(weights), p=weights / weights.sum()))


def _cut(answer: str, max_tokens: int) -> tuple[str, bool]:
    if tokens.text_tokens(answer) <= max_tokens:
        return answer, True
    return answer[: max_tokens * tokens.CHARACTERS_PER_TOKEN], False


def _logprobs(request: ChatRequest, possible: _Distribution, chosen: int) -> dict[str, Any]:
    """Return an answer as one token, beside the most probable others."""
    order = sorted(range(len(possible.answers)), key=lambda place: -possible.log_probabilities[place])
    entries = [_token(possible, place) for place in order[: request.top_logprobs]]
    return {"content": [{**_token(possible, chosen), "top_logprobs": entries}], "refusal": None}


def _token(possible: _Distribution, place: int) -> dict[str, Any]:
    answer = possible.answers[place]
    return {"token": answer, "logprob": possible.log_probabilities[place], "bytes": list(answer.encode())}


def _completion(model: str, choices: list[dict[str, Any]], prompt_tokens: int, now: float) -> dict[str, Any]:
    completion_tokens = sum(tokens.text_tokens(choice["message"]["content"]) for choice in choices)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(now),
        "model": model,
        "choices": choices,
        "prompt_filter_results": [
            {
                "prompt_index": 0,
                "content_filter_results": {**_CONTENT_FILTER, "jailbreak": {"filtered": False, "detected": False}},
            }
        ],
        "system_fingerprint": f"fp_{hashlib.sha256(model.encode()).hexdigest()[:10]}",
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
            "completion_tokens_details": {
                "accepted_prediction_tokens": 0,
                "audio_tokens": 0,
                "reasoning_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }
