"""Champion and challenger of different class sets: compared on the classes that both know, with a bar for new ones."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import Field

from data_contracts.evaluation import ClassTable, PairedAnswer
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.intervals import wilson

CONFIDENCE = 0.9
"""Two-sided, so that each end of the interval is a bound at 95 %."""


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
    pairs: Sequence[PairedAnswer], old: Sequence[str], new: Sequence[str], policy: PromotionPolicy
) -> ClassSetChange:
    """The paired answers of a champion that knows the classes *old* and a challenger that knows *new*.

    On common classes a retired answer of the champion and a new one of the challenger are both wrong. Classes with a
    declared successor have to bear its name already.
    """
    known, added = set(old) & set(new), [label for label in new if label not in set(old)]
    common = [pair for pair in pairs if pair.expected in known]
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
