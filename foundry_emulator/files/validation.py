"""What Azure checks in a fine-tuning file before it calls it processed."""

import codecs
import json
from pathlib import Path
from typing import Any

LEAST_EXAMPLES = 10
MOST_EXAMPLES = 50_000
"""More image examples than that are refused."""
_IMAGE = b'"image_url"'
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def fine_tuning_problem(path: Path) -> str | None:
    """Return why the file cannot be trained on, None if nothing is wrong with its form."""
    examples = pictured = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not content.strip():
                continue
            problem = _line_problem(content)
            if problem:
                return f"Validation of jsonl file failed: line {number}: {problem}"
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


def _line_problem(line: bytes) -> str | None:
    try:
        parsed = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "the text is not UTF-8."
    except (json.JSONDecodeError, RecursionError):
        return "the line is not valid JSON."
    messages = parsed.get("messages") if isinstance(parsed, dict) else None
    if not isinstance(messages, list) or not messages:
        return "an example needs a list of messages."
    problems = (_message_problem(message) for message in messages)
    return next((problem for problem in problems if problem), None) or _answer_problem(messages)


def _message_problem(message: Any) -> str | None:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return f"every message needs one of the roles {', '.join(sorted(_ROLES))}."
    content = message.get("content")
    if isinstance(content, list):
        return _parts_problem(message["role"], content)
    if not isinstance(content, str) and not (content is None and message["role"] == "assistant"):
        return "the content of a message must be text or a list of parts."
    return None


def _parts_problem(role: str, parts: list[Any]) -> str | None:
    if not all(isinstance(part, dict) and part.get("type") in ("text", "image_url") for part in parts):
        return "a content part must be of the type text or image_url."
    if role != "user" and any(part["type"] == "image_url" for part in parts):
        return f"images are not allowed in messages of the role {role}."
    return None


def _answer_problem(messages: list[dict[str, Any]]) -> str | None:
    last = messages[-1]
    if last["role"] != "assistant" or not last.get("content"):
        return "the last message must be an answer by the assistant."
    return None
