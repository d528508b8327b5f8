"""The fields of answers by deployed models: batches, chat completions, responses."""

from tests.foundry_emulator.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    NULL,
    NUMBER,
    TEXT,
    WORDS,
    Schema,
    fields,
    list_of,
    map_of,
    named,
    or_null,
    shaped,
)

# batches

_FILE_OR_NONE: Schema = {"anyOf": [ID["file"], {"const": ""}]}
_BATCH_PROBLEM = fields({"code": WORDS, "message": WORDS}, {"line": or_null(COUNT), "param": or_null(TEXT)})
_BATCH_PROBLEMS = fields({"object": named("list"), "data": list_of(_BATCH_PROBLEM)})
_PASSED = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def _batch(status: str, *passed: str, sometimes: str = "", more: dict[str, Schema] | None = None) -> Schema:
    """Return the shape of a batch in a status, which has *passed* through others; the moments of the rest are null."""
    moments = {name: MOMENT if name in passed else or_null(MOMENT) if name == sometimes else NULL for name in _PASSED}
    return fields(
        {
            "id": shaped("batch_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            "object": named("batch"),
            "endpoint": named("/v1/chat/completions", "/v1/responses"),
            "completion_window": named("24h"),
            "created_at": MOMENT,
            "expires_at": MOMENT,
            "input_file_id": ID["file"],
            "status": named(status),
            "output_file_id": named(""),
            "error_file_id": named(""),
            "errors": NULL,
            "request_counts": fields({"total": COUNT, "completed": COUNT, "failed": COUNT}),
            "metadata": or_null(map_of(TEXT)),
            **{f"{name}_at": schema for name, schema in moments.items()},
            **(more or {}),
        }
    )


_BOTH_FILES = dict.fromkeys(("output_file_id", "error_file_id"), ID["file"])
_PERHAPS_FILES = dict.fromkeys(("output_file_id", "error_file_id"), _FILE_OR_NONE)
BATCHES = {
    "validating": _batch("validating"),
    "failed": _batch("failed", "failed", more={"errors": _BATCH_PROBLEMS}),
    "in_progress": _batch("in_progress", "in_progress"),
    "finalizing": _batch("finalizing", "in_progress", "finalizing", more=_PERHAPS_FILES),
    "completed": _batch("completed", "in_progress", "finalizing", "completed", more=_BOTH_FILES),
    "cancelling": _batch("cancelling", "cancelling", sometimes="in_progress", more=_PERHAPS_FILES),
    "cancelled": _batch("cancelled", "cancelling", "cancelled", sometimes="in_progress", more=_PERHAPS_FILES),
}
BATCH: Schema = {"oneOf": list(BATCHES.values())}


def batch_line(body: Schema, status: int) -> Schema:
    """Return the shape of a line in the output or error file of a batch, whose request was answered with *body*."""
    response = fields({"status_code": {"const": status}, "request_id": WORDS, "body": body})
    return fields({"custom_id": WORDS, "response": response, "error": NULL}, {"id": WORDS})


# inference

SEVERITY = fields({"filtered": FLAG, "severity": named("safe", "low", "medium", "high")})
DETECTED = fields({"filtered": FLAG, "detected": FLAG})
_HARMS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SEVERITY)
_PROTECTED = dict.fromkeys(("protected_material_text", "protected_material_code"), DETECTED)
OUTPUT_FILTER = fields({}, {**_HARMS, **_PROTECTED})
INPUT_FILTER = fields({}, {**_HARMS, "jailbreak": DETECTED, "indirect_attack": DETECTED})
_LOGPROB = {"token": TEXT, "logprob": {"type": "number", "maximum": 0.000001}, "bytes": or_null(list_of(COUNT))}
LOGPROB = fields({**_LOGPROB, "top_logprobs": list_of(fields(_LOGPROB), most=20)})
CHAT_COMPLETION = fields(
    {
        "id": shaped("chatcmpl-[A-Za-z0-9]+"),
        "object": named("chat.completion"),
        "created": MOMENT,
        "model": WORDS,
        "choices": list_of(
            fields(
                {
                    "index": COUNT,
                    "finish_reason": named("stop", "length", "content_filter", "tool_calls"),
                    "message": fields(
                        {"role": named("assistant"), "content": or_null(TEXT)},
                        {"refusal": or_null(TEXT), "annotations": list_of({"type": "object"})},
                    ),
                    "logprobs": or_null(
                        fields({"content": or_null(list_of(LOGPROB)), "refusal": or_null(list_of(LOGPROB))})
                    ),
                    "content_filter_results": OUTPUT_FILTER,
                }
            )
        ),
        "usage": fields(
            {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT},
            {"prompt_tokens_details": map_of(COUNT), "completion_tokens_details": map_of(COUNT)},
        ),
        "prompt_filter_results": list_of(fields({"prompt_index": COUNT, "content_filter_results": INPUT_FILTER})),
    },
    {"system_fingerprint": or_null(TEXT), "service_tier": or_null(TEXT)},
)
PROMPT_RESULTS = list_of(fields({"prompt_index": COUNT, "content_filter_results": INPUT_FILTER}))
_LOGPROBS = fields({"content": or_null(list_of(LOGPROB)), "refusal": or_null(list_of(LOGPROB))})
_DELTA = fields({}, {"role": named("assistant"), "content": or_null(TEXT), "refusal": or_null(TEXT)})
_PIECE = fields(
    {
        "index": COUNT,
        "delta": _DELTA,
        "finish_reason": or_null(named("stop", "length", "content_filter", "tool_calls")),
        "logprobs": or_null(_LOGPROBS),
        "content_filter_results": OUTPUT_FILTER,
    }
)
# the first chunk tells only what the filter found in the prompt
FIRST_CHUNK = fields(
    {
        **dict.fromkeys(("id", "model", "object"), named("")),
        "choices": list_of(_PIECE, most=0),
        "created": {"const": 0},
        "prompt_filter_results": PROMPT_RESULTS,
    },
    {"usage": {"type": "null"}},
)
CHAT_CHUNK = fields(
    {
        "id": shaped("chatcmpl-[A-Za-z0-9]+"),
        "object": named("chat.completion.chunk"),
        "created": MOMENT,
        "model": WORDS,
        "choices": list_of(_PIECE, most=1),
    },
    {
        "system_fingerprint": or_null(TEXT),
        "service_tier": or_null(TEXT),
        "usage": or_null(CHAT_COMPLETION["properties"]["usage"]),
    },
)
OUTPUT_MESSAGE = fields(
    {
        "id": shaped("msg_[A-Za-z0-9]+"),
        "type": named("message"),
        "role": named("assistant"),
        "status": named("completed", "incomplete", "in_progress"),
        "content": list_of(
            fields(
                {"type": named("output_text"), "text": TEXT, "annotations": list_of({"type": "object"})},
                {"logprobs": or_null(list_of(LOGPROB))},
            )
        ),
    }
)
RESPONSE = fields(
    {
        "id": shaped("resp_[A-Za-z0-9]+"),
        "object": named("response"),
        "created_at": MOMENT,
        "status": named("completed", "incomplete", "failed", "in_progress"),
        "model": WORDS,
        "output": list_of(OUTPUT_MESSAGE),
        "parallel_tool_calls": FLAG,
        "tool_choice": {"type": ["string", "object"]},
        "tools": list_of({"type": "object"}),
        "usage": or_null(
            fields(
                {
                    "input_tokens": COUNT,
                    "input_tokens_details": map_of(COUNT),
                    "output_tokens": COUNT,
                    "output_tokens_details": map_of(COUNT),
                    "total_tokens": COUNT,
                }
            )
        ),
    },
    {
        "error": or_null(fields({"code": WORDS, "message": WORDS})),
        "incomplete_details": or_null(fields({"reason": WORDS})),
        "instructions": or_null({"type": ["string", "array"]}),
        "metadata": or_null(map_of(TEXT)),
        "temperature": or_null(NUMBER),
        "top_p": or_null(NUMBER),
        "max_output_tokens": or_null(COUNT),
        "max_tool_calls": or_null(COUNT),
        "previous_response_id": or_null(TEXT),
        "reasoning": or_null({"type": "object"}),
        "text": {"type": "object"},
        "top_logprobs": or_null(COUNT),
        "truncation": or_null(named("auto", "disabled")),
        "user": or_null(TEXT),
        "store": FLAG,
        "background": or_null(FLAG),
        "completed_at": or_null(MOMENT),
        "service_tier": or_null(TEXT),
        "safety_identifier": or_null(TEXT),
        "prompt_cache_key": or_null(TEXT),
        "content_filters": list_of({"type": "object"}),
    },
)
RESPONSE_DELETED = fields({"id": shaped("resp_[A-Za-z0-9]+"), "object": named("response"), "deleted": {"const": True}})
_INPUT_PART = {
    "anyOf": [
        fields({"type": named("input_text"), "text": TEXT}),
        fields({"type": named("input_image"), "image_url": or_null(TEXT), "detail": TEXT}, {"file_id": or_null(TEXT)}),
        fields({"type": named("output_text"), "text": TEXT}, {"annotations": list_of({}), "logprobs": list_of({})}),
        fields({"type": named("refusal"), "refusal": TEXT}),
    ]
}
INPUT_ITEM = fields(
    {
        "id": WORDS,
        "type": named("message"),
        "role": named("user", "assistant", "system", "developer"),
        "status": named("completed", "incomplete"),
        "content": list_of(_INPUT_PART),
    }
)
_PART = OUTPUT_MESSAGE["properties"]["content"]["items"]
_IN_MESSAGE = {"item_id": shaped("msg_[A-Za-z0-9]+"), "output_index": COUNT, "content_index": COUNT}
_IN_OUTPUT = {"output_index": COUNT, "item": OUTPUT_MESSAGE}
_WITH_PART = {**_IN_MESSAGE, "part": _PART}
_WHOLE = {"response": RESPONSE}
_EVENTS = {
    **dict.fromkeys(("created", "in_progress", "completed", "incomplete"), _WHOLE),
    **dict.fromkeys(("output_item.added", "output_item.done"), _IN_OUTPUT),
    **dict.fromkeys(("content_part.added", "content_part.done"), _WITH_PART),
    "output_text.delta": {**_IN_MESSAGE, "delta": TEXT, "logprobs": list_of(LOGPROB)},
    "output_text.done": {**_IN_MESSAGE, "text": TEXT, "logprobs": list_of(LOGPROB)},
}
RESPONSE_EVENTS = {
    f"response.{name}": fields({"type": named(f"response.{name}"), "sequence_number": COUNT, **told})
    for name, told in _EVENTS.items()
}
