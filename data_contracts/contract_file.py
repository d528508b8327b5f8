"""Reading a data contract: an ODCS YAML file, checked strictly, so that no typo goes by unnoticed."""

import hashlib
import json
from collections.abc import Mapping, Set
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from data_contracts.class_list import read_classes
from data_contracts.contract_terms import read_freshness, read_owner, read_version
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract
from data_contracts.rule_list import read_rules

TABLE = "images"
LABEL = "label"
IDLE = frozenset({"logicalTypeOptions", "unique", "primaryKey"})
ONLY_OF_LABEL = frozenset({"enum", "required"})
"""What the standard lets a column ask for, and only rules carry out here."""
OF_TABLE = frozenset({"split", "smallestClass", "group", "nearDuplicates", "balance"})


def read_contract(content: bytes, *, name: str) -> ImageContract:
    """The contract that the YAML *content* describes; *name* is what messages call the file.

    Raises ContractBroken, with the place and the value, when the file is not YAML, violates the
    standard's JSON schema, or lacks what a loop of images needs.
    """
    document = _parse(content, name)
    _check_against_standard(document, name)
    table = _the_one_table(document, name)
    columns = _columns(table, name)
    if LABEL not in columns:
        raise ContractBroken(f"{name}: table '{TABLE}' has no property '{LABEL}'; add it with an enum of the classes")
    for column in columns.values():
        _check_nothing_idle(column, name)
    custom = _custom(table, OF_TABLE, name)
    _check_place({each["property"] for each in document.get("customProperties", [])}, name)
    classes = read_classes(columns[LABEL].get("enum", []), name)
    try:
        return ImageContract(
            id=document["id"],
            version=read_version(document, name),
            digest=hashlib.sha256(content).hexdigest(),
            classes=classes,
            rules=read_rules(columns.values(), table, (each.name for each in classes), name),
            split=custom.get("split", {}),
            smallest_class=custom.get("smallestClass", 20),
            group=custom.get("group"),
            near_duplicates=custom.get("nearDuplicates", {}),
            balance=custom.get("balance"),
            owner=read_owner(document),
            freshness_days=read_freshness(document, name),
        )
    except ValidationError as error:
        raise ContractBroken(f"{name}: {_first_problem(error)}") from error


class _OnceOnly(yaml.SafeLoader):
    """A loader that refuses a key that is there twice; YAML would forget the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key, _ in node.value if keys.count((key.tag, key.value)) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"'{twice.value}' is there twice", twice.start_mark)
        return super().construct_mapping(node, deep)


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = yaml.load(content, _OnceOnly)
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


def _custom(element: Mapping[str, Any], known: frozenset[str], name: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for each in element.get("customProperties", []):
        key = each["property"]
        if key not in known:
            raise ContractBroken(
                f"{name}: there is no customProperty '{key}' here; known are {', '.join(sorted(known)) or 'none'}"
            )
        if key in given:
            raise ContractBroken(f"{name}: the customProperty '{key}' is there twice; say it once")
        given[key] = each.get("value")
    return given


def _check_place(properties: Set[str], name: str) -> None:
    """Properties at the top of a contract are anybody's, but not those that the table of images has."""
    for misplaced in sorted(properties & OF_TABLE):
        raise ContractBroken(f"{name}: '{misplaced}' stands at the top; move it to the table '{TABLE}'")


def _columns(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for column in table.get("properties", []):
        if column["name"] in columns:
            raise ContractBroken(f"{name}: the property '{column['name']}' is there twice; join the two")
        columns[column["name"]] = column
    return columns


def _check_nothing_idle(column: Mapping[str, Any], name: str) -> None:
    """The standard knows more ways to ask something of a column; nobody may believe that they are carried out."""
    for key in sorted(column.keys() & (IDLE if column["name"] == LABEL else IDLE | ONLY_OF_LABEL)):
        raise ContractBroken(f"{name}: '{key}' of '{column['name']}' is not carried out; write a rule under quality")
    _custom(column, frozenset(), f"{name}, property '{column['name']}'")


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
