"""Changes of a contract's quality rules: tightened, or wider than before."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_contracts.image_contract import Rule
from decisions.contracts.contract_changes import Change, differing, from_to

ALLOWED = "expect_column_values_to_be_in_set"
FORBIDDEN = "expect_column_values_to_not_be_in_set"
BETWEEN = "_to_be_between"
SEVERITY = "severity"


def rule_changes(one: Sequence[Rule], other: Sequence[Rule]) -> list[Change]:
    """Every difference between two contracts' rules, which are the same when they have one id."""
    old, new = {rule.id: rule for rule in one}, {rule.id: rule for rule in other}
    return [
        *(_removed(old[id_]) for id_ in old if id_ not in new),
        *(change for id_ in old if id_ in new for change in _changed(old[id_], new[id_])),
        *(_added(new[id_]) for id_ in new if id_ not in old),
    ]


def _removed(rule: Rule) -> Change:
    return Change(kind="rule removed", about=rule.id, told=f"{rule.place} is checked less", breaks=False)


def _added(rule: Rule) -> Change:
    told = f"{rule.place} is checked by {rule.expectation} {_terms(rule.kwargs)}, {_severity(rule)}"
    return Change(kind="rule added", about=rule.id, told=told, breaks=_refuses(rule))


def _changed(old: Rule, new: Rule) -> list[Change]:
    changes = [_field(name, old, new) for name in differing(old, new, but=frozenset({"id", "kwargs"}))]
    if old.kwargs != new.kwargs:
        changes.append(_kwargs(old, new))
    return changes


def _field(name: str, old: Rule, new: Rule) -> Change:
    told = from_to(getattr(old, name), getattr(new, name))
    if name == "description":
        return Change(kind="rule described anew", about=old.id, told=told, breaks=False, texts_only=True)
    if name == SEVERITY:
        return Change(kind="severity changed", about=old.id, told=told, breaks=_refuses(new))
    return Change(kind=f"{name} of rule changed", about=old.id, told=told, breaks=True)


def _kwargs(old: Rule, new: Rule) -> Change:
    """Terms of one expectation are wider when every one of them is; other expectations' terms compare with nothing."""
    names = sorted(name for name in old.kwargs | new.kwargs if old.kwargs.get(name) != new.kwargs.get(name))
    wider = old.expectation == new.expectation and all(_wider(name, old, new) for name in names)
    told = f"{_terms(old.kwargs, names)} -> {_terms(new.kwargs, names)}"
    if wider:
        return Change(kind="rule widened", about=old.id, told=told, breaks=False)
    return Change(kind="rule tightened", about=old.id, told=told, breaks=_refuses(new))


def _wider(name: str, old: Rule, new: Rule) -> bool:
    """Whether all that passed before passes with this term; False where nobody can tell."""
    before, after = old.kwargs.get(name), new.kwargs.get(name)
    if name == "value_set" and old.expectation in {ALLOWED, FORBIDDEN}:
        small, large = (before, after) if old.expectation == ALLOWED else (after, before)
        return isinstance(small, list) and isinstance(large, list) and all(each in large for each in small)
    if name == "mostly":
        return _at_most(after, 1.0 if before is None else before)
    return old.expectation.endswith(BETWEEN) and _wider_limit(name, before, after)


def _wider_limit(name: str, before: object, after: object) -> bool:
    if name in {"strict_min", "strict_max"}:
        return not after
    if name not in {"min_value", "max_value"}:
        return False
    if after is None:
        return True
    return _at_most(after, before) if name == "min_value" else _at_most(before, after)


def _at_most(small: object, large: object) -> bool:
    return isinstance(small, int | float) and isinstance(large, int | float) and small <= large


def _refuses(rule: Rule) -> bool:
    return rule.severity == "error"


def _severity(rule: Rule) -> str:
    return "which refuses" if _refuses(rule) else "which only warns"


def _terms(kwargs: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    given = [f"{name} {kwargs[name]}" for name in (kwargs if names is None else names) if name in kwargs]
    return ", ".join(given) or "no limit"
