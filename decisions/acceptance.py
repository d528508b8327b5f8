"""Which images of a batch get in: one door, and a reason for everyone who stays outside."""

from collections.abc import Mapping, Sequence

from data_contracts.images import ImageFacts, ImageHeader, Refusal
from data_contracts.record import Record


class Acceptance(Record):
    """What becomes of a batch: accepted images, refused files with reasons, and copies of what is known."""

    accepted: tuple[ImageFacts, ...]
    refused: tuple[Refusal, ...]
    duplicates: tuple[Refusal, ...]


def judge_batch(facts: Sequence[ImageFacts], broken: Sequence[Refusal], known: Mapping[str, str]) -> Acceptance:
    """What becomes of the images in *facts*, given the contract rules they break and the labels already *known*.

    *known* maps pixel digests to the labels of images accepted earlier. The same picture enters once; two
    labels for one picture are a conflict and neither gets in.
    """
    by_file: dict[str, Refusal] = {}
    for refusal in (*map(unfit, facts), *broken):
        if refusal is not None:
            by_file.setdefault(refusal.file, refusal)  # the first reason found is the one to mend first
    sound = [fact for fact in facts if fact.file not in by_file]
    conflicts = _conflicts(sound, known)
    fresh, duplicates = _told_apart([fact for fact in sound if fact.file not in conflicts], known)
    refused = sorted((*by_file.values(), *conflicts.values()), key=lambda refusal: refusal.file)
    return Acceptance(accepted=tuple(fresh), refused=tuple(refused), duplicates=tuple(duplicates))


def unfit(fact: ImageHeader) -> Refusal | None:
    """Why the file cannot be a labeled image, whatever the rules of a contract say; None when it can."""
    if fact.problem is not None and fact.file.rpartition("/")[2].startswith("."):
        return Refusal(file=fact.file, code="sidecar", reason="a hidden file that an operating system left behind")
    if fact.problem is not None:
        return Refusal(file=fact.file, code="not_an_image", reason=fact.problem)
    if fact.label is None:
        folder = fact.file.partition("/")[0] if "/" in fact.file else "no folder"
        return Refusal(file=fact.file, code="unknown_class", reason=f"the contract has no class '{folder}'")
    return None


def _conflicts(facts: Sequence[ImageFacts], known: Mapping[str, str]) -> dict[str, Refusal]:
    first: dict[str, dict[str | None, ImageFacts]] = {}  # the first file with each label, by picture
    for fact in facts:
        first.setdefault(str(fact.pixel_digest), {}).setdefault(fact.label, fact)
    conflicts: dict[str, Refusal] = {}
    for fact in facts:
        pixels = str(fact.pixel_digest)
        other = next((each for label, each in first[pixels].items() if label != fact.label), None)
        if known.get(pixels, fact.label) != fact.label:
            conflicts[fact.file] = _conflict(fact, f"an accepted image labeled {known[pixels]}")
        elif pixels not in known and other is not None:
            conflicts[fact.file] = _conflict(fact, f"{other.file}, labeled {other.label}")
    return conflicts


def _conflict(fact: ImageFacts, other: str) -> Refusal:
    return Refusal(
        file=fact.file, code="label_conflict", reason=f"labeled {fact.label}, but the same picture is {other}"
    )


def _told_apart(facts: Sequence[ImageFacts], known: Mapping[str, str]) -> tuple[list[ImageFacts], list[Refusal]]:
    fresh: dict[str, ImageFacts] = {}
    duplicates = []
    for fact in facts:
        pixels = str(fact.pixel_digest)
        if pixels in known:
            duplicates.append(_duplicate(fact, "an image accepted earlier"))
        elif pixels in fresh:
            duplicates.append(_duplicate(fact, fresh[pixels].file))
        else:
            fresh[pixels] = fact
    return list(fresh.values()), duplicates


def _duplicate(fact: ImageFacts, original: str) -> Refusal:
    return Refusal(file=fact.file, code="duplicate", reason=f"the same picture as {original}")
