"""A request for a chat completion, checked."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors, images, tokens

MOST_IMAGES = 50
MOST_MESSAGES = 2_048
MOST_CHOICES = 128
MOST_TOP_LOGPROBS = 20
HOTTEST = 2
DEFAULT_MAX_TOKENS = 16_384
_INSTRUCTING = frozenset({"system", "developer"})
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


@dataclass(frozen=True)
class ChatRequest:
    """What was asked; the last *asked_images* of the images are those the question is about."""

    deployment: str
    messages: list[dict[str, Any]]
    images: list[tuple[str, str]]
    asked_images: int
    max_tokens: int
    estimated_answer_tokens: int
    n: int
    temperature: float
    seed: int | None
    logprobs: bool
    top_logprobs: int

    @property
    def instructions(self) -> str:
        """All text of the system and developer messages."""
        return "\n".join(tokens.message_text(m) for m in self.messages if m["role"] in _INSTRUCTING)

    @property
    def question(self) -> str:
        """All text of the user's messages."""
        return "\n".join(tokens.message_text(m) for m in self.messages if m["role"] == "user")


def parse(body: dict[str, Any]) -> ChatRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    deployment = body.get("model")
    if not isinstance(deployment, str) or not deployment:
        raise errors.bad_chat_request("you must provide a model parameter", "model")
    if body.get("stream"):
        raise errors.bad_chat_request("This emulator does not stream answers.", "stream")
    messages = _messages(body.get("messages"))
    shown = [images.image_urls(message) for message in messages if message["role"] == "user"]
    urls = [found for message in shown for found in message]
    if len(urls) > MOST_IMAGES:
        raise errors.bad_chat_request(f"At most {MOST_IMAGES} images are allowed in a request.", "messages")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    n = _number(body, "n", 1, 1, MOST_CHOICES)
    return ChatRequest(
        deployment=deployment,
        messages=messages,
        images=urls,
        asked_images=next((len(message) for message in reversed(shown) if message), 0),
        max_tokens=_limit(limit),
        estimated_answer_tokens=_limit(limit) * int(n) if limit else 0,
        n=int(n),
        temperature=_number(body, "temperature", 1, 0, HOTTEST),
        seed=body.get("seed"),
        logprobs=bool(body.get("logprobs")),
        top_logprobs=int(_number(body, "top_logprobs", 0, 0, MOST_TOP_LOGPROBS)),
    )


def _messages(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or len(value) > MOST_MESSAGES:
        raise errors.bad_chat_request(f"messages must be a list of 1 to {MOST_MESSAGES} messages.", "messages")
    for message in value:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise errors.bad_chat_request("Every message needs a known role.", "messages")
    return value


def _number(body: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise errors.bad_chat_request(f"{name} must be a number from {least} to {most}, not {value!r}.", name)
    return value


def _limit(value: Any) -> int:
    if value is None:
        return DEFAULT_MAX_TOKENS
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise errors.bad_chat_request(f"max_tokens must be a positive whole number, not {value!r}.", "max_tokens")
    return value
