"""Small words for JSON schemas that say which fields an object has."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WORDS: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
MOMENT: Schema = {"type": "integer", "minimum": 1_000_000_000, "maximum": 9_999_999_999}
ISO: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$"}
HEX = "[0-9a-f]{32}"
BASE = r"gpt-[a-z0-9.-]+?-\d{4}-\d{2}-\d{2}"
FINE_TUNED = rf"{BASE}\.ft-{HEX}(-[A-Za-z0-9_-]{{1,40}})?"


def named(*values: str) -> Schema:
    return {"enum": list(values)}


def shaped(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$"}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema, *, most: int | None = None) -> Schema:
    return {"type": "array", "items": schema, **({"maxItems": most} if most is not None else {})}


def map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def fields(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the shape of an object that has the *required* fields, perhaps *optional* ones, and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


ID = {kind: shaped(f"{kind}-{HEX}") for kind in ("file", "ftjob", "ftevent", "ftchkpt", "chatcmpl")}
MODEL_NAME = shaped(f"{BASE}|{FINE_TUNED}(:ckpt-step-\\d+)?|ftchkpt-{HEX}")


def page_of(schema: Schema, *, ends: bool = False, more: bool = True) -> Schema:
    """Return the shape of a list of *schema* that tells whether there is *more*, and its *ends*."""
    listed = {"object": named("list"), "data": list_of(schema)}
    extra = {"has_more": FLAG} if more else {}
    return fields({**listed, **extra, **({"first_id": or_null(TEXT), "last_id": or_null(TEXT)} if ends else {})})
