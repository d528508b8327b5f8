"""Which images of a batch get in: one door, and a reason for everyone who stays outside."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from data_contracts.images import Authority, ImageFacts, ImageHeader, LabeledImage, Refusal, Split
from data_contracts.record import Record
from data_contracts.refusal_codes import DUPLICATE, LABEL_CONFLICT, NOT_AN_IMAGE, SIDECAR


class Acceptance(Record):
    """What becomes of a batch: accepted images, refused files with reasons, and copies of what is known."""

    accepted: tuple[ImageFacts, ...]
    refused: tuple[Refusal, ...]
    duplicates: tuple[Refusal, ...]
    disputed: Mapping[str, Refusal] = Field(
        default_factory=dict, description="Images accepted earlier whose label the batch disputes, by digest."
    )
    settled: tuple[str, ...] = Field((), description="Digests of disputed images whose label the batch repeats.")


def judge_batch(
    facts: Sequence[ImageFacts],
    refused: Sequence[Refusal],
    known: Mapping[str, LabeledImage],
    disputed: frozenset[str] = frozenset(),
) -> Acceptance:
    """What becomes of the images in *facts*, of which some are *refused* already.

    *known* has the images accepted earlier by pixel digest, *disputed* the digests of those whose label is in doubt.
    The same picture enters once. Two labels of equal authority for one picture are a conflict: neither is used until
    a later delivery repeats the accepted one. The first reason found for a file is the one to mend first.
    """
    by_file: dict[str, Refusal] = {}
    for refusal in (*map(unfit, facts), *refused):
        if refusal is not None:
            by_file.setdefault(refusal.file, refusal)
    sound = [fact for fact in facts if fact.file not in by_file]
    conflicts = _conflicts(sound, known)
    agreeing = [fact for fact in sound if fact.file not in conflicts]
    fresh, duplicates = _told_apart(agreeing, known)
    outside = sorted((*by_file.values(), *conflicts.values()), key=lambda refusal: refusal.file)
    repeated = {known[str(fact.pixel_digest)].digest for fact in agreeing if str(fact.pixel_digest) in known}
    contradicted = _disputed(sound, known)
    return Acceptance(
        accepted=tuple(fresh),
        refused=tuple(outside),
        duplicates=tuple(duplicates),
        disputed=contradicted,
        settled=tuple(sorted((repeated & disputed) - contradicted.keys())),
    )


def unfit(fact: ImageHeader) -> Refusal | None:
    """Why the file cannot be an image, whatever the rules of a contract say; None when it can."""
    if fact.problem is None:
        return None
    if fact.file.rpartition("/")[2].startswith("."):
        return Refusal(file=fact.file, code=SIDECAR, reason="a hidden file that an operating system left behind")
    return Refusal(file=fact.file, code=NOT_AN_IMAGE, reason=fact.problem)


def _conflicts(facts: Sequence[ImageFacts], known: Mapping[str, LabeledImage]) -> dict[str, Refusal]:
    first: dict[str, dict[str | None, ImageFacts]] = {}  # the first file with each label, by picture
    for fact in facts:
        first.setdefault(str(fact.pixel_digest), {}).setdefault(fact.label, fact)
    conflicts: dict[str, Refusal] = {}
    for fact in facts:
        pixels = str(fact.pixel_digest)
        earlier = known.get(pixels)
        other = next((each for label, each in first[pixels].items() if label != fact.label), None)
        if earlier is not None and earlier.label != fact.label:
            conflicts[fact.file] = _conflict(fact.file, fact.label, _named(earlier))
        elif earlier is None and other is not None:
            conflicts[fact.file] = _conflict(fact.file, fact.label, f"{other.file}, labeled {other.label}")
    return conflicts


def _disputed(facts: Sequence[ImageFacts], known: Mapping[str, LabeledImage]) -> dict[str, Refusal]:
    """The accepted images that a file of equal authority contradicts."""
    contested: dict[str, Refusal] = {}
    for fact in facts:
        earlier = known.get(str(fact.pixel_digest))
        if earlier is not None and earlier.label != fact.label and earlier.authority is Authority.PERSON:
            label = None if earlier.split is Split.HELD_OUT else earlier.label
            other = f"{fact.file} of this batch, labeled {fact.label}"
            contested.setdefault(earlier.digest, _conflict(_place(earlier), label, other))
    return contested


def _conflict(file: str, label: str | None, other: str) -> Refusal:
    said = f"labeled {label}, but the same picture is {other}" if label else f"the same picture is {other}"
    return Refusal(file=file, code=LABEL_CONFLICT, reason=said)


def _named(image: LabeledImage) -> str:
    """An accepted image as a message may name it: of a held-out one nothing tells the label."""
    if image.split is Split.HELD_OUT:
        return f"the held-out {_place(image)}, which has another label"
    return f"{image.source}, accepted as {image.label}"


def _place(image: LabeledImage) -> str:
    return f"image {image.digest[:12]}" if image.split is Split.HELD_OUT else image.source


def _told_apart(
    facts: Sequence[ImageFacts], known: Mapping[str, LabeledImage]
) -> tuple[list[ImageFacts], list[Refusal]]:
    fresh: dict[str, ImageFacts] = {}
    duplicates = []
    for fact in facts:
        pixels = str(fact.pixel_digest)
        if pixels in known:
            duplicates.append(_duplicate(fact, f"image {known[pixels].digest[:12]}, accepted earlier"))
        elif pixels in fresh:
            duplicates.append(_duplicate(fact, fresh[pixels].file))
        else:
            fresh[pixels] = fact
    return list(fresh.values()), duplicates


def _duplicate(fact: ImageFacts, original: str) -> Refusal:
    return Refusal(file=fact.file, code=DUPLICATE, reason=f"the same picture as {original}")
