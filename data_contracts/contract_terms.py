"""What a data contract says beside its table: who owns it, its version, and how fresh its images are to be."""

import math
import re
from collections.abc import Mapping
from typing import Any

from data_contracts.errors import ContractBroken

FRESHNESS = "freshness"
DAYS = {"d": 1.0, "day": 1.0, "days": 1.0, "h": 1 / 24, "hour": 1 / 24, "hours": 1 / 24, "w": 7.0, "weeks": 7.0}
"""Days in each unit that a freshness may have."""
VERSION = r"\d+(\.\d+){0,2}"


def read_owner(document: Mapping[str, Any]) -> str | None:
    """The members of the team whose role is owner, else the team's name; None when nobody is named."""
    team = document.get("team") or {}
    members = team if isinstance(team, list) else team.get("members", [])
    owners = [each.get("name") or each["username"] for each in members if each.get("role", "").casefold() == "owner"]
    named: str | None = None if isinstance(team, list) else team.get("name")
    return ", ".join(owners) or named


def read_version(document: Mapping[str, Any], name: str) -> str:
    """The contract's version, such as 1.0.0; its first number says what breaks. Raises ContractBroken for others."""
    version = str(document["version"])
    if not re.fullmatch(VERSION, version):
        raise ContractBroken(f"{name}: the version '{version}' is not made of numbers, as 1.0.0 is")
    return version


def read_freshness(document: Mapping[str, Any], name: str) -> float | None:
    """Days after which new images are overdue, None without such a promise; raises ContractBroken for a slip in it."""
    found: float | None = None
    for each in document.get("slaProperties", []):
        if each["property"] != FRESHNESS:
            raise ContractBroken(f"{name}: there is no slaProperty '{each['property']}' here; known is {FRESHNESS}")
        if found is not None:
            raise ContractBroken(f"{name}: slaProperties have {FRESHNESS} twice; say it once")
        found = _days(each["value"], each.get("unit", "d"), name)
    return found


def _days(value: object, unit: str, name: str) -> float:
    if unit not in DAYS:
        raise ContractBroken(f"{name}: {FRESHNESS} has the unit '{unit}'; known are {', '.join(DAYS)}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ContractBroken(f"{name}: {FRESHNESS} is {value!r}; it needs a number above 0")
    return value * DAYS[unit]
