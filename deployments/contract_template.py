"""A data contract for class folders that have none yet: the shipped rules, with the folders as classes."""

from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

import yaml

from data_contracts.contract_file import LABEL, read_contract
from data_contracts.image_contract import ImageContract
from data_contracts.names import folded

SHIPPED = "steel_surface.odcs.yaml"


def shipped_contract() -> ImageContract:
    """The contract that comes with Kaizen, about steel surfaces."""
    return read_contract(shipped_yaml(), name=SHIPPED)


def contract_for(classes: Sequence[str]) -> bytes:
    """The shipped contract as it is when it has these classes, else its rules for others; YAML."""
    steel = shipped_contract()
    if {steel.label_of(name) for name in classes} == set(steel.labels):
        return shipped_yaml()
    document: dict[str, Any] = yaml.safe_load(shipped_yaml())
    document |= {"id": "images", "name": "Labeled images", "description": {"purpose": "A folder of class folders."}}
    label = next(column for column in document["schema"][0]["properties"] if column["name"] == LABEL)
    label["enum"] = [{"value": name} for name in distinct(classes)]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def distinct(names: Iterable[str]) -> list[str]:
    """The *names*, of those that mean the same class, such as "Scratch " and "scratch", only the last in order."""
    return sorted({folded(name): name.strip() for name in sorted(names)}.values())


def shipped_yaml() -> bytes:
    """The shipped contract as it is written, with its comments."""
    return resources.files("data_contracts").joinpath(SHIPPED).read_bytes()
