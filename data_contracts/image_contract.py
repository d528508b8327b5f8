"""The data contract of a loop: an ODCS YAML file, checked strictly and read into the terms of images."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import Field, ValidationError

from data_contracts.errors import ContractBroken
from data_contracts.images import ImageFacts
from data_contracts.record import Record

TABLE = "images"
LABEL = "label"


class ImageClass(Record):
    """One class: what the model answers for it, and under which other names it arrives."""

    name: str = Field(min_length=1)
    description: str = ""
    answer: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()


class Rule(Record):
    """One quality rule of a column, in the terms of Great Expectations."""

    id: str
    column: str
    expectation: str
    kwargs: dict[str, Any]
    description: str


class SplitRule(Record):
    """Shares of the splits and the salt that decides them; the salt never changes in a loop's life."""

    salt: str
    held_out: float = Field(gt=0, lt=1)
    validation: float = Field(ge=0, lt=1)


class ImageContract(Record):
    """What labeled images of a loop must look like."""

    id: str
    version: str
    digest: str = Field(description="SHA-256 of the YAML file's bytes.")
    classes: tuple[ImageClass, ...]
    rules: tuple[Rule, ...]
    split: SplitRule
    smallest_class: int = Field(20, ge=1, description="Images that each class needs before anything is trained.")
    group_pattern: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the contract's order."""
        return tuple(each.name for each in self.classes)

    def label_of(self, name: str) -> str | None:
        """The class that *name* means, by its own name or an alias; None when the contract has none."""
        return self._names().get(_folded(name))

    def answers(self) -> Mapping[str, str]:
        """What the model answers for each label."""
        return {each.name: each.answer for each in self.classes}

    def _names(self) -> Mapping[str, str]:
        return {_folded(name): each.name for each in self.classes for name in (*each.aliases, each.answer, each.name)}


def read_contract(content: bytes, *, name: str) -> ImageContract:
    """The contract that the YAML *content* describes; *name* is what messages call the file.

    Raises ContractBroken, with the place and the value, when the file is not YAML, violates the
    standard's JSON schema, or lacks what a loop of images needs.
    """
    document = _parse(content, name)
    _check_against_standard(document, name)
    table = _the_one_table(document, name)
    columns = {column["name"]: column for column in table.get("properties", [])}
    if LABEL not in columns:
        raise ContractBroken(f"{name}: table '{TABLE}' has no property '{LABEL}'; add it with an enum of the classes")
    custom = _custom(table)
    _check_pattern(custom.get("groupPattern"), name)
    try:
        return ImageContract(
            id=document["id"],
            version=str(document["version"]),
            digest=hashlib.sha256(content).hexdigest(),
            classes=_classes(columns[LABEL], name),
            rules=tuple(rule for column in columns.values() for rule in _rules(column, name)),
            split=custom.get("split", {}),
            smallest_class=custom.get("smallestClass", 20),
            group_pattern=custom.get("groupPattern"),
        )
    except ValidationError as error:
        raise ContractBroken(f"{name}: {_first_problem(error)}") from error


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such date, not UTF-8
        raise ContractBroken(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ContractBroken(f"{name} holds {type(document).__name__}, not a data contract")
    return document


def _check_against_standard(document: dict[str, Any], name: str) -> None:
    from jsonschema import Draft201909Validator
    from jsonschema.exceptions import best_match

    problem = best_match(Draft201909Validator(_standard()).iter_errors(document))
    if problem is not None:
        place = "/".join(str(step) for step in problem.absolute_path) or "the top level"
        raise ContractBroken(f"{name}, at {place}: {problem.message}")


@lru_cache
def _standard() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _the_one_table(document: dict[str, Any], name: str) -> dict[str, Any]:
    tables = [table for table in document.get("schema", []) if table.get("name") == TABLE]
    if len(tables) != 1:
        raise ContractBroken(f"{name} has {len(tables)} tables named '{TABLE}' under schema; it needs exactly one")
    table: dict[str, Any] = tables[0]
    return table


def _custom(element: Mapping[str, Any]) -> dict[str, Any]:
    return {each["property"]: each.get("value") for each in element.get("customProperties", [])}


def _classes(column: Mapping[str, Any], name: str) -> tuple[ImageClass, ...]:
    classes = tuple(_class(value) for value in column.get("enum", []))
    if len(classes) < 2:  # noqa: PLR2004
        raise ContractBroken(f"{name}: property '{LABEL}' lists {len(classes)} classes; a loop needs two or more")
    taken: dict[str, str] = {}
    for each in classes:
        if each.name in taken.values():
            raise ContractBroken(f"{name}: property '{LABEL}' lists the class {each.name} twice; name it once")
        for alias in {_folded(known) for known in (each.name, each.answer, *each.aliases)}:
            if taken.setdefault(alias, each.name) != each.name:
                raise ContractBroken(f"{name}: '{alias}' means both {taken[alias]} and {each.name}; name it once")
    return classes


def _class(value: Mapping[str, Any]) -> ImageClass:
    custom = _custom(value)
    return ImageClass(
        name=str(value["value"]),
        description=value.get("description", ""),
        answer=str(custom.get("answer", value["value"])),
        aliases=custom.get("aliases", ()),
    )


def _check_pattern(pattern: object, name: str) -> None:
    try:
        re.compile(pattern if isinstance(pattern, str) else "")
    except re.error as error:
        raise ContractBroken(f"{name}: groupPattern '{pattern}' is no regular expression: {error}") from error


def _rules(column: Mapping[str, Any], name: str) -> list[Rule]:
    checks = [check for check in column.get("quality", []) if check.get("engine") == "greatExpectations"]
    if checks and column["name"] not in ImageFacts.model_fields:
        known = ", ".join(ImageFacts.model_fields)
        raise ContractBroken(f"{name}: there is no image fact '{column['name']}' to check; known are {known}")
    return [_rule(column["name"], check, name) for check in checks]


def _rule(column: str, check: Mapping[str, Any], name: str) -> Rule:
    implementation = check.get("implementation")
    if not isinstance(implementation, dict) or "type" not in implementation:
        raise ContractBroken(f"{name}: rule '{check.get('id')}' of '{column}' has no implementation with a type")
    unknown = sorted(map(str, implementation.keys() - {"type", "kwargs"}))
    if unknown:
        raise ContractBroken(f"{name}: rule '{check.get('id')}' of '{column}' has an unknown key '{unknown[0]}'")
    return Rule(
        id=str(check.get("id") or implementation["type"]),
        column=column,
        expectation=implementation["type"],
        kwargs=implementation.get("kwargs", {}),
        description=check.get("description", ""),
    )


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
