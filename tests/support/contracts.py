"""The shipped contract with changes, for tests that only say what is different."""

from collections.abc import Callable
from importlib import resources
from typing import Any

import yaml

from data_contracts.contract_file import read_contract
from data_contracts.image_contract import ImageContract

SHIPPED = resources.files("data_contracts").joinpath("steel_surface.odcs.yaml").read_bytes()
Document = dict[str, Any]
Change = Callable[[Document], object]


def read_changed(*changes: Change) -> ImageContract:
    """The shipped contract, changed and read."""
    return read_contract(changed(*changes), name="loop.odcs.yaml")


def changed(*changes: Change) -> bytes:
    """The shipped contract's YAML, changed."""
    document = yaml.safe_load(SHIPPED)
    for change in changes:
        change(document)
    return yaml.safe_dump(document, sort_keys=False).encode()


def table(document: Document) -> Document:
    """The table of images."""
    return document["schema"][0]  # type: ignore[no-any-return]


def column(document: Document, name: str) -> Document:
    """One of its properties."""
    return next(each for each in table(document)["properties"] if each["name"] == name)


def with_class(name: str, **custom: object) -> Change:
    """Give a class custom properties; one that the contract lacks is added."""

    def change(document: Document) -> None:
        classes = column(document, "label")["enum"]
        found = next((each for each in classes if each["value"] == name), None)
        if found is None:
            found = {"value": name}
            classes.append(found)
        found["customProperties"] = [{"property": key, "value": value} for key, value in custom.items()]

    return change


def with_custom(name: str, value: object) -> Change:
    """Give the table of images a custom property, in place of one that it has."""

    def change(document: Document) -> None:
        others = [each for each in table(document)["customProperties"] if each["property"] != name]
        table(document)["customProperties"] = [*others, {"property": name, "value": value}]

    return change


def with_rule(
    place: str | None, expectation: str, /, *, severity: str | None = None, name: str = "own", **kwargs: object
) -> Change:
    """Give a column, or without one the table of images, a rule."""

    def change(document: Document) -> None:
        found = table(document) if place is None else _column(document, place)
        check = {
            "id": name,
            "type": "custom",
            "engine": "greatExpectations",
            "description": "Mend it.",
            "implementation": {"type": expectation, "kwargs": kwargs},
        }
        found.setdefault("quality", []).append(check | ({"severity": severity} if severity else {}))

    return change


def _column(document: Document, name: str) -> Document:
    columns = table(document)["properties"]
    if all(each["name"] != name for each in columns):
        columns.append({"name": name, "logicalType": "string"})
    return column(document, name)


def with_owner(name: str) -> Change:
    """Give the contract an owner."""
    return lambda document: document.update(team={"name": "steel", "members": [{"username": name, "role": "owner"}]})


def with_freshness(value: object, unit: str = "d") -> Change:
    """Let the contract promise new images so often."""
    return lambda document: document.update(slaProperties=[{"property": "freshness", "value": value, "unit": unit}])


def with_version(version: str) -> Change:
    """Give the contract another version."""
    return lambda document: document.update(version=version)


def silent(document: Document) -> None:
    """Let nothing be warned of, and nothing be said of a batch as a whole."""
    for each in table(document)["properties"]:
        each["quality"] = [rule for rule in each.get("quality", []) if rule.get("severity") != "warning"]
    table(document).pop("quality", None)
    table(document)["customProperties"] = [
        each for each in table(document)["customProperties"] if each["property"] != "balance"
    ]
