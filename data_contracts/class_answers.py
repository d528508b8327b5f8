"""The words that a model answers with: whether their first tokens tell the classes apart, and short codes that do.

A tokenizer cuts a text from its front, so answers that begin with different bytes have different first tokens under
every tokenizer. Of answers that begin alike nobody can say so without the model's own: "patches" and "pitted" may both
begin with the token "p". They count as alike.
"""

import string
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from data_contracts.names import folded

CODES = string.ascii_uppercase + "23456789"
"""No 0 and 1, which look like O and I; no small letters, for answers are read whatever their case."""


def alike_at_first(answers: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of two and more *answers* whose first token may be the same one."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for answer in answers:
        groups[answer.strip().casefold().encode()[:1]].append(answer)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def short_codes(wanted: int) -> Sequence[str]:
    """*wanted* answers, `A`, `B`, `C` and so on, that differ in their first token; above 34 they no longer all do."""
    if wanted <= len(CODES):
        return tuple(CODES[:wanted])
    width = len(str(wanted))
    return tuple(f"{number:0{width}d}" for number in range(1, wanted + 1))


def answers_for(classes: Sequence[str]) -> Mapping[str, str]:
    """The answer for each of the *classes*: its name where the names differ in their first token, else a short code."""
    answers = _codes_beside(classes) if alike_at_first(classes) else classes
    return dict(zip(classes, answers, strict=True))


def _codes_beside(classes: Sequence[str]) -> Sequence[str]:
    """A code for each of the *classes* that is not the name of one."""
    taken = {folded(name) for name in classes}
    for size in count(len(classes)):
        free = [code for code in short_codes(size) if folded(code) not in taken]
        if len(free) >= len(classes):
            break
    return free[: len(classes)]
