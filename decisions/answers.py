"""Reading a model's answer by fixed rules: an exact name or nothing."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from data_contracts.evaluation import Outcome, RawAnswer
from data_contracts.record import Record

QUOTES = "\"'`“”‘’«»"  # noqa: RUF001  (people and models use these too)
FINAL_PUNCTUATION = ".!?,;:。！"  # noqa: RUF001
KEYS = ("label", "class", "answer")


class Reading(Record):
    """What an answer means: a label of the list, or why not."""

    label: str | None
    outcome: Outcome


def read_answer(raw: RawAnswer, labels: Sequence[str], aliases: Mapping[str, str]) -> Reading:
    """The label that *raw* names exactly, or why it names none.

    *aliases* maps other spellings to labels. Code fences and a JSON object with a label are unwrapped;
    a label that merely occurs in a sentence is off the list.
    """
    if outcome := unanswered(raw):
        return Reading(label=None, outcome=outcome)
    text = _unwrapped(raw.text)
    if not _folded(text):
        return Reading(label=None, outcome=Outcome.EMPTY)
    names = {_folded(alias): label for alias, label in aliases.items()} | {_folded(label): label for label in labels}
    label = names.get(_folded(text))
    return Reading(label=label, outcome=Outcome.LABEL if label else Outcome.OFF_LIST)


def unanswered(raw: RawAnswer) -> Outcome | None:
    """Why there is no answer to read; None when there is one."""
    if raw.filtered:
        return Outcome.FILTERED
    if raw.failure is not None:
        return Outcome.FAILED
    return Outcome.REFUSED if raw.refused else None


def _unwrapped(text: str) -> str:
    fence = re.fullmatch(r"\s*```[a-zA-Z]*\s*\n?(.*?)\n?\s*```\s*", text, re.DOTALL)
    inner = fence.group(1) if fence else text
    try:
        value = json.loads(inner)
    except (ValueError, RecursionError):  # the latter from thousands of opening brackets
        return inner
    if isinstance(value, dict):
        value = next((value[key] for key in KEYS if key in value), None)
    return value if isinstance(value, str) else inner


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFKC", text).strip()
    while bare and (bare[0] in QUOTES or bare[-1] in QUOTES + FINAL_PUNCTUATION):
        bare = bare.strip(QUOTES).rstrip(FINAL_PUNCTUATION).strip()
    return " ".join(bare.replace("_", " ").replace("-", " ").split()).casefold()
