"""A request for a response, checked."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator.inference.fields import Fields, missing, refused, short, unsupported
from foundry_emulator.inference.questions import HOTTEST, MOST_ANSWER_TOKENS, MOST_TOP_LOGPROBS
from foundry_emulator.inference.response_items import checked_items
from foundry_emulator.inference.schemas import Shape, response_shape

LEAST_ANSWER_TOKENS = 16
LOGPROBS = "message.output_text.logprobs"
_INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    LOGPROBS,
)
_UNSUPPORTED = ("conversation", "prompt", "reasoning", "context_management")
_IGNORED = (
    "max_tool_calls", "parallel_tool_calls", "prompt_cache_key", "safety_identifier", "service_tier", "stream_options",
    "tool_choice", "user",
)  # fmt: skip
_KNOWN = frozenset(
    {
        "background", "include", "input", "instructions", "max_output_tokens", "metadata", "model",
        "previous_response_id", "store", "stream", "temperature", "text", "tools", "top_logprobs", "top_p",
        "truncation",
        *_UNSUPPORTED, *_IGNORED,
    }
)  # fmt: skip
_TRUNCATIONS = ("auto", "disabled")
_VERBOSITIES = ("low", "medium", "high")
_SERVICE_TIERS = ("auto", "default", "priority", "flex")


@dataclass(frozen=True)
class ResponseRequest:
    """What was asked; *items* is the new part of the conversation, each item with an id."""

    items: list[dict[str, Any]]
    instructions: str | None
    previous: str | None
    temperature: float
    top_p: float
    most_tokens: int | None
    shape: Shape | None
    top_logprobs: int
    logprobs: bool
    truncation: str
    store: bool
    stream: bool
    metadata: dict[str, str]
    user: str | None


def parse(body: dict[str, Any]) -> ResponseRequest:
    """Return the request in *body*; ServiceError 400 says what is wrong with it."""
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise refused(unknown[0][:100], f"Unknown parameter: '{short(unknown[0])}'.", "unknown_parameter")
    fields = Fields(body)
    _check_unsupported(fields)
    _check_ignored(fields)
    if body.get("input") is None:
        raise missing("input")
    included = _included(fields)
    return ResponseRequest(
        items=checked_items(body["input"]),
        instructions=fields.text("instructions"),
        previous=fields.text("previous_response_id"),
        temperature=fields.number("temperature", 1, 0, HOTTEST),
        top_p=fields.number("top_p", 1, 0, 1),
        most_tokens=fields.integer("max_output_tokens", None, LEAST_ANSWER_TOKENS, MOST_ANSWER_TOKENS),
        shape=_shape(fields),
        top_logprobs=fields.integer("top_logprobs", 0, 0, MOST_TOP_LOGPROBS) or 0,
        logprobs=LOGPROBS in included,
        truncation=fields.one_of("truncation", _TRUNCATIONS, "disabled"),
        store=fields.flag("store", default=True),
        stream=fields.flag("stream"),
        metadata=fields.metadata(),
        user=fields.text("user"),
    )


def _included(fields: Fields) -> list[str]:
    names = fields.texts("include", len(_INCLUDABLE))
    for place in range(len(names)):
        Fields({f"include[{place}]": names[place]}).one_of(f"include[{place}]", _INCLUDABLE, "")
    return names


def _shape(fields: Fields) -> Shape | None:
    text = fields.fields("text")
    if text is None:
        return None
    text.one_of("verbosity", _VERBOSITIES, "medium")
    form = text.fields("format")
    return response_shape(form) if form else None


def _check_unsupported(fields: Fields) -> None:
    for name in _UNSUPPORTED:
        if fields.values.get(name) not in (None, {}, []):
            raise unsupported(name)
    if fields.items("tools", 128):
        raise unsupported("tools", "Unsupported parameter: 'tools': this emulator calls no tools.")
    if fields.flag("background"):
        raise unsupported("background")


def _check_ignored(fields: Fields) -> None:
    """Check what changes no answer here."""
    fields.integer("max_tool_calls", None, 1)
    fields.flag("parallel_tool_calls", default=True)
    fields.one_of("service_tier", _SERVICE_TIERS, "auto")
    for name in ("prompt_cache_key", "safety_identifier"):
        fields.text(name)
    options = fields.fields("stream_options")
    if options is not None:
        options.flag("include_obfuscation")
    if fields.values.get("tool_choice") not in (None, "auto", "none"):
        raise unsupported("tool_choice", "Unsupported parameter: 'tool_choice': this emulator calls no tools.")
