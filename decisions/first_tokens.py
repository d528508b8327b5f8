"""Which answers the classes of a new loop get, so that the model's first token tells them apart."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from data_contracts.class_answers import alike_at_first, short_codes
from data_contracts.image_contract import folded


def distinct_first_tokens(answers: Iterable[str]) -> bool:
    """Whether no two *answers* can have the same first token, whatever the model's tokenizer."""
    return not alike_at_first(answers)


def answers_for(classes: Sequence[str]) -> Mapping[str, str]:
    """The answer for each of the *classes*: its name where the names differ in their first token, else a short code."""
    answers = classes if distinct_first_tokens(classes) else _codes_beside(classes)
    return dict(zip(classes, answers, strict=True))


def _codes_beside(classes: Sequence[str]) -> Sequence[str]:
    """A code for each of the *classes* that is not the name of one."""
    taken = {folded(name) for name in classes}
    for size in count(len(classes)):
        free = [code for code in short_codes(size) if folded(code) not in taken]
        if len(free) >= len(classes):
            break
    return free[: len(classes)]
