"""The words that a model answers with: whether their first tokens tell the classes apart, and short codes that do.

A tokenizer cuts a text from its front, so answers that begin with different bytes have different first tokens under
every tokenizer. Of answers that begin alike nobody can say so without the model's own: "patches" and "pitted" may both
begin with the token "p". They count as alike.
"""

import string
from collections import defaultdict
from collections.abc import Iterable, Sequence

CODES = string.ascii_uppercase + "23456789"
"""No 0 and 1, which look like O and I; no small letters, for answers are read whatever their case."""


def alike_at_first(answers: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of two and more *answers* whose first token may be the same one."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for answer in answers:
        groups[answer.strip().casefold().encode()[:1]].append(answer)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def short_codes(count: int) -> Sequence[str]:
    """*count* answers, `A`, `B`, `C` and so on, that differ in their first token; above 34 they no longer all do."""
    if count <= len(CODES):
        return tuple(CODES[:count])
    width = len(str(count))
    return tuple(f"{number:0{width}d}" for number in range(1, count + 1))
