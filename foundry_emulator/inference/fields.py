"""Reading the fields of a request, and refusing wrong ones in the service's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from foundry_emulator import errors
from foundry_emulator.errors import ServiceError
from foundry_emulator.metadata import LONGEST_KEY, LONGEST_VALUE, MOST_PAIRS

_LONGEST_SHOWN = 100


class Fields:
    """One JSON object of a request; *path* is how errors name it, "" for the request itself.

    Every reader raises ServiceError 400, with the field as its param, for a value that the service would not take. A
    field that is null counts as not given.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self.values = values
        self.path = path

    def param(self, name: str) -> str:
        """Return how errors name the field."""
        return f"{self.path}.{name}" if self.path else name

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number from *least* to *most*."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong_type(self.param(name), "a decimal", value)
        self._check_range(name, value, least, most, "decimal")
        return value

    def integer(self, name: str, default: int | None, least: int, most: int | None = None) -> int | None:
        """Return a whole number from *least* to *most*."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(self.param(name), "an integer", value)
        self._check_range(name, value, least, most, "integer")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise wrong_type(self.param(name), "a boolean", value)
        return value

    def text(self, name: str) -> str | None:
        """Return a text, None if it is not given."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong_type(self.param(name), "a string", value)
        return value

    def required_text(self, name: str) -> str:
        """Return a text that must be given."""
        value = self.text(name)
        if value is None:
            raise missing(self.param(name))
        return value

    def one_of(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return one of the *allowed* texts."""
        value = self.text(name)
        if value is None:
            return default
        if value not in allowed:
            raise wrong_value(self.param(name), value, allowed)
        return value

    def fields(self, name: str) -> Fields | None:
        """Return the fields of an object, None if it is not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise wrong_type(self.param(name), "an object", value)
        return Fields(value, self.param(name))

    def items(self, name: str, most: int) -> list[Any] | None:
        """Return a list of at most *most* values, None if it is not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise wrong_type(self.param(name), "an array", value)
        check_length(self.param(name), value, most)
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of texts, empty if it is not given."""
        values = self.items(name, most) or []
        for place, value in enumerate(values):
            if not isinstance(value, str):
                raise wrong_type(f"{self.param(name)}[{place}]", "a string", value)
        return values

    def metadata(self) -> dict[str, str]:
        """Return the pairs that the caller attaches: at most 16 texts, of 64 and 512 characters."""
        given = self.fields("metadata")
        pairs = dict(given.values) if given else {}
        if len(pairs) > MOST_PAIRS:
            raise refused(
                "metadata",
                f"Invalid 'metadata': too many properties. Expected an object with at most"
                f" {MOST_PAIRS} properties, but got {len(pairs)} instead.",
                "object_above_max_properties",
            )
        for key, value in pairs.items():
            if not isinstance(value, str):
                raise wrong_type(f"metadata.{short(key)}", "a string", value)
            if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
                raise refused(
                    "metadata",
                    f"Invalid 'metadata': keys have at most {LONGEST_KEY} characters and values"
                    f" at most {LONGEST_VALUE}.",
                    "string_above_max_length",
                )
        return pairs

    def _check_range(self, name: str, value: float, least: float, most: float | None, kind: str) -> None:
        param = self.param(name)
        if most is not None and value > most:
            raise refused(
                param,
                f"Invalid '{param}': {kind} above maximum value. Expected a value <= {most}, but got"
                f" {short(value)} instead.",
                f"{kind}_above_max_value",
            )
        if not value >= least:
            raise refused(
                param,
                f"Invalid '{param}': {kind} below minimum value. Expected a value >= {least}, but got"
                f" {short(value)} instead.",
                f"{kind}_below_min_value",
            )


def refused(param: str | None, message: str, code: str | None = None) -> ServiceError:
    """Return the refusal of a field."""
    return errors.bad_request(message, param, code)


def missing(param: str) -> ServiceError:
    return refused(param, f"Missing required parameter: '{param}'.", "missing_required_parameter")


def wrong_type(param: str, expected: str, value: Any) -> ServiceError:
    return refused(
        param, f"Invalid type for '{param}': expected {expected}, but got {_kind(value)} instead.", "invalid_type"
    )


def wrong_value(param: str, value: str, allowed: Collection[str]) -> ServiceError:
    *others, last = [f"'{each}'" for each in allowed]
    listed = f"{', '.join(others)}, and {last}" if len(others) > 1 else " and ".join([*others, last])
    return refused(param, f"Invalid value: '{short(value)}'. Supported values are: {listed}.", "invalid_value")


def unsupported(param: str, message: str | None = None) -> ServiceError:
    return refused(
        param,
        message or f"Unsupported parameter: '{param}' is not supported with this model.",
        "unsupported_parameter",
    )


def check_length(param: str, values: list[Any], most: int) -> None:
    """Return if *values* are not too many; ServiceError 400 otherwise."""
    if len(values) > most:
        raise refused(
            param,
            f"Invalid '{param}': array too long. Expected an array with maximum length {most}, but got"
            f" an array with length {len(values)} instead.",
            "array_above_max_length",
        )


def short(value: Any) -> str:
    """Return *value* as text that is not too long to be shown."""
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "an integer", float: "a decimal number", str: "a string", list: "an array"}
    return kinds.get(type(value), "an object")
