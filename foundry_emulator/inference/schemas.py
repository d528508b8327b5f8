"""The form that an answer must have: a JSON object, of any kind or as a schema says; and what schemas may say."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from foundry_emulator import tokens
from foundry_emulator.errors import ServiceError
from foundry_emulator.inference.fields import Fields, missing, refused, wrong_value

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME = 64
_MOST_PROPERTIES = 100
_MOST_LEVELS = 5
_KINDS = ("text", "json_object", "json_schema")
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_PERMITTED = frozenset(
    {
        "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "definitions", "description", "enum",
        "items", "properties", "required", "title", "type",
    }
)  # fmt: skip
Path = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """A JSON object is wanted; *schema* says which, None leaves it open; *echo* is how the caller put it."""

    schema: dict[str, Any] | None
    echo: dict[str, Any]


@dataclass(frozen=True)
class _Wording:
    """How one address names a schema in its errors."""

    name: str
    param: str
    code: str | None

    def invalid(self, problem: str) -> ServiceError:
        return refused(self.param, f"Invalid schema for response_format '{self.name}': {problem}", self.code)

    def at(self, path: Path, problem: str) -> ServiceError:
        place = f"({', '.join(repr(step) for step in path)})"
        return self.invalid(f"In context={place}, {problem}")


def chat_shape(form: Fields) -> Shape | None:
    """Return what `response_format` asks for, None for text; ServiceError 400 if it cannot be."""
    kind = form.one_of("type", _KINDS, "") or _missing_type(form)
    if kind == "json_schema":
        described = form.fields("json_schema")
        if described is None:
            raise missing(form.param("json_schema"))
        return _described(described, dict(form.values), "response_format", None)
    return Shape(None, {"type": kind}) if kind == "json_object" else None


def response_shape(form: Fields) -> Shape | None:
    """Return what `text.format` asks for, None for text; ServiceError 400 if it cannot be."""
    kind = form.one_of("type", _KINDS, "") or _missing_type(form)
    if kind == "json_schema":
        echo = {"description": None, "strict": True, **form.values}
        return _described(form, echo, form.param("schema"), "invalid_json_schema")
    return Shape(None, {"type": kind}) if kind == "json_object" else None


def check_json_is_asked_for(messages: Sequence[dict[str, Any]], param: str = "messages") -> None:
    """Return if the word JSON is in *messages*, as the service demands for json_object; ServiceError 400 otherwise."""
    if any("json" in tokens.message_text(message).lower() for message in messages):
        return
    if param == "messages":
        raise refused(
            param,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        )
    raise refused(
        param,
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
    )


def resolved(schema: Any, root: dict[str, Any]) -> Any:
    """Return what *schema* refers to, itself if it is no reference, {} if there is nothing there."""
    for _ in range(_MOST_PROPERTIES):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return {} if schema is None else schema
        schema = _referred(reference, root)
    return {}


def _missing_type(form: Fields) -> str:
    if form.values.get("type") is None:
        raise missing(form.param("type"))
    raise wrong_value(form.param("type"), "", _KINDS)


def _described(fields: Fields, echo: dict[str, Any], param: str, code: str | None) -> Shape:
    name = fields.required_text("name")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise refused(
            fields.param("name"),
            f"Invalid '{fields.param('name')}': string does not match pattern. Expected a"
            f" string of at most {_LONGEST_NAME} characters that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            "invalid_value",
        )
    fields.text("description")
    strict = fields.flag("strict", default=code is not None)
    given = fields.fields("schema")
    if given is None:
        raise missing(fields.param("schema"))
    schema = dict(given.values)
    wording = _Wording(name, param, code)
    kind = schema.get("type")
    if kind != "object":
        told = "None" if kind is None else str(kind)[:100]
        raise wording.invalid(f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{told}\"'.")
    if strict:
        _Checked(schema, wording).check()
    return Shape(schema, echo)


class _Checked:
    """One walk through a strict schema."""

    def __init__(self, schema: dict[str, Any], wording: _Wording) -> None:
        self._root = schema
        self._wording = wording
        self._properties = 0

    def check(self) -> None:
        """Return if the service would take the schema; ServiceError 400 says where not."""
        if "anyOf" in self._root:
            raise self._wording.at((), "'anyOf' is not permitted at the root.")
        self._visit(self._root, (), 1)
        for key in ("$defs", "definitions"):
            definitions = self._root.get(key, {})
            if not isinstance(definitions, dict):
                raise self._wording.at((), f"'{key}' must be an object.")
            for name, schema in definitions.items():
                self._visit(schema, (key, name), 1)

    def _visit(self, schema: Any, path: Path, level: int) -> None:
        if not isinstance(schema, dict):
            raise self._wording.at(path, f"{schema!r:.100} is not of type 'object', 'boolean'.")
        if level > _MOST_LEVELS + 1:
            raise self._wording.invalid(f"{level - 1} levels of nesting exceeds limit of {_MOST_LEVELS}.")
        for keyword in schema:
            if keyword not in _PERMITTED:
                raise self._wording.at(path, f"'{keyword[:100]}' is not permitted.")
        if "$ref" in schema:
            self._check_reference(schema, path)
            return
        if not isinstance(schema.get("properties", {}), dict):
            raise self._wording.at(path, "'properties' must be an object.")
        self._check_type(schema, path)
        for below, part, deeper in self._parts(schema, path):
            self._visit(part, below, level + deeper)

    def _check_reference(self, schema: dict[str, Any], path: Path) -> None:
        beside = set(schema) - {"$ref", "$defs", "definitions"}
        if beside:
            raise self._wording.at(path, f"$ref cannot have keywords {sorted(beside)}.")
        if not isinstance(schema["$ref"], str) or not isinstance(_referred(schema["$ref"], self._root), dict):
            raise self._wording.at(
                path, f"reference to component {schema['$ref']!r:.100} which was not found in the schema."
            )

    def _check_type(self, schema: dict[str, Any], path: Path) -> None:
        if not {"type", "anyOf", "enum", "const"} & set(schema):
            raise self._wording.at(path, "schema must have a 'type' key.")
        given = schema.get("type", [])
        types = given if isinstance(given, list) else [given]
        if any(not isinstance(each, str) or each not in _TYPES for each in types):
            raise self._wording.at(path, f"{given!r:.100} is not valid under any of the given schemas.")
        if "object" in types:
            self._check_object(schema, path)
        if "array" in types and "items" not in schema:
            raise self._wording.at(path, "array schema missing items.")
        if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
            raise self._wording.at(path, f"{schema['enum']!r:.100} should be non-empty.")

    def _check_object(self, schema: dict[str, Any], path: Path) -> None:
        if schema.get("additionalProperties") is not False:
            raise self._wording.at(path, "'additionalProperties' is required to be supplied and to be false.")
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(required, list) or any(not isinstance(name, str) for name in required):
            raise self._wording.at(path, "'required' must be an array of strings.")
        self._properties += len(properties)
        if self._properties > _MOST_PROPERTIES:
            raise self._wording.invalid(f"more than {_MOST_PROPERTIES} object properties exceeds the limit.")
        left_out = [name for name in properties if name not in required]
        if left_out:
            raise self._wording.at(
                path,
                "'required' is required to be supplied and to be an array including every key in"
                f" properties. Missing '{left_out[0][:100]}'.",
            )
        extra = [name for name in required if name not in properties]
        if extra:
            raise self._wording.at(
                path,
                "'required' is required to be supplied and to be an array including every key in"
                f" properties. Extra required key {extra[0]!r:.100} supplied.",
            )

    def _parts(self, schema: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any, int]]:
        for name, part in schema.get("properties", {}).items():
            yield (*path, "properties", name), part, 1
        if "items" in schema:
            yield (*path, "items"), schema["items"], 0
        choices = schema.get("anyOf", [])
        if not isinstance(choices, list) or ("anyOf" in schema and not choices):
            raise self._wording.at(path, "'anyOf' must be a non-empty array.")
        for place, part in enumerate(choices):
            yield (*path, "anyOf", str(place)), part, 0


def _referred(reference: str, root: dict[str, Any]) -> Any:
    found: Any = root
    if not reference.startswith("#"):
        return None
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found
