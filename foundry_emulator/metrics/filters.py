"""The filters of metric queries: `ModelDeploymentName eq '*' and StatusCode eq '200' or StatusCode eq '201'`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from foundry_emulator.metrics.problems import bad_query

_TERM = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s+(eq|ne|sw)\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_JOINT = re.compile(r"(and|or)\b", re.IGNORECASE)
LONGEST = 4_000


@dataclass(frozen=True)
class Term:
    """What one dimension must (eq), must not (ne) or must begin to (sw) be; `*` is anything."""

    operator: str
    value: str

    def admits(self, value: str) -> bool:
        """Return whether a dimension may have *value*."""
        wanted, given = self.value.lower(), value.lower()
        if self.operator == "ne":
            return given != wanted
        return wanted == "*" or (given.startswith(wanted) if self.operator == "sw" else given == wanted)


@dataclass(frozen=True)
class Filter:
    """Terms by dimension (in lower case); one of each dimension's must hold. Its dimensions split the answer."""

    terms: Mapping[str, tuple[Term, ...]]

    def admits(self, values: Mapping[str, str]) -> bool:
        """Return whether calls with these *values* (dimensions in lower case) are asked for."""
        return all(any(term.admits(values[name]) for term in terms) for name, terms in self.terms.items())


def parse_filter(text: str | None) -> Filter:
    """Return the filter in *text*, one that admits everything from None; ServiceError 400 says what is wrong."""
    terms: dict[str, tuple[Term, ...]] = {}
    rest, joint, before = (text or "").strip(), "", ""
    if len(rest) > LONGEST:
        raise bad_query(f"The filter is longer than {LONGEST:,} characters.")
    while rest or joint:
        match = _TERM.match(rest)
        if match is None:
            raise bad_query(f"Invalid filter: only conditions of the form <name> eq '<value>' are allowed: {text}")
        name = match.group(1).lower()
        if (joint == "or" and name != before) or (joint == "and" and name in terms):
            raise bad_query(f"Invalid filter: 'or' joins values of one dimension, 'and' joins dimensions: {text}")
        terms[name] = (*terms.get(name, ()), Term(match.group(2).lower(), match.group(3).replace("''", "'")))
        rest, joint, before = *_after(rest[match.end() :], text), name
    return Filter(terms)


def _after(rest: str, text: str | None) -> tuple[str, str]:
    """Return what follows an `and` or `or`, and which it is; two empty texts at the end."""
    if not rest:
        return "", ""
    joint = _JOINT.match(rest)
    if joint is None:
        raise bad_query(f"Invalid filter: conditions are joined by 'and' or 'or': {text}")
    return rest[joint.end() :], joint.group(1).lower()
