"""An answer in the form of a JSON object: where in a schema the model's answer goes, and what stands around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from foundry_emulator.inference.schemas import Path, resolved

_LABELS = frozenset(
    {"label", "class", "category", "answer", "classname", "classlabel", "classification", "prediction", "result"}
)
_CONFIDENCE = re.compile(r"confiden|probab|certain|likelihood|score", re.IGNORECASE)
_REASON = re.compile(r"reason|explan|descri|rationale|comment|summary|justif|thought|note", re.IGNORECASE)
_RANKS = {"none": 0, "verylow": 1, "low": 2, "unsure": 2, "uncertain": 2, "medium": 3, "moderate": 3, "mid": 3,
          "likely": 3, "high": 4, "sure": 4, "certain": 4, "veryhigh": 5}  # fmt: skip
_SURE, _FAIRLY_SURE = 0.9, 0.6
_KEY_IN_PROMPT = re.compile(r'["\u201c]([A-Za-z_][A-Za-z0-9_ -]{0,40})["\u201d]\s*:')
_DEEPEST = 24
_MOST_NODES = 2_000
_MARK = "\x7fanswer\x7f"
_LEAF, _NAMED, _LISTED = 1, 2, 3


@dataclass(frozen=True)
class Place:
    """Where the model's answer goes: the steps to it, and the only values that may stand there, if they are listed."""

    path: Path
    values: tuple[Any, ...] | None


@dataclass(frozen=True)
class Filling:
    """What goes into a form: the answer, its probability, and that of every possible answer."""

    value: Any
    probability: float
    probabilities: Mapping[str, float]


def place_of(schema: dict[str, Any], answers: Sequence[str]) -> Place | None:
    """Return where the answer goes in *schema*, given which are possible; None if no text can stand anywhere."""
    best: Place | None = None
    best_rank = (0, 0)
    for path, part in islice(_parts(schema, schema, (), ()), _MOST_NODES):
        rank = _rank(path, part, answers)
        if rank > best_rank:
            best, best_rank = Place(path, _listed(part)), rank
    return best


def around(schema: dict[str, Any], place: Place | None, filling: Filling) -> tuple[str, str]:
    """Return what stands before and after the answer's own text in the object; all of it before, if it has no place."""
    value = _Form(schema, place, filling).value(schema, (), ())
    before, found, after = json.dumps(value, ensure_ascii=False, separators=(",", ":")).partition(f'"{_MARK}"')
    quote = '"' if isinstance(filling.value, str) and found else ""
    return before + quote, quote + after


def text_of(value: Any) -> str:
    """Return how *value* is written where an answer stands; a text without its quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else json.dumps(value)


def key_in(prompt: str) -> str:
    """Return the key that an object is asked to have in *prompt*, "answer" if none is named."""
    match = _KEY_IN_PROMPT.search(prompt)
    return match.group(1) if match else "answer"


def json_object(text: str) -> dict[str, Any] | None:
    """Return the object that *text* is, None if it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def label_in(answer: str) -> str:
    """Return the label in an answer that is an object: its label, or else its first text; any other as it is."""
    value = json_object(answer) or {}
    texts = {_plain(name): each for name, each in value.items() if isinstance(each, str)}
    named = [each for name, each in texts.items() if name in _LABELS]
    return next(iter([*named, *texts.values()]), answer)


def satisfies(value: Any, schema: Any, root: dict[str, Any], depth: int = 0) -> bool:
    """Tell whether *value* has the form that *schema* describes."""
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema is not False
    listed, choices = _listed(schema), _branches(schema)
    if listed is not None and value not in listed:
        return False
    if choices and not any(satisfies(value, each, root, depth + 1) for each in choices):
        return False
    types = _types(schema)
    if types and _type(value) not in types and not ("number" in types and _type(value) == "integer"):
        return False
    if isinstance(value, list):
        return all(satisfies(each, schema.get("items", {}), root, depth + 1) for each in value)
    return not isinstance(value, dict) or _object_satisfies(value, schema, root, depth)


def _object_satisfies(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], depth: int) -> bool:
    properties = _properties(schema)
    if any(name not in value for name in _required(schema)):
        return False
    if schema.get("additionalProperties") is False and set(value) - set(properties):
        return False
    return all(satisfies(value[n], part, root, depth + 1) for n, part in properties.items() if n in value)


class _Form:
    """One object that is filled in; what refers to itself, or to too much, ends in null."""

    def __init__(self, root: dict[str, Any], place: Place | None, filling: Filling) -> None:
        self._root = root
        self._place = place
        self._filling = filling
        self._nodes = 0

    def value(self, schema: Any, path: Path, above: tuple[int, ...]) -> Any:
        """Return what stands at *path*, where *schema* rules, inside the schemas *above*."""
        schema = resolved(schema, self._root)
        self._nodes += 1
        if self._place is not None and path == self._place.path:
            return _MARK
        if not isinstance(schema, dict) or id(schema) in above or self._nodes > _MOST_NODES:
            return None
        above = (*above, id(schema))
        if _listed(schema) is not None:
            return self._listed_value(path, _listed(schema) or (None,))
        choices = _branches(schema)
        if choices:
            chosen = self._branch(choices, path)
            return self.value(choices[chosen], (*path, f"|{chosen}"), above)
        return self._typed(schema, path, above)

    def _typed(self, schema: dict[str, Any], path: Path, above: tuple[int, ...]) -> Any:
        kind = self._kind(schema, path)
        if kind == "object":
            wanted = set(_required(schema)) | self._leading(path)
            return {
                name: self.value(part, (*path, name), above)
                for name, part in _properties(schema).items()
                if name in wanted or schema.get("additionalProperties") is False
            }
        if kind == "array":
            return [self.value(schema.get("items", {}), (*path, "[]"), above)] if self._leads("[]", path) else []
        simple = {"string": self._text, "number": self._number, "integer": self._number, "boolean": lambda *_: True}
        return simple[kind](kind, path) if kind in simple else None

    def _kind(self, schema: dict[str, Any], path: Path) -> str:
        types = _types(schema) or (["object"] if "properties" in schema else ["string"])
        if self._leading(path):
            return next((kind for kind in types if kind in ("object", "array")), types[0])
        likely = [kind for kind in types if kind != "null"]
        return "null" if "null" in types and not (likely and _CONFIDENCE.search(_name(path))) else (likely or types)[0]

    def _branch(self, choices: list[Any], path: Path) -> int:
        for place in range(len(choices)):
            if self._leads(f"|{place}", path):
                return place
        nothing = [_types(resolved(choice, self._root)) == ["null"] for choice in choices]
        wanted = not self._leading(path) and not _CONFIDENCE.search(_name(path))
        return nothing.index(wanted) if wanted in nothing else 0

    def _leading(self, path: Path) -> set[str]:
        """Return the step that leads from *path* towards the place of the answer, if it does."""
        if self._place is None or len(self._place.path) <= len(path) or self._place.path[: len(path)] != path:
            return set()
        return {self._place.path[len(path)]}

    def _leads(self, step: str, path: Path) -> bool:
        return step in self._leading(path)

    def _listed_value(self, path: Path, values: tuple[Any, ...]) -> Any:
        ranked = [value for value in values if isinstance(value, str) and _plain(value) in _RANKS]
        if not ranked or not _CONFIDENCE.search(_name(path)):
            return values[0]
        ranked.sort(key=lambda value: _RANKS[_plain(value)])
        return ranked[min(len(ranked) - 1, self._sureness() * len(ranked) // 3)]

    def _sureness(self) -> int:
        """Return 2 for sure, 1 for fairly sure, 0 for neither."""
        return (self._filling.probability >= _SURE) + (self._filling.probability >= _FAIRLY_SURE)

    def _text(self, _kind: str, path: Path) -> str:
        if _CONFIDENCE.search(_name(path)):
            return ("low", "medium", "high")[self._sureness()]
        return f"It looks like {self._filling.value}." if _REASON.search(_name(path)) else ""

    def _number(self, kind: str, path: Path) -> float:
        probability = self._filling.probabilities.get(_name(path))
        if probability is None and _CONFIDENCE.search(_name(path)):
            probability = self._filling.probability
        if probability is None:
            return 0
        return round(100 * probability) if kind == "integer" else probability


def _parts(
    schema: Any, root: dict[str, Any], path: Path, above: tuple[int, ...]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every part of *schema*, with the steps to it."""
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or id(schema) in above:
        return
    above = (*above, id(schema))
    yield path, schema
    for place, choice in enumerate(_branches(schema)):
        yield from _parts(choice, root, (*path, f"|{place}"), above)
    for name, part in _properties(schema).items():
        yield from _parts(part, root, (*path, name), above)
    if isinstance(schema.get("items"), dict):
        yield from _parts(schema["items"], root, (*path, "[]"), above)


def _rank(path: Path, leaf: dict[str, Any], answers: Sequence[str]) -> tuple[int, int]:
    """Return how likely this is the place of the answer; (0, 0) if it cannot be."""
    if not path or (_listed(leaf) is None and "string" not in _types(leaf)):
        return 0, 0
    listed = {str(value) for value in _listed(leaf) or ()}
    shared = len(listed.intersection(answers))
    if shared:
        return _LISTED, shared
    if _CONFIDENCE.search(_name(path)) or (listed and not _of_texts(leaf)):
        return 0, 0
    return (_NAMED if _plain(_name(path)) in _LABELS else _LEAF), 0


def _of_texts(leaf: dict[str, Any]) -> bool:
    return any(isinstance(value, str) for value in _listed(leaf) or ())


def _listed(schema: Any) -> tuple[Any, ...] | None:
    if isinstance(schema, dict) and "const" in schema:
        return (schema["const"],)
    values = schema.get("enum") if isinstance(schema, dict) else None
    return tuple(values) if isinstance(values, list) and values else None


def _branches(schema: dict[str, Any]) -> list[Any]:
    choices = schema.get("anyOf", schema.get("oneOf"))
    return choices if isinstance(choices, list) else []


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _required(schema: dict[str, Any]) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _types(schema: Any) -> list[str]:
    given = schema.get("type") if isinstance(schema, dict) else None
    types = given if isinstance(given, list) else [given]
    return [each for each in types if isinstance(each, str)]


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _name(path: Path) -> str:
    """Return the name of the property that *path* ends in."""
    return next((step for step in reversed(path) if step != "[]" and not step.startswith("|")), "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
