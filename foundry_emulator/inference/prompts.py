"""Finding the list of possible answers in a prompt, as a model that knows nothing of the task would."""

import json
import re

_OPENING = "\"'`*\u201c\u2018"
_CLOSING = "\"'`*\u201d\u2019"
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.+?)\s*$", re.MULTILINE)
_QUOTED = re.compile(f"[{_OPENING}]([^{_OPENING}{_CLOSING}\n]{{1,60}})[{_CLOSING}]")
_MEANING = re.compile(r":\s|\s[-\u2013\u2014]\s|:\s*$")
_AFTER_COLON = re.compile(r":\s*([^:\n()]*?,[^:\n()]*?)(?:[.;]\s|[.;]?\s*$|\n|\))", re.MULTILINE)
_SEPARATOR = re.compile(r",\s*(?:or\s+|and\s+)?|\s+(?:or|and)\s+")
_LINES_AFTER_COLON = re.compile(r":[ \t]*\n((?:[ \t]*\S[^\n]{0,60}(?:\n|$)){2,})")
_JSON_LIST = re.compile(r"\[[^\[\]]*\]")
_LEAST = 2
_LONGEST_ITEM = 60


def possible_answers(prompt: str) -> list[str]:
    """Return the answers that *prompt* lists, in its order; empty if it lists none."""
    for find in (_json_list, _bullets, _after_colon, _lines_after_colon, _quoted):
        items = list(dict.fromkeys(item for item in find(prompt) if item))
        if len(items) >= _LEAST:
            return items
    return []


def _json_list(prompt: str) -> list[str]:
    for match in _JSON_LIST.finditer(prompt):
        try:
            items = json.loads(match.group())
        except json.JSONDecodeError:
            continue
        if all(isinstance(item, str) for item in items):
            return list(items)
    return []


def _bullets(prompt: str) -> list[str]:
    return [_bare(_MEANING.split(item)[0]) for item in _BULLET.findall(prompt)]


def _after_colon(prompt: str) -> list[str]:
    lists = [[_bare(item) for item in _SEPARATOR.split(match.group(1))] for match in _AFTER_COLON.finditer(prompt)]
    plausible = [items for items in lists if all(0 < len(item) <= _LONGEST_ITEM for item in items)]
    return max(plausible, key=len, default=[])


def _lines_after_colon(prompt: str) -> list[str]:
    match = _LINES_AFTER_COLON.search(prompt)
    return [_bare(line) for line in match.group(1).splitlines()] if match else []


def _quoted(prompt: str) -> list[str]:
    return [_bare(item) for item in _QUOTED.findall(prompt)]


def _bare(item: str) -> str:
    return item.strip().rstrip(".;,").strip(_OPENING + _CLOSING).strip()
