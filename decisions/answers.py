"""Reading a model's answer by fixed rules: an exact name or nothing."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain

from data_contracts.evaluation import Outcome, RawAnswer
from data_contracts.names import as_read
from data_contracts.record import Record

KEYS = ("label", "class", "answer")
FENCE = re.compile(r"\s*```(?:[a-zA-Z]*[ \t\r]*\n)?(.*?)```\s*", re.DOTALL)
"""A code fence; a word on its first line is a language only where a line ends after it."""


class Reading(Record):
    """What an answer means: a label of the list, or why not."""

    label: str | None
    outcome: Outcome


def read_answer(raw: RawAnswer, labels: Sequence[str], aliases: Mapping[str, str]) -> Reading:
    """The label that *raw* names exactly, or why it names none.

    *aliases* maps other spellings to labels. Code fences and a JSON object with a label are unwrapped;
    a label that merely occurs in a sentence is off the list, and so is an object that names more than one.
    Raises ValueError for an alias of no label, and for a spelling that would mean two of them.
    """
    names = _meanings(labels, aliases)
    if outcome := unanswered(raw):
        return Reading(label=None, outcome=outcome)
    said = {as_read(text) for text in _unwrapped(raw.text)}
    if said == {""}:
        return Reading(label=None, outcome=Outcome.EMPTY)
    meant = {names.get(text) for text in said}
    label = meant.pop() if len(meant) == 1 else None
    return Reading(label=label, outcome=Outcome.LABEL if label else Outcome.OFF_LIST)


def unanswered(raw: RawAnswer) -> Outcome | None:
    """Why there is no answer to read; None when there is one."""
    if raw.filtered:
        return Outcome.FILTERED
    if raw.failure is not None:
        return Outcome.FAILED
    return Outcome.REFUSED if raw.refused else None


def _meanings(labels: Sequence[str], aliases: Mapping[str, str]) -> Mapping[str, str]:
    meanings: dict[str, str] = {}
    for spelling, label in chain(((label, label) for label in labels), aliases.items()):
        if label not in labels:
            known = ", ".join(labels)
            raise ValueError(f"the alias '{spelling}' means '{label}', which is no label; name one of: {known}")
        other = meanings.setdefault(as_read(spelling), label)
        if other != label:
            raise ValueError(f"'{spelling}' would be read both as '{other}' and as '{label}'; spell one differently")
    return meanings


class _Object(list[tuple[str, object]]):
    """A JSON object as it was written: keys may be there twice."""


def _unwrapped(text: str) -> Sequence[str]:
    """What the answer says: one text, or that of each key of a JSON object which names a label."""
    fence = FENCE.fullmatch(text)
    inner = fence.group(1) if fence else text
    try:
        value = json.loads(inner, object_pairs_hook=_Object)
    except (ValueError, RecursionError):  # the latter from thousands of opening brackets
        return [inner]
    found = [said for key, said in value if key in KEYS] if isinstance(value, _Object) else [value]
    texts = [said for said in found if isinstance(said, str)]
    return texts if texts and len(texts) == len(found) else [inner]
