"""Reading the data contract of labeled images: an ODCS YAML file with a table of images."""

import hashlib
from collections.abc import Mapping, Set
from typing import Any

from pydantic import ValidationError

from data_contracts.class_list import read_classes
from data_contracts.contract_terms import read_freshness, read_owner, read_version
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import ImageContract
from data_contracts.odcs import (
    check_against_standard,
    columns_of,
    custom_properties,
    first_problem,
    parse_document,
    the_one_table,
)
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
    document = parse_document(content, name)
    check_against_standard(document, name)
    return read_image_contract(document, content, name)


def read_image_contract(document: dict[str, Any], content: bytes, name: str) -> ImageContract:
    """The contract of images in *document*, which keeps to the standard and was parsed from *content*."""
    table = the_one_table(document, TABLE, name)
    columns = columns_of(table, name)
    if LABEL not in columns:
        raise ContractBroken(f"{name}: table '{TABLE}' has no property '{LABEL}'; add it with an enum of the classes")
    for column in columns.values():
        _check_nothing_idle(column, name)
    custom = custom_properties(table, OF_TABLE, name)
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
        raise ContractBroken(f"{name}: {first_problem(error)}") from error


def _check_place(properties: Set[str], name: str) -> None:
    """Properties at the top of a contract are anybody's, but not those that the table of images has."""
    for misplaced in sorted(properties & OF_TABLE):
        raise ContractBroken(f"{name}: '{misplaced}' stands at the top; move it to the table '{TABLE}'")


def _check_nothing_idle(column: Mapping[str, Any], name: str) -> None:
    """The standard knows more ways to ask something of a column; nobody may believe that they are carried out."""
    for key in sorted(column.keys() & (IDLE if column["name"] == LABEL else IDLE | ONLY_OF_LABEL)):
        raise ContractBroken(f"{name}: '{key}' of '{column['name']}' is not carried out; write a rule under quality")
    custom_properties(column, frozenset(), f"{name}, property '{column['name']}'")
