"""Champion and challenger of different class sets: compared on the classes that both know, with a bar for new ones."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import Field

from data_contracts.evaluation import ClassTable, PairedAnswer
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.gate.wording import percent
from decisions.intervals import wilson

CONFIDENCE = 0.9
"""Two-sided, so that each end of the interval is a bound at 95 %."""


class ClassSets(NamedTuple):
    """Classes that the champion was trained on, by the names they have today, and those of the challenger."""

    old: frozenset[str]
    new: frozenset[str]


class NewClass(Record):
    """How the challenger does on a class that the champion does not know."""

    images: int
    right: int
    recall_at_least: float = Field(description="One-sided 95 % Wilson bound; 0 without images.")
    passes: bool


class ClassSetChange(Record):
    """A comparison across a change of classes; it never promotes by itself."""

    n: int = Field(description="Held-out images of classes that both models know.")
    losses: int
    wins: int
    classes: Mapping[str, ClassTable]
    added: Mapping[str, NewClass]
    stolen: int = Field(description="Of the n images, those that the challenger answers with a new class.")
    stolen_at_most: float = Field(description="One-sided 95 % Wilson bound of their share; 1 without images.")
    theft_passes: bool
    retired_images: int = Field(description="Held-out images of classes that are gone; they count for nothing.")

    @property
    def passes(self) -> bool:
        """Whether every new class reaches its bar and none takes too many of the others' images."""
        return self.theft_passes and all(each.passes for each in self.added.values())


def class_set_change(
    pairs: Sequence[PairedAnswer], old: Collection[str], new: Collection[str], policy: PromotionPolicy
) -> ClassSetChange:
    """The paired answers of a champion that knows the classes *old* and a challenger that knows *new*.

    On common classes a retired answer of the champion and a new one of the challenger are both wrong. Classes with a
    declared successor have to bear its name already.
    """
    common, added = comparable(pairs, old, new), sorted(set(new) - set(old))
    lost = Counter(pair.expected for pair in common if pair.champion_right and not pair.challenger_right)
    won = Counter(pair.expected for pair in common if pair.challenger_right and not pair.champion_right)
    sizes = Counter(pair.expected for pair in common)
    stolen = sum(pair.challenger in added for pair in common)
    at_most = wilson(stolen, len(common), CONFIDENCE)[1] if common else 1.0
    return ClassSetChange(
        n=len(common),
        losses=lost.total(),
        wins=won.total(),
        classes={each: ClassTable(images=sizes[each], losses=lost[each], wins=won[each]) for each in sorted(sizes)},
        added={label: _new_class(label, pairs, policy) for label in added},
        stolen=stolen,
        stolen_at_most=at_most,
        theft_passes=not added or at_most <= policy.largest_theft,
        retired_images=sum(pair.expected not in set(new) for pair in pairs),
    )


def comparable(pairs: Sequence[PairedAnswer], old: Collection[str], new: Collection[str]) -> list[PairedAnswer]:
    """The pairs of images whose class both models know: only they compare the two."""
    return [pair for pair in pairs if pair.expected in old and pair.expected in new]


def bars_missed(change: ClassSetChange, policy: PromotionPolicy) -> Iterator[str]:
    """Why the classes that were added are not good enough yet; nothing when each of them is, and takes too little."""
    for label, new in change.added.items():
        if new.images < policy.new_class_images:
            yield f"new class {label} has {new.images} held-out images of the {policy.new_class_images} it needs"
        elif not new.passes:
            yield (
                f"new class {label} is right on {new.right} of {new.images}, which proves a recall of "
                f"{percent(new.recall_at_least)} only, not {percent(policy.new_class_recall)}"
            )
    if not change.theft_passes:
        yield (
            f"new classes take {change.stolen:,} of {change.n:,} images of the others, which may be "
            f"{percent(change.stolen_at_most)}, more than {percent(policy.largest_theft)}"
        )


def _new_class(label: str, pairs: Sequence[PairedAnswer], policy: PromotionPolicy) -> NewClass:
    answered = [pair.challenger_right for pair in pairs if pair.expected == label]
    at_least = wilson(sum(answered), len(answered), CONFIDENCE)[0] if answered else 0.0
    enough = len(answered) >= policy.new_class_images
    return NewClass(
        images=len(answered),
        right=sum(answered),
        recall_at_least=at_least,
        passes=enough and at_least >= policy.new_class_recall,
    )
