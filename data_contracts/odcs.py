"""Reading a data contract of any kind: ODCS YAML, checked strictly, so that no typo goes by unnoticed."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from data_contracts.errors import ContractBroken


class _OnceOnly(yaml.SafeLoader):
    """A loader that refuses a key that is there twice; YAML would forget the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key, _ in node.value if keys.count((key.tag, key.value)) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"'{twice.value}' is there twice", twice.start_mark)
        return super().construct_mapping(node, deep)


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """What the YAML *content* says; raises ContractBroken when it is not YAML, or no mapping."""
    try:
        document = yaml.load(content, _OnceOnly)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such date, not UTF-8
        raise ContractBroken(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ContractBroken(f"{name} holds {type(document).__name__}, not a data contract")
    return document


def check_against_standard(document: dict[str, Any], name: str) -> None:
    """Raise ContractBroken, with the place, when *document* violates the standard's JSON schema."""
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


def the_one_table(document: dict[str, Any], table: str, name: str) -> dict[str, Any]:
    """The table called *table*; raises ContractBroken unless there is exactly one."""
    tables = [each for each in document.get("schema", []) if each.get("name") == table]
    if len(tables) != 1:
        raise ContractBroken(f"{name} has {len(tables)} tables named '{table}' under schema; it needs exactly one")
    only: dict[str, Any] = tables[0]
    return only


def custom_properties(element: Mapping[str, Any], known: frozenset[str], name: str) -> dict[str, Any]:
    """The customProperties of *element*; raises ContractBroken for one that is not *known* or there twice."""
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


def columns_of(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The properties of *table* by name; raises ContractBroken for one that is there twice."""
    columns: dict[str, Any] = {}
    for column in table.get("properties", []):
        if column["name"] in columns:
            raise ContractBroken(f"{name}: the property '{column['name']}' is there twice; join the two")
        columns[column["name"]] = column
    return columns


def first_problem(error: ValidationError) -> str:
    """Where the first slip is that *error* tells of, and what it is."""
    first = error.errors()[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
