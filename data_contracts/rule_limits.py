"""What a rule's arguments may be, so that a slip in a contract never looks like bad images."""

import math
from collections.abc import Iterable, Mapping, Set
from typing import Any, get_args

from data_contracts.images import ImageFacts

LIMITS = ("min_value", "max_value")
COLUMNS = ("column", "column_A", "column_B")
NULL, BETWEEN = "expect_column_values_to_be_null", "_to_be_between"
NOT_OURS = frozenset(
    {
        "severity",
        "description",
        "id",
        "meta",
        "notes",
        "catch_exceptions",
        "result_format",
        "rendered_content",
        "windows",
    }
)
"""What Great Expectations would take as an argument, although a contract says it elsewhere or not at all."""
FORMATS = frozenset({"JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"})
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16", "I;16B"})
POSSIBLE: Mapping[str, Set[str]] = {"format": FORMATS, "mode": MODES}


def columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """The image facts that the arguments of a rule about a whole table name."""
    named = [kwargs[key] for key in COLUMNS if key in kwargs]
    listed = kwargs.get("column_list", [])
    return tuple(map(str, [*named, *(listed if isinstance(listed, list) else [listed])]))


def problem_with(
    expectation: str, kwargs: Mapping[str, Any], column: str | None, possible: Mapping[str, Set[str]] = POSSIBLE
) -> str | None:
    """Why a rule can never mean what it says; *column* is the fact that it is about, if it is about one.

    *possible* has all values of the columns that have few.
    """
    checks = (
        _expected(expectation, kwargs),
        next(
            (f"{key} holds {value}, which is no number" for key, value in _leaves(kwargs) if _not_finite(value)), None
        ),
        *(_limit(key, kwargs.get(key), column) for key in LIMITS),
        _order(kwargs),
        _choices(kwargs, column, possible) if "value_set" in kwargs else None,
    )
    return next((problem for problem in checks if problem), None)


def _expected(expectation: str, kwargs: Mapping[str, Any]) -> str | None:
    if expectation == NULL:
        return f"{NULL} lets only missing values pass, and those never do"
    misplaced = sorted(kwargs.keys() & NOT_OURS)
    if misplaced:
        return f"{misplaced[0]} is no argument here; id, severity and description stand beside the implementation"
    if expectation.endswith(BETWEEN) and all(kwargs.get(key) is None for key in (*LIMITS, "quantile_ranges")):
        return f"it has neither min_value nor max_value, only {', '.join(sorted(kwargs)) or 'nothing'}"
    return None


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


def _limit(key: str, value: object, column: str | None) -> str | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and value < 0:  # type: ignore[operator]
        return f"{key} is {value}, but no fact of an image is negative"
    if not number and value is not None and (column is None or isinstance(value, bool) or not _is_text(column)):
        return f"{key} is {value!r}, not a number"
    return None


def _order(kwargs: Mapping[str, Any]) -> str | None:
    least, most = (kwargs.get(key) for key in LIMITS)
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        return f"min_value {least} is above max_value {most}, so that no image could pass"
    return None


def _choices(kwargs: Mapping[str, Any], column: str | None, possible: Mapping[str, Set[str]]) -> str | None:
    choices = kwargs["value_set"]
    if not isinstance(choices, list) or not choices:
        return f"value_set is {choices!r}; it needs a list in brackets"
    if column is None:
        return None
    wanted: type | tuple[type, ...] = str if _is_text(column) else (int, float)
    known = possible.get(column)
    wrong = [
        choice
        for choice in choices
        if isinstance(choice, bool) or not isinstance(choice, wanted) or (known and choice not in known)
    ]
    listed = f"; known are {', '.join(sorted(known))}" if known else ""
    return f"value_set holds {wrong[0]!r}, which {column} never is{listed}" if wrong else None


def _is_text(column: str) -> bool:
    annotation = ImageFacts.model_fields[column].annotation
    return annotation is str or str in get_args(annotation)
