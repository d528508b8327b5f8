"""What is asked of a model, whichever address it was asked at."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator import tokens
from foundry_emulator.inference.fields import Fields, check_length, refused, short, wrong_type
from foundry_emulator.inference.messages import Conversation
from foundry_emulator.inference.schemas import Shape

MOST_ANSWER_TOKENS = 16_384
MOST_TOP_LOGPROBS = 20
MOST_CHOICES = 128
MOST_STOPS = 4
HOTTEST = 2
_SEEDS = 2**63
_INSTRUCTING = frozenset({"system", "developer"})


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn from what the model finds possible."""

    n: int = 1
    temperature: float = 1
    top_p: float = 1
    seed: int | None = None


@dataclass(frozen=True)
class Question:
    """A conversation, and what the answer should be like; *most_tokens* is None if the caller set no limit."""

    deployment: str
    conversation: Conversation
    sampling: Sampling
    most_tokens: int | None
    stop: tuple[str, ...]
    shape: Shape | None
    logprobs: bool
    top_logprobs: int

    @property
    def instructions(self) -> str:
        """All text of the system and developer messages."""
        return "\n".join(tokens.message_text(m) for m in self.conversation.messages if m["role"] in _INSTRUCTING)

    @property
    def wording(self) -> str:
        """All text of the user's messages."""
        return "\n".join(tokens.message_text(m) for m in self.conversation.messages if m["role"] == "user")

    @property
    def text(self) -> str:
        """All text there is, which the content filter reads."""
        return "\n".join(tokens.message_text(m) for m in self.conversation.messages)

    @property
    def expected_tokens(self) -> int:
        """What the service reserves for the answers when it counts against the rate limit."""
        return (self.most_tokens or 0) * self.sampling.n

    @property
    def answer_room(self) -> int:
        """The most tokens an answer may have."""
        return MOST_ANSWER_TOKENS if self.most_tokens is None else self.most_tokens


def deployment_name(body: dict[str, Any]) -> str:
    """Return which model deployment *body* is for; ServiceError 400 if it does not say."""
    name = body.get("model")
    if name is None:
        raise refused("model", "you must provide a model parameter")
    if not isinstance(name, str):
        raise wrong_type("model", "a string", name)
    if not name:
        raise refused("model", "you must provide a model parameter")
    return name


def check_known(body: dict[str, Any], known: frozenset[str]) -> None:
    """Return if *body* has no field but *known* ones; ServiceError 400 otherwise."""
    unknown = sorted(set(body) - known)
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        named = ", ".join(short(name) for name in unknown)
        raise refused(unknown[0][:100], f"Unrecognized request argument{plural} supplied: {named}")


def stops(value: Any) -> tuple[str, ...]:
    """Return the texts that end an answer: one, or a list of up to four; ServiceError 400 for anything else."""
    if value is None:
        return ()
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list):
        raise wrong_type("stop", "one of a string or array of strings", value)
    check_length("stop", given, MOST_STOPS)
    for place, each in enumerate(given):
        if not isinstance(each, str):
            raise wrong_type(f"stop[{place}]", "a string", each)
        if not each:
            raise refused(
                "stop",
                "Invalid 'stop': empty string. Expected a string with minimum length 1, but got an"
                " empty string instead.",
                "empty_string",
            )
    return tuple(given)


def seed_of(fields: Fields) -> int | None:
    """Return the seed: a whole number of 64 bits."""
    return fields.integer("seed", None, -_SEEDS, _SEEDS - 1)
