"""The messages of a chat, checked: roles, parts, images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundry_emulator.errors import ServiceError
from foundry_emulator.inference.fields import Fields, check_length, missing, refused, wrong_type, wrong_value

MOST_IMAGES = 50
MOST_MESSAGES = 2_048
DETAILS = ("low", "high", "auto")
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_TEXT_ONLY = ("text",)
_PARTS = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}
_ANSWERING_TOOLS = frozenset({"tool", "function"})


@dataclass(frozen=True)
class ShownImage:
    """An image of a request: its address, how closely to look, and how errors name it."""

    url: str
    detail: str
    param: str


@dataclass(frozen=True)
class Conversation:
    """Messages in the chat form; the last *asked_images* of the images are those the question is about."""

    messages: list[dict[str, Any]]
    images: list[ShownImage]
    asked_images: int


def conversation(value: Any) -> Conversation:
    """Return the `messages` of a request, checked; ServiceError 400 says what is wrong with them."""
    if value is None:
        raise missing("messages")
    if not isinstance(value, list):
        raise wrong_type("messages", "an array of objects", value)
    if not value:
        raise _empty("messages")
    check_length("messages", value, MOST_MESSAGES)
    shown = [list(_checked(place, message)) for place, message in enumerate(value)]
    _check_tools(value)
    return gathered(value, shown, "messages")


def gathered(messages: list[dict[str, Any]], shown: list[list[ShownImage]], param: str) -> Conversation:
    """Return *messages* with the images that each has *shown*; ServiceError 400 if there are too many."""
    images = [image for each in shown for image in each]
    if len(images) > MOST_IMAGES:
        raise refused(param, f"Too many images in request. Maximum is {MOST_IMAGES}, but got {len(images)}.")
    return Conversation(messages, images, next((len(each) for each in reversed(shown) if each), 0))


def checked_image(fields: Fields, name: str) -> ShownImage:
    """Return the image whose address is the field *name*."""
    detail = fields.one_of("detail", DETAILS, "auto")
    return ShownImage(fields.required_text(name), detail, fields.param(name))


def _checked(place: int, message: Any) -> Iterator[ShownImage]:
    path = f"messages[{place}]"
    if not isinstance(message, dict):
        raise wrong_type(path, "an object", message)
    fields = Fields(message, path)
    role = fields.required_text("role")
    if role not in _ROLES:
        raise wrong_value(fields.param("role"), role, _ROLES)
    fields.text("name")
    content = message.get("content")
    if content is None and not (role == "assistant" and _says_otherwise(fields)):
        raise (
            wrong_type(fields.param("content"), "a string", None)
            if "content" in message
            else missing(fields.param("content"))
        )
    if role == "tool":
        fields.required_text("tool_call_id")
    if isinstance(content, list):
        yield from _parts(fields.param("content"), content, role)
    elif content is not None and not isinstance(content, str):
        raise wrong_type(fields.param("content"), "one of a string or array of objects", content)


def _says_otherwise(fields: Fields) -> bool:
    """Tell whether an assistant's message has something in the place of content."""
    tools = fields.items("tool_calls", 128)
    return bool(tools or fields.fields("function_call") or fields.text("refusal"))


def _parts(path: str, parts: list[Any], role: str) -> Iterator[ShownImage]:
    if not parts:
        raise _empty(path)
    for place, part in enumerate(parts):
        if not isinstance(part, dict):
            raise wrong_type(f"{path}[{place}]", "an object", part)
        fields = Fields(part, f"{path}[{place}]")
        kind = fields.required_text("type")
        _check_kind(path, fields, kind, role)
        if kind != "image_url":
            fields.required_text(kind)
            continue
        image = fields.fields("image_url")
        if image is None:
            raise missing(fields.param("image_url"))
        yield checked_image(image, "url")


def _check_kind(path: str, part: Fields, kind: str, role: str) -> None:
    """Return if a message of *role* may have a part of this *kind*; ServiceError 400 if not."""
    if kind == "image_url" and role != "user":
        message = path.removesuffix(".content")
        raise refused(
            message,
            f"Invalid '{message}'. Image URLs are only allowed for messages with role 'user', but"
            f" this message with role '{role}' contains an image URL.",
            "invalid_value",
        )
    allowed = _PARTS.get(role, _TEXT_ONLY)
    if kind not in allowed:
        raise wrong_value(part.param("type"), kind, allowed)


def _empty(path: str) -> ServiceError:
    return refused(
        path,
        f"Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        "empty_array",
    )


def _check_tools(messages: list[dict[str, Any]]) -> None:
    called = False
    for place, message in enumerate(messages):
        if message["role"] == "tool" and not called:
            raise refused(
                f"messages[{place}].role",
                "Invalid parameter: messages with role 'tool' must be a response to"
                " a preceeding message with 'tool_calls'.",
            )
        called = bool(message.get("tool_calls")) or (called and message["role"] in _ANSWERING_TOOLS)
