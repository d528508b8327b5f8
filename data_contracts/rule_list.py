"""The quality rules of a data contract as its YAML lists them: about single images, and about a batch as a whole."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from data_contracts.errors import ContractBroken
from data_contracts.image_contract import Rule
from data_contracts.images import ImageFacts
from data_contracts.refusal_codes import OURS
from data_contracts.rule_limits import POSSIBLE, columns_of, problem_with

ENGINE = "greatExpectations"
SEVERITIES = ("error", "warning")


def read_rules(
    columns: Iterable[Mapping[str, Any]], table: Mapping[str, Any], labels: Iterable[str], name: str
) -> tuple[Rule, ...]:
    """The rules of all *columns*, then those of the *table*, in the file that messages call *name*.

    *labels* are the names of the classes.

    Raises ContractBroken, with the rule and the value, for a rule that could not mean what it says.
    """
    possible = {**POSSIBLE, "label": frozenset(labels)}
    rules = [
        _rule(check, column["name"], possible, f"{name}: rule '{_id(check)}' of '{column['name']}'")
        for column in columns
        for check in _checks(column, name)
    ]
    of_table = [
        _rule(check, None, possible, f"{name}: rule '{_id(check)}' of the table") for check in table.get("quality", [])
    ]
    _check_ids([*rules, *of_table], name)
    return (*rules, *of_table)


def _checks(column: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    checks: Sequence[Mapping[str, Any]] = column.get("quality", [])
    if checks and column["name"] not in ImageFacts.model_fields:
        raise ContractBroken(f"{name}: there is no image fact '{column['name']}' to check; known are {_facts()}")
    return checks


def _rule(check: Mapping[str, Any], column: str | None, possible: Mapping[str, Set[str]], place: str) -> Rule:
    if check.get("engine") != ENGINE:
        raise ContractBroken(f"{place} has the engine '{check.get('engine')}'; images are checked by '{ENGINE}'")
    severity = check.get("severity", "error")
    if severity not in SEVERITIES:
        raise ContractBroken(f"{place} has the severity '{severity}'; known are {', '.join(SEVERITIES)}")
    expectation, kwargs = _implementation(check.get("implementation"), place)
    about = column or kwargs.get("column")
    problem = _columns_problem(kwargs) or problem_with(expectation, kwargs, about, possible)
    if problem:
        raise ContractBroken(f"{place}: {problem}")
    return Rule(
        id=_id(check),
        column=column,
        expectation=expectation,
        kwargs=kwargs,
        description=check.get("description", ""),
        severity=severity,
    )


def _implementation(given: object, place: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise ContractBroken(f"{place} has no implementation with a type")
    unknown = sorted(map(str, given.keys() - {"type", "kwargs"}))
    if unknown:
        raise ContractBroken(f"{place} has an unknown key '{unknown[0]}'")
    kwargs = given.get("kwargs", {})
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) for key in kwargs):
        raise ContractBroken(f"{place} has the kwargs {kwargs!r}; they need names, as in {{min_value: 64}}")
    return given["type"], kwargs


def _columns_problem(kwargs: Mapping[str, Any]) -> str | None:
    unknown = [column for column in columns_of(kwargs) if column not in ImageFacts.model_fields]
    return f"there is no image fact '{unknown[0]}'; known are {_facts()}" if unknown else None


def _check_ids(rules: Sequence[Rule], name: str) -> None:
    for rule, count in Counter(rule.id for rule in rules).items():
        if count > 1:
            raise ContractBroken(f"{name}: {count} rules have the id '{rule}'; give each an id of its own")
        if rule in OURS:
            raise ContractBroken(f"{name}: the id '{rule}' of a rule is the code of another reason; give it another id")


def _id(check: Mapping[str, Any]) -> str:
    implementation = check.get("implementation")
    kind = implementation.get("type") if isinstance(implementation, dict) else None
    return str(check.get("id") or kind)


def _facts() -> str:
    return ", ".join(ImageFacts.model_fields)
