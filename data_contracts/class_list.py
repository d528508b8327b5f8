"""The classes of a data contract as its YAML lists them, checked one by one and against each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageClass
from data_contracts.names import as_read, folded

OF_CLASS = {
    "aliases": "aliases",
    "answer": "answer",
    "flips": "flips",
    "parent": "parent",
    "retired": "retired",
    "successor": "successor",
    "splitInto": "split_into",
}
"""Custom properties of a class, and the field that each fills."""
FEWEST = 2


def read_classes(values: Sequence[Mapping[str, Any]], name: str) -> tuple[ImageClass, ...]:
    """The classes in *values*, the enum of the property `label` in the file that messages call *name*.

    Raises ContractBroken for fewer than two classes to answer, a name that means two of them, and a successor, split or
    parent that leads nowhere.
    """
    classes = tuple(_class(value, name) for value in values)
    asked = [each for each in classes if not each.retired]
    if len(asked) < FEWEST:
        raise ContractBroken(f"{name}: property 'label' lists {len(asked)} classes; a loop needs two or more")
    _check_names(classes, name)
    _check_answers(asked, name)
    known = {each.name: each for each in classes}
    for each in classes:
        problem = _broken_heir(each, known) or _broken_parent(each, known)
        if problem:
            raise ContractBroken(f"{name}: class '{each.name}' {problem}")
    return classes


def _class(value: Mapping[str, Any], name: str) -> ImageClass:
    given = _custom(value, name)
    called = value["value"]
    if isinstance(called, bool) or not isinstance(called, str | int):
        raise ContractBroken(f"{name}: the class {called!r} is no text; write its name in quotes")
    fields = {field: given[key] for key, field in OF_CLASS.items() if key in given}
    try:
        return ImageClass(
            **{"name": str(called), "description": value.get("description", ""), "answer": str(called), **fields}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        at = f" {place}:" if place else ""
        raise ContractBroken(f"{name}: class '{called}':{at} {first['msg']}") from error


def _custom(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for each in value.get("customProperties", []):
        key = each["property"]
        if key not in OF_CLASS:
            known = ", ".join(sorted(OF_CLASS))
            raise ContractBroken(f"{name}: there is no customProperty '{key}' here; known are {known}")
        if key in given:
            raise ContractBroken(f"{name}: class '{value['value']}' has the customProperty '{key}' twice")
        given[key] = each["value"]
    return given


def _check_names(classes: Sequence[ImageClass], name: str) -> None:
    taken: dict[str, str] = {}
    for each in classes:
        if each.name in taken.values():
            raise ContractBroken(f"{name}: property 'label' lists the class {each.name} twice; name it once")
        for alias in sorted({folded(known) for known in (each.name, each.answer, *each.aliases)}):
            if not alias:
                raise ContractBroken(f"{name}: class '{each.name}' has a name, answer or alias without a letter")
            if taken.setdefault(alias, each.name) != each.name:
                raise ContractBroken(f"{name}: '{alias}' means both {taken[alias]} and {each.name}; name it once")


def _check_answers(asked: Sequence[ImageClass], name: str) -> None:
    """Answers are read more loosely than names: each must still tell its class from the others."""
    taken: dict[str, str] = {}
    for each in asked:
        for said in (each.name, each.answer):
            read = as_read(said)
            if not read:
                raise ContractBroken(f"{name}: '{said}' of class '{each.name}' is read as no answer; add a letter")
            if taken.setdefault(read, each.name) != each.name:
                other = taken[read]
                raise ContractBroken(f"{name}: an answer '{said}' is read as both {other} and {each.name}; rename one")


def _broken_heir(each: ImageClass, known: Mapping[str, ImageClass]) -> str | None:
    """What is wrong with what takes the place of a retired class."""
    heirs = each.split_into or ((each.successor,) if each.successor else ())
    if heirs and not each.retired:
        return "has a successor or splitInto but is not retired; add retired: true"
    for heir in heirs:
        if heir not in known:
            return f"is replaced by '{heir}', which is no class; known are {', '.join(known)}"
        if known[heir].retired:
            return f"is replaced by '{heir}', which is retired itself; name a class that is still answered"
    return None


def _broken_parent(each: ImageClass, known: Mapping[str, ImageClass]) -> str | None:
    """What is wrong with the wider class that it belongs to, which may be one that no image carries itself."""
    if each.parent is None:
        return None
    if each.parent == each.name:
        return "is its own parent"
    parent = known.get(each.parent)
    if parent is not None and parent.parent is not None:
        return f"has the parent '{parent.name}', which has a parent itself; one level is all there is"
    return None
