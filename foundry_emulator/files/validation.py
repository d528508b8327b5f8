"""What Azure checks in a fine-tuning file before it calls it processed."""

import codecs
from pathlib import Path
from typing import Any

from foundry_emulator.files.json_lines import LineUnreadable, parse, read_lines

LEAST_EXAMPLES = 10
MOST_EXAMPLES = 50_000
"""More image examples than that are refused."""
_IMAGE = b'"image_url"'
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_PARTS = {"text": "text", "image_url": "image_url"}
_DETAILS = frozenset({"low", "high", "auto"})
_CALLS = ("tool_calls", "function_call")


def fine_tuning_problem(path: Path) -> str | None:
    """Return why the file cannot be trained on, None if nothing is wrong with its form."""
    examples = pictured = 0
    with path.open("rb") as source:
        for line in read_lines(source):
            content = line.content.removeprefix(codecs.BOM_UTF8) if line.number == 1 else line.content
            if not content.strip():
                continue
            problem = _line_problem(content)
            if problem:
                return f"Validation of jsonl file failed: line {line.number}: {problem}"
            examples += 1
            pictured += _IMAGE in content
    return _count_problem(examples, pictured)


def _count_problem(examples: int, pictured: int) -> str | None:
    if pictured > MOST_EXAMPLES:
        return (
            f"Validation of jsonl file failed: the file has {pictured} examples with images,"
            f" at most {MOST_EXAMPLES} are allowed."
        )
    if examples == 0:
        return "Validation of jsonl file failed: No valid json line found in file."
    if examples < LEAST_EXAMPLES:
        return (
            f"Validation of jsonl file failed: the file has {examples} examples, at least {LEAST_EXAMPLES} are needed."
        )
    return None


def _line_problem(content: bytes) -> str | None:
    try:
        example = parse(content)
    except LineUnreadable as problem:
        return str(problem)
    messages = example.get("messages")
    if not isinstance(messages, list) or not messages:
        return "an example needs a list of messages."
    for name in ("tools", "functions"):
        if example.get(name) is not None and not _objects(example[name]):
            return f"the {name} of an example must be a list of objects."
    problems = (_message_problem(message) for message in messages)
    return next((problem for problem in problems if problem), None) or _answer_problem(messages)


def _message_problem(message: Any) -> str | None:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(role, str) or role not in _ROLES:
        return f"every message needs one of the roles {', '.join(sorted(_ROLES))}."
    return _fields_problem(role, message) or _content_problem(role, message)


def _fields_problem(role: str, message: dict[str, Any]) -> str | None:
    weight = message.get("weight")
    if message.get("name") is not None and not isinstance(message["name"], str):
        return "the name in a message must be text."
    if weight is not None and (role != "assistant" or isinstance(weight, bool) or weight not in (0, 1)):
        return "a weight must be 0 or 1, and only messages of the role assistant may have one."
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        return "a message of the role tool needs a tool_call_id."
    return _calls_problem(role, message)


def _calls_problem(role: str, message: dict[str, Any]) -> str | None:
    if role != "assistant" and any(message.get(name) is not None for name in _CALLS):
        return "only messages of the role assistant may have tool_calls or a function_call."
    if message.get("tool_calls") is not None and not _objects(message["tool_calls"]):
        return "the tool_calls of a message must be a list of objects."
    if message.get("function_call") is not None and not isinstance(message["function_call"], dict):
        return "the function_call of a message must be an object."
    return None


def _content_problem(role: str, message: dict[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, list) and content:
        return next((problem for part in content if (problem := _part_problem(role, part))), None)
    if content is None and role == "assistant" and any(message.get(name) for name in _CALLS):
        return None
    if not isinstance(content, str):
        return "the content of a message must be text or a list of parts."
    return None


def _part_problem(role: str, part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _PARTS:
        return "a content part must be of the type text or image_url."
    if kind == "text":
        return None if isinstance(part.get("text"), str) else "a content part of the type text needs a text."
    if role != "user":
        return f"images are not allowed in messages of the role {role}."
    image = part.get("image_url")
    if not isinstance(image, dict) or not isinstance(image.get("url"), str) or not image["url"]:
        return "a content part of the type image_url needs an image_url with a url."
    detail = image.get("detail")
    if detail is not None and (not isinstance(detail, str) or detail not in _DETAILS):
        return f"the detail of an image must be one of {', '.join(sorted(_DETAILS))}."
    return None


def _answer_problem(messages: list[dict[str, Any]]) -> str | None:
    last = messages[-1]
    if last["role"] != "assistant" or not any(last.get(name) for name in ("content", *_CALLS)):
        return "the last message must be an answer by the assistant."
    if all(message.get("weight") == 0 for message in messages if message["role"] == "assistant"):
        return "at least one message of the assistant needs a weight that is not 0."
    return None


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
