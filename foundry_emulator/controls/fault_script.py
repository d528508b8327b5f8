"""What a fault script may say: where a fault strikes, how often, and the one thing that it does."""

import fnmatch
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HTTP, JOB, FILE, DEPLOYMENT = "http", "job", "file", "deployment"
JOB_STAGES = ("data_check", "model_evaluation")
LONGEST_DELAY = 3_600
_LONGEST_TOLD = 80
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_HEADERS_OF_THE_SERVER = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})

_PACE = frozenset({"after", "count", "probability", "seed"})
_WHERE = {
    HTTP: frozenset({"path", "path_regex", "method", "account", "deployment"}),
    JOB: frozenset({"account", "suffix", "model", "training_file"}),
    FILE: frozenset({"account", "purpose", "filename"}),
    DEPLOYMENT: frozenset({"account", "deployment", "model"}),
}
_ACTIONS: dict[str, tuple[str, frozenset[str]]] = {
    "status": (HTTP, frozenset({"code", "message", "headers", "after_work"})),
    "reset": (HTTP, frozenset({"after_work"})),
    "slow": (HTTP, frozenset({"after_work"})),
    "truncate": (HTTP, frozenset()),
    "job_fails": (JOB, frozenset({"code", "message", "harm_types"})),
    "job_preempted": (JOB, frozenset({"at_step"})),
    "people_share": (JOB, frozenset()),
    "file_error": (FILE, frozenset()),
    "deployment_fails": (DEPLOYMENT, frozenset({"code", "message"})),
}
Facts = Mapping[str, tuple[str, ...]]


class BadScript(Exception):
    """A fault script makes no sense; the message names the field and its value in one line."""


@dataclass(frozen=True)
class Fault:
    """One fault: *action* is what it does, *kind* what it happens to, *patterns* what that must look like."""

    id: str
    action: str
    kind: str
    script: dict[str, Any]
    patterns: dict[str, re.Pattern[str]]

    @classmethod
    def of(cls, fault_id: str, script: dict[str, Any]) -> "Fault":
        """Return the fault that a checked *script* describes."""
        action = next(name for name in script if name in _ACTIONS)
        kind = _ACTIONS[action][0]
        patterns = {name: _pattern(name, script[name]) for name in _WHERE[kind] if name in script}
        return cls(fault_id, action, kind, script, {_fact(name): pattern for name, pattern in patterns.items()})

    @property
    def value(self) -> Any:
        """What the script says of the action, such as the status or the seconds."""
        return self.script[self.action]

    @property
    def after_work(self) -> bool:
        """Whether it strikes when the work was done."""
        return bool(self.script.get("after_work", False))

    @property
    def count(self) -> int | None:
        """How often it strikes, None for always."""
        count: int | None = self.script.get("count")
        return count

    def meets(self, facts: Facts, *, all_but: str | None = None) -> bool:
        """Return whether *facts* (each with one or more values) are what it strikes, leaving out one of them."""
        return all(
            any(pattern.fullmatch(value) for value in facts.get(name, ()))
            for name, pattern in self.patterns.items()
            if name != all_but
        )


def read(path: Path, accounts: Collection[str]) -> list[dict[str, Any]]:
    """Return the faults in a file of JSON; BadScript, naming the file, says why there are none to be had."""
    try:
        return check_all(json.loads(path.read_bytes()), accounts)
    except OSError as problem:
        raise BadScript(f"cannot read the fault script {path}: {problem.strerror}") from problem
    except (ValueError, RecursionError) as problem:
        raise BadScript(f"the fault script {path} is not valid JSON: {problem}") from problem
    except BadScript as problem:
        raise BadScript(f"the fault script {path} makes no sense: {problem}") from problem


def check_all(scripts: Any, accounts: Collection[str]) -> list[dict[str, Any]]:
    """Return the faults in *scripts*, one or a list; BadScript says which makes no sense."""
    listed = scripts if isinstance(scripts, list) else [scripts]
    for number, script in enumerate(listed, start=1):
        try:
            _check(script, accounts)
        except BadScript as problem:
            raise BadScript(f"fault {number}: {problem}" if len(listed) > 1 else str(problem)) from problem
    return listed


def _check(script: Any, accounts: Collection[str]) -> None:
    if not isinstance(script, dict):
        raise BadScript(f"a fault must be an object, not {_told(script)}")
    unknown = sorted(name for name in script if name not in _CHECKS)
    if unknown:
        raise BadScript(f"unknown field {unknown[0]!r} ({_told(script[unknown[0]])})")
    _check_fields_go_together(script)
    for name, value in script.items():
        holds, expected = _CHECKS[name]
        if not holds(value):
            raise BadScript(f"'{name}' must be {expected}, not {_told(value)}")
    if "account" in script and script["account"] not in accounts:
        raise BadScript(f"'account' must be one of {', '.join(sorted(accounts))}, not {_told(script['account'])}")


def _check_fields_go_together(script: dict[str, Any]) -> None:
    actions = [name for name in script if name in _ACTIONS]
    if len(actions) != 1:
        seen = " and ".join(f"'{name}' ({_told(script[name])})" for name in actions) or "none"
        raise BadScript(f"a fault does exactly one of {', '.join(_ACTIONS)}; this one has {seen}")
    kind, extras = _ACTIONS[actions[0]]
    allowed = _WHERE[kind] | extras | _PACE
    stray = [name for name in script if name not in allowed and name != actions[0]]
    if stray:
        raise BadScript(
            f"'{stray[0]}' ({_told(script[stray[0]])}) does not go with '{actions[0]}',"
            f" which takes {', '.join(sorted(allowed))}"
        )
    if {"path", "path_regex"} <= set(script):
        raise BadScript(f"give 'path' or 'path_regex' ({_told(script['path_regex'])}), not both")


def _fact(name: str) -> str:
    return "path" if name == "path_regex" else name


def _pattern(name: str, value: str) -> re.Pattern[str]:
    if name == "path_regex":
        return re.compile(value, re.DOTALL)
    if name in ("account", "method"):
        return re.compile(re.escape(value), re.IGNORECASE if name == "method" else 0)
    return re.compile(fnmatch.translate(value))


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_TOLD else f"{text[: _LONGEST_TOLD - 3]}..."


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and _encodable(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _whole(least: int, most: int = 2**53) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _seconds(most: float) -> Callable[[Any], bool]:
    return lambda value: _number(value) and 0 < value <= most


def _regex(value: Any) -> bool:
    try:
        return _text(value) and re.compile(value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _HEADER_NAME.fullmatch(name)
        and name.lower() not in _HEADERS_OF_THE_SERVER
        and isinstance(text, str)
        and _HEADER_VALUE.fullmatch(text)
        for name, text in value.items()
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_text(each) for each in value)


_A_TEXT = (_text, "a text")
_CHECKS: dict[str, tuple[Callable[[Any], object], str]] = {
    "path": (lambda value: _text(value) and value[0] in "/*?[", "a pattern of a path, such as /openai/v1/files*"),
    "path_regex": (_regex, "a regular expression of a whole path"),
    "method": (lambda value: isinstance(value, str) and value.upper() in _METHODS, f"one of {', '.join(_METHODS)}"),
    "account": _A_TEXT,
    "deployment": _A_TEXT,
    "suffix": _A_TEXT,
    "model": _A_TEXT,
    "training_file": _A_TEXT,
    "purpose": _A_TEXT,
    "filename": _A_TEXT,
    "after": (_whole(0), "a whole number, 0 or more"),
    "count": (_whole(1), "a whole number, 1 or more"),
    "probability": (_share, "a number from 0 to 1"),
    "seed": (_whole(-(2**53)), "a whole number"),
    "status": (_whole(400, 599), "an error status from 400 to 599"),
    "code": _A_TEXT,
    "message": _A_TEXT,
    "headers": (_headers, "an object of header names and texts, without those that frame the answer"),
    "after_work": (lambda value: isinstance(value, bool), "true or false"),
    "reset": (lambda value: value is True, "true"),
    "slow": (_seconds(LONGEST_DELAY), f"seconds above 0 and at most {LONGEST_DELAY}"),
    "truncate": (_whole(0), "the bytes of the body that arrive, 0 or more"),
    "job_fails": (lambda value: value in JOB_STAGES, f"one of {', '.join(JOB_STAGES)}"),
    "harm_types": (_texts, "a list of texts"),
    "job_preempted": (_seconds(1e9), "seconds above 0"),
    "at_step": (_whole(1), "a whole number, 1 or more"),
    "people_share": (_share, "a number from 0 to 1"),
    "file_error": _A_TEXT,
    "deployment_fails": (lambda value: value is True, "true"),
}
