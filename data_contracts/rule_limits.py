"""What a rule's arguments may be, so that a slip in a contract never looks like bad images."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from data_contracts.images import ImageFacts

LIMITS = ("min_value", "max_value")
COLUMNS = ("column", "column_A", "column_B")
FORMATS = frozenset({"JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"})
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"})
POSSIBLE = {"format": FORMATS, "mode": MODES}


def columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """The image facts that the arguments of a rule about a whole table name."""
    named = [kwargs[key] for key in COLUMNS if key in kwargs]
    listed = kwargs.get("column_list", [])
    return tuple(map(str, [*named, *(listed if isinstance(listed, list) else [listed])]))


def problem_with(kwargs: Mapping[str, Any], column: str | None) -> str | None:
    """Why a rule with *kwargs*, about single values of *column* if it is one, can never mean what it says."""
    return (
        next((f"{key} holds {value}, which is no number" for key, value in _leaves(kwargs) if _not_finite(value)), None)
        or next((problem for problem in (_limit(key, kwargs.get(key)) for key in LIMITS) if problem), None)
        or _order(kwargs)
        or _choices(kwargs, column)
    )


def _leaves(value: object, key: str = "") -> Iterable[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _limit(key: str, value: object) -> str | None:
    if isinstance(value, bool):
        return f"{key} is {value}, not a number"
    if isinstance(value, int | float) and value < 0:
        return f"{key} is {value}, but no fact of an image is negative"
    return None


def _order(kwargs: Mapping[str, Any]) -> str | None:
    least, most = (kwargs.get(key) for key in LIMITS)
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        return f"min_value {least} is above max_value {most}, so that no image could pass"
    return None


def _choices(kwargs: Mapping[str, Any], column: str | None) -> str | None:
    choices = kwargs.get("value_set")
    if "value_set" not in kwargs:
        return None
    if not isinstance(choices, list) or not choices:
        return f"value_set is {choices!r}; it needs a list in brackets"
    wanted: tuple[type, ...] = (str,) if column is None or _is_text(column) else (int, float)
    wrong = [choice for choice in choices if column and (isinstance(choice, bool) or not isinstance(choice, wanted))]
    if wrong:
        return f"value_set holds {wrong[0]!r}, which {column} never is"
    impossible = sorted(set(choices) - POSSIBLE[column]) if column in POSSIBLE else []
    known = ", ".join(sorted(POSSIBLE.get(column or "", ())))
    return f"value_set holds '{impossible[0]}', which {column} never is; known are {known}" if impossible else None


def _is_text(column: str) -> bool:
    annotation = ImageFacts.model_fields[column].annotation
    return annotation is str or str in get_args(annotation)
