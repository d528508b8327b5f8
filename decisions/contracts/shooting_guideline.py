"""The shooting guideline of a data contract: its rules and classes in plain words, for the person with the camera."""

from collections.abc import Mapping
from typing import Any

from data_contracts.image_contract import ImageClass, ImageContract, Rule
from data_contracts.record import Record

WORDS: Mapping[str, tuple[str, str]] = {
    "format": ("File format", ""),
    "mode": ("Colours of the file", "L is grey, RGB is colour"),
    "bytes": ("File size", ""),
    "width": ("Width", ""),
    "height": ("Height", ""),
    "aspect": ("Width over height", "1 is a square"),
    "frames": ("Pictures in a file", ""),
    "camera": ("Camera", "maker and model, as the file says"),
    "taken_at": ("Date and time", "as the file says"),
    "file": ("File name", ""),
    "brightness": ("Brightness", "0 is black, 1 is white"),
    "contrast": ("Contrast", "0 is one grey all over, 0.5 is half black, half white"),
    "sharpness": ("Sharpness", "a blurred picture has a low number"),
    "entropy": ("Variety of greys", "0 is one grey all over, 8 is every grey alike"),
    "edge_density": ("Edges", "share of the picture that lies on an edge"),
    "saturation": ("Strength of colour", "0 is grey, 1 is pure colour"),
    "evenness": ("Evenness of the light", "1 is even, 0 has a black corner or a spot of light"),
}
"""Facts of an image as a photographer calls them, and how to read their number."""
PIXELS = frozenset({"width", "height"})
MEGABYTE = 1_000_000
VALUES = "expect_column_values_to_"
BETWEEN = "_to_be_between"


class Advice(Record):
    """One thing to look after."""

    what: str
    needed: str
    reading: str
    hint: str
    must: bool


class ClassShown(Record):
    """One class that an image may show."""

    name: str
    description: str
    other_names: tuple[str, ...]


class ShootingGuideline(Record):
    """One page for the person with the camera."""

    contract: str
    version: str
    owner: str | None
    classes: tuple[ClassShown, ...]
    retired: tuple[str, ...]
    images: tuple[Advice, ...]
    batches: tuple[Advice, ...]
    smallest_class: int


def shooting_guideline(contract: ImageContract) -> ShootingGuideline:
    """The guideline that follows from the *contract*, in the order of its rules."""
    return ShootingGuideline(
        contract=contract.id,
        version=contract.version,
        owner=contract.owner,
        classes=tuple(
            ClassShown(name=each.name, description=each.description, other_names=each.aliases)
            for each in contract.asked
        ),
        retired=tuple(_retired(each) for each in contract.classes if each.retired),
        images=tuple(_advice(rule) for rule in contract.rules if rule.column is not None),
        batches=tuple(_advice(rule) for rule in contract.rules if rule.column is None),
        smallest_class=contract.smallest_class,
    )


def _retired(each: ImageClass) -> str:
    heirs = each.split_into or ((each.successor,) if each.successor else ())
    return f"{each.name}, now {' or '.join(heirs)}" if heirs else each.name


def _advice(rule: Rule) -> Advice:
    column = rule.column or str(rule.kwargs.get("column", ""))
    what, reading = WORDS.get(column, (column.replace("_", " ").capitalize() or "Batch", ""))
    return Advice(
        what=what, needed=_needed(rule, column), reading=reading, hint=rule.description, must=rule.severity == "error"
    )


def _needed(rule: Rule, column: str) -> str:
    """What the rule asks for; an expectation without words of ours is told by its own name and terms."""
    mostly = rule.kwargs.get("mostly")
    share = f", in at least {mostly:.0%} of the images" if isinstance(mostly, int | float) and mostly < 1 else ""
    return f"{_asked(rule, column)}{share}"


def _asked(rule: Rule, column: str) -> str:
    values = rule.kwargs.get("value_set")
    if rule.expectation == f"{VALUES}be_in_set" and isinstance(values, list):
        return " or ".join(map(str, values))
    if rule.expectation == f"{VALUES}not_be_in_set" and isinstance(values, list):
        return f"not {' or '.join(map(str, values))}"
    if rule.expectation == f"{VALUES}be_between" or (rule.column is None and rule.expectation.endswith(BETWEEN)):
        return f"{_measure(rule.expectation)}{_range(rule.kwargs, column)}"
    return _in_its_own_words(rule)


def _measure(expectation: str) -> str:
    """What of a whole batch is between limits, such as the mean; nothing for single values."""
    if expectation == f"{VALUES}be_between":
        return ""
    middle = expectation.removeprefix("expect_").removeprefix("column_").removesuffix(BETWEEN)
    return "number of images " if middle == "table_row_count" else f"{middle.replace('_', ' ')} "


def _range(kwargs: Mapping[str, Any], column: str) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    least = "above" if kwargs.get("strict_min") else "at least"
    most = "below" if kwargs.get("strict_max") else "at most"
    if low is not None and low == high:
        return f"exactly {_amount(low, column)}"
    limits = [f"{word} {_amount(limit, column)}" for word, limit in ((least, low), (most, high)) if limit is not None]
    return " and ".join(limits) or "any number"


def _amount(value: object, column: str) -> str:
    if column == "bytes" and isinstance(value, int | float):
        return f"{value / MEGABYTE:.3g} MB"
    number = f"{value:.10g}" if isinstance(value, int | float) else str(value)
    return f"{number} pixels" if column in PIXELS else number


def _in_its_own_words(rule: Rule) -> str:
    name = rule.expectation.removeprefix(VALUES).removeprefix("expect_").replace("_", " ")
    terms = [
        f"{key.replace('_', ' ')} {value}" for key, value in rule.kwargs.items() if key not in {"mostly", "column"}
    ]
    return f"{name} ({', '.join(terms)})" if terms else name
