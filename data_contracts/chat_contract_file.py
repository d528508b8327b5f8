"""Reading the data contract of chats: an ODCS YAML file with a table of chats."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from data_contracts.chat_contract import ChatContract
from data_contracts.contract_terms import read_freshness, read_owner, read_version
from data_contracts.errors import ContractBroken
from data_contracts.odcs import columns_of, custom_properties, first_problem, the_one_table

TABLE = "chats"
ROLE = "role"
OF_TABLE = {
    "split": "split",
    "grader": "grader",
    "group": "group",
    "mostTokens": "most_tokens",
    "fewest": "smallest_class",
    "allowedSecrets": "allowed_secrets",
}
"""Custom properties of the table, and the field that each fills."""
OF_ROLE = frozenset({"name", "logicalType", "description", "required", "enum"})
"""What the property `role` may say; all else would not be carried out."""


def read_chat_contract(document: dict[str, Any], content: bytes, name: str) -> ChatContract:
    """The contract of chats in *document*, parsed from *content*; *name* is what messages call the file.

    Raises ContractBroken, with the place and the value, when it lacks what a loop of chats needs.
    """
    table = the_one_table(document, TABLE, name)
    custom = custom_properties(table, frozenset(OF_TABLE), name)
    _check_nothing_idle(document, table, name)
    fields = {OF_TABLE[key]: value for key, value in custom.items()}
    roles = _roles(table, name)
    if roles is not None:
        fields["roles"] = roles
    try:
        return ChatContract(
            id=document["id"],
            version=read_version(document, name),
            digest=hashlib.sha256(content).hexdigest(),
            owner=read_owner(document),
            freshness_days=read_freshness(document, name),
            **fields,
        )
    except ValidationError as error:
        raise ContractBroken(f"{name}: {first_problem(error)}") from error


def _roles(table: Mapping[str, Any], name: str) -> list[object] | None:
    """The roles that the property `role` lists; None without that property."""
    column = columns_of(table, name).get(ROLE)
    if column is None:
        return None
    roles = [each["value"] for each in column.get("enum", [])]
    if not {"user", "assistant"} <= set(map(str, roles)):
        told = ", ".join(map(str, roles)) or "nothing"
        raise ContractBroken(f"{name}: property '{ROLE}' lists {told}; a chat needs user and assistant")
    return roles


def _check_nothing_idle(document: Mapping[str, Any], table: Mapping[str, Any], name: str) -> None:
    """Nobody may believe that what the standard knows and nothing here carries out is carried out."""
    for each in document.get("customProperties", []):
        if each["property"] in OF_TABLE:
            raise ContractBroken(f"{name}: '{each['property']}' stands at the top; move it to the table '{TABLE}'")
    if table.get("quality"):
        raise ContractBroken(f"{name}: quality of the table '{TABLE}' is not carried out; leave it out")
    for column in columns_of(table, name).values():
        known = OF_ROLE if column["name"] == ROLE else OF_ROLE - {"enum", "required"}
        for key in sorted(column.keys() - known):
            raise ContractBroken(f"{name}: '{key}' of '{column['name']}' is not carried out; leave it out")
