"""Images whose class is no longer asked for: a split needs a person, a class that is gone needs another one."""

from collections.abc import Iterable

from data_contracts.image_contract import ImageContract, LoopContract
from data_contracts.images import ImageHeader, LabeledImage, Refusal
from data_contracts.refusal_codes import RETIRED_CLASS, SPLIT_CLASS


def of_retired_classes(facts: Iterable[ImageHeader], contract: ImageContract) -> list[Refusal]:
    """A refusal for each readable image of a class that was split, or retired without a successor."""
    sound = [fact for fact in facts if fact.problem is None]
    return [refusal for refusal in (_refusal(fact, contract) for fact in sound) if refusal is not None]


def relabeled(images: Iterable[LabeledImage], contract: LoopContract) -> list[LabeledImage]:
    """The images accepted earlier with the labels of today: those of a retired class have its successor's."""
    return [image.model_copy(update={"label": contract.current(image.label)}) for image in images]


def still_asked(images: Iterable[LabeledImage], contract: LoopContract) -> list[LabeledImage]:
    """Those of *images* whose label the model is still asked for; the others wait for a person's new label."""
    labels = frozenset(contract.labels)
    return [image for image in images if image.label in labels]


def _refusal(fact: ImageHeader, contract: ImageContract) -> Refusal | None:
    retired = contract.retired(fact.label)
    if retired is None:
        return None
    if retired.split_into:
        choices = f"{', '.join(retired.split_into[:-1])} or {retired.split_into[-1]}"
        reason = f"the class {retired.name} was split; say whether it is {choices}"
        return Refusal(file=fact.file, code=SPLIT_CLASS, reason=reason)
    reason = f"the class {retired.name} is retired and has no successor; give it another class, or leave it out"
    return Refusal(file=fact.file, code=RETIRED_CLASS, reason=reason)
