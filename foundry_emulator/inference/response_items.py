"""The input of a response: items, checked, and as the messages that a model reads."""

import uuid
from typing import Any

from foundry_emulator.inference.fields import Fields, check_length, missing, refused, wrong_type, wrong_value
from foundry_emulator.inference.messages import (
    MOST_MESSAGES,
    Conversation,
    ShownImage,
    checked_image,
    gathered,
)

_ROLES = ("assistant", "system", "developer", "user")
_PARTS = {"assistant": ("output_text", "refusal")}
_ASKING_PARTS = ("input_text", "input_image")
_TEXT_FIELDS = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


def checked_items(value: Any) -> list[dict[str, Any]]:
    """Return the items of an `input`, each with an id; ServiceError 400 says what is wrong with them."""
    if isinstance(value, str):
        return [_message("user", [{"type": "input_text", "text": value}], None)]
    if not isinstance(value, list):
        raise wrong_type("input", "one of a string or array of input items", value)
    if not value:
        raise refused("input", "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty"
                      " array instead.", "empty_array")  # fmt: skip
    check_length("input", value, MOST_MESSAGES)
    return [_checked(f"input[{place}]", item) for place, item in enumerate(value)]


def conversation(instructions: str | None, items: list[dict[str, Any]]) -> Conversation:
    """Return the messages that *instructions* and *items* are; ServiceError 400 if they show too many images."""
    messages: list[dict[str, Any]] = [{"role": "developer", "content": instructions}] if instructions else []
    shown: list[list[ShownImage]] = [[] for _ in messages]
    for place, item in enumerate(items):
        messages.append({"role": item["role"], "content": [_part(part) for part in item["content"]]})
        images = [
            ShownImage(part["image_url"], part["detail"], f"input[{place}].content[{number}].image_url")
            for number, part in enumerate(item["content"])
            if part["type"] == "input_image"
        ]
        shown.append(images)
    return gathered(messages, shown, "input")


def _checked(path: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise wrong_type(path, "an object", item)
    fields = Fields(item, path)
    kind = fields.one_of("type", ("message",), "message") if "type" in item else "message"
    role = fields.required_text("role")
    if role not in _ROLES:
        raise wrong_value(fields.param("role"), role, _ROLES)
    content = item.get("content")
    if content is None:
        raise missing(fields.param("content"))
    if isinstance(content, str):
        text = "output_text" if role == "assistant" else "input_text"
        return {**_message(role, [{"type": text, "text": content}], fields.text("id")), "type": kind}
    if not isinstance(content, list):
        raise wrong_type(fields.param("content"), "one of a string or array of input content parts", content)
    parts = [_checked_part(f"{fields.param('content')}[{n}]", part, role) for n, part in enumerate(content)]
    return _message(role, parts, fields.text("id"))


def _checked_part(path: str, part: Any, role: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise wrong_type(path, "an object", part)
    fields = Fields(part, path)
    kind = fields.required_text("type")
    allowed = _PARTS.get(role, _ASKING_PARTS)
    if kind not in allowed:
        raise wrong_value(fields.param("type"), kind, allowed)
    if kind != "input_image":
        return {"type": kind, _TEXT_FIELDS[kind]: fields.required_text(_TEXT_FIELDS[kind])}
    if role != "user":
        raise refused(path, f"Invalid '{path}'. Images are only allowed for messages with role 'user', but this message"
                      f" has the role '{role}'.", "invalid_value")  # fmt: skip
    if part.get("file_id") is not None:
        raise refused(fields.param("file_id"), "Images are taken from data URLs only, not from files.", "invalid_value")
    image = checked_image(fields, "image_url")
    return {"type": kind, "image_url": image.url, "detail": image.detail, "file_id": None}


def _message(role: str, content: list[dict[str, Any]], item_id: str | None) -> dict[str, Any]:
    name = item_id or f"msg_{uuid.uuid4().hex}"
    return {"id": name, "type": "message", "status": "completed", "role": role, "content": content}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part in the form of chat messages."""
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": {"url": part["image_url"], "detail": part["detail"]}}
    return {"type": "text", "text": part[_TEXT_FIELDS[part["type"]]]}
