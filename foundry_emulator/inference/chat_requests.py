"""A request for a chat completion, checked."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator.inference.fields import Fields, refused, unsupported, wrong_type
from foundry_emulator.inference.messages import conversation
from foundry_emulator.inference.questions import (
    HOTTEST,
    MOST_ANSWER_TOKENS,
    MOST_CHOICES,
    MOST_TOP_LOGPROBS,
    Question,
    Sampling,
    check_known,
    deployment_name,
    seed_of,
    stops,
)
from foundry_emulator.inference.schemas import Shape, chat_shape, check_json_is_asked_for

_TOOLS = ("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls")
_UNSUPPORTED = ("audio", "prediction", "web_search_options", "data_sources", "reasoning_effort", "verbosity")
_KNOWN = frozenset(
    {
        "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "messages", "metadata",
        "modalities", "model", "n", "presence_penalty", "prompt_cache_key", "response_format", "safety_identifier",
        "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature", "top_logprobs", "top_p",
        "user", "user_security_context", *_TOOLS, *_UNSUPPORTED,
    }
)  # fmt: skip
_SERVICE_TIERS = ("auto", "default", "priority")
_STRONGEST_PENALTY = 2
_STRONGEST_BIAS = 100


@dataclass(frozen=True)
class ChatRequest:
    """A question, and whether its answer is streamed."""

    question: Question
    stream: bool
    include_usage: bool


def parse(body: dict[str, Any]) -> ChatRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    name = deployment_name(body)
    check_known(body, _KNOWN)
    fields = Fields(body)
    _check_unsupported(fields)
    _check_ignored(fields)
    stream = fields.flag("stream")
    top_logprobs = fields.integer("top_logprobs", None, 0, MOST_TOP_LOGPROBS)
    if top_logprobs is not None and not fields.flag("logprobs"):
        raise refused("top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
    talk = conversation(body.get("messages"))
    question = Question(
        deployment=name,
        conversation=talk,
        sampling=_sampling(fields),
        most_tokens=_most_tokens(fields),
        stop=stops(body.get("stop")),
        shape=_shape(fields, talk.messages),
        logprobs=fields.flag("logprobs"),
        top_logprobs=top_logprobs or 0,
    )
    return ChatRequest(question, stream, _include_usage(fields, stream=stream))


def _sampling(fields: Fields) -> Sampling:
    return Sampling(
        n=fields.integer("n", 1, 1, MOST_CHOICES) or 1,
        temperature=fields.number("temperature", 1, 0, HOTTEST),
        top_p=fields.number("top_p", 1, 0, 1),
        seed=seed_of(fields),
    )


def _most_tokens(fields: Fields) -> int | None:
    limits = {name: fields.integer(name, None, 1) for name in ("max_tokens", "max_completion_tokens")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise refused(
            "max_tokens",
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "invalid_parameter_combination",
        )
    for name, limit in given.items():
        if limit > MOST_ANSWER_TOKENS:
            raise refused(
                name,
                f"{name} is too large: {limit}. This model supports at most {MOST_ANSWER_TOKENS}"
                f" completion tokens, whereas you provided {limit}.",
                "invalid_value",
            )
        return limit
    return None


def _shape(fields: Fields, messages: list[dict[str, Any]]) -> Shape | None:
    form = fields.fields("response_format")
    shape = chat_shape(form) if form else None
    if shape is not None and shape.schema is None:
        check_json_is_asked_for(messages)
    return shape


def _include_usage(fields: Fields, *, stream: bool) -> bool:
    options = fields.fields("stream_options")
    if options is None:
        return False
    if not stream:
        raise refused("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    unknown = sorted(set(options.values) - {"include_usage", "include_obfuscation"})
    if unknown:
        param = options.param(unknown[0][:100])
        raise refused(param, f"Unknown parameter: '{param}'.", "unknown_parameter")
    options.flag("include_obfuscation")
    return options.flag("include_usage")


def _check_unsupported(fields: Fields) -> None:
    for name in _TOOLS:
        if fields.values.get(name) not in (None, "none"):
            raise unsupported(name, f"Unsupported parameter: '{name}': this emulator calls no tools.")
    for name in _UNSUPPORTED:
        if fields.values.get(name) is not None:
            raise unsupported(name)
    if fields.flag("store"):
        raise unsupported("store", "Unsupported parameter: 'store': stored completions were retired on 2026-10-15.")
    if any(each != "text" for each in fields.texts("modalities", 2)):
        raise unsupported("modalities")


def _check_ignored(fields: Fields) -> None:
    """Check what changes no answer here."""
    for name in ("frequency_penalty", "presence_penalty"):
        fields.number(name, 0, -_STRONGEST_PENALTY, _STRONGEST_PENALTY)
    for name in ("user", "prompt_cache_key", "safety_identifier"):
        fields.text(name)
    fields.fields("user_security_context")
    fields.one_of("service_tier", _SERVICE_TIERS, "auto")
    fields.metadata()
    biases = fields.fields("logit_bias")
    for name, bias in (biases.values if biases else {}).items():
        if not name.isdecimal():
            raise refused(
                "logit_bias",
                f"Invalid key in 'logit_bias': {name[:100]}. You should only be submitting non-negative integers.",
            )
        if bias is None:
            raise wrong_type(f"logit_bias.{name[:100]}", "a decimal", bias)
        Fields({name: bias}, "logit_bias").number(name, 0, -_STRONGEST_BIAS, _STRONGEST_BIAS)
