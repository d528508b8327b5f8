"""Accuracy by what examples have in common: the batch, the contributor, the part."""

from collections.abc import Iterator, Mapping, Sequence

from data_contracts.evaluation import Answer
from data_contracts.figures import Slice
from decisions.intervals import wilson

SMALLEST = 20
"""Examples below which a slice is counted with the other small ones, for it says little and might tell single ones."""


def slices(answers: Sequence[Answer], slices_of: Mapping[str, Mapping[str, str]]) -> tuple[Slice, ...]:
    """Accuracy of each slice, worst first within its kind; *slices_of* has slices by kind and example.

    A kind of which all examples are in one slice is left out.
    """
    found = [tuple(_of_kind(kind, answers, of)) for kind, of in slices_of.items()]
    return tuple(each for of_kind in found if len(of_kind) > 1 for each in of_kind)


def _of_kind(kind: str, answers: Sequence[Answer], slice_of: Mapping[str, str]) -> Iterator[Slice]:
    found: dict[str, list[bool]] = {}
    for answer in answers:
        found.setdefault(slice_of.get(answer.image, "not known"), []).append(answer.correct)
    large = {name: right for name, right in found.items() if len(right) >= SMALLEST}
    small = {name: right for name, right in found.items() if len(right) < SMALLEST}
    yield from sorted((_slice(kind, *each) for each in large.items()), key=lambda each: (each.accuracy, each.name))
    if small:
        pooled = [right for of_one in small.values() for right in of_one]
        yield _slice(kind, f"{len(small):,} with fewer than {SMALLEST} images, together", pooled)


def _slice(kind: str, name: str, right: Sequence[bool]) -> Slice:
    correct, images = sum(right), len(right)
    return Slice(
        kind=kind,
        name=name,
        images=images,
        correct=correct,
        accuracy=correct / images,
        interval=wilson(correct, images),
    )
