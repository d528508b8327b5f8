"""What would become of a folder of images, without changing anything: the report of `kaizen check-images`."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from data_contracts.errors import WrongInput
from data_contracts.image_contract import ImageContract, NearDuplicateRule
from data_contracts.images import ImageFacts, Refusal, Split
from data_contracts.record import Record
from data_contracts.refusal_codes import LABEL_CONFLICT
from decisions.imaging.near_duplicates import HashTable, components, distances_between, near_pairs_within
from decisions.ingestion.batch_rules import too_few
from decisions.ingestion.batch_verdict import BatchVerdict
from decisions.ingestion.class_folders import side_of
from decisions.ingestion.grouping import hashes_of

RANDOM_PAIR_RATE = 1e-5
"""Share of pairs of different parts that may look the same (methods section 3)."""
TWO = 2


class Leak(Record):
    """One picture on two sides of a split that somebody made."""

    files: tuple[str, str]
    kind: Literal["exact", "near"]


class ClassCount(Record):
    """How many accepted images a class has, and in which split they would be."""

    label: str
    count: int
    splits: dict[str, int]


class ImageCheck(Record):
    """What the contract makes of a folder of images."""

    images: int
    accepted: int
    quarantined: tuple[Refusal, ...]
    duplicates: tuple[Refusal, ...]
    near_duplicate_groups: tuple[tuple[str, ...], ...]
    to_review: tuple[tuple[str, str], ...] = Field(description="Pairs that only the coarse hash finds alike.")
    conflicts: tuple[Refusal, ...] = Field(description="Files whose picture has another label elsewhere.")
    leaks: tuple[Leak, ...]
    classes: tuple[ClassCount, ...]
    stopped: str | None = Field(None, description="Why a batch of these images would not be taken at all.")
    warned: tuple[Refusal, ...] = Field((), description="Images that get in although they break a rule that warns.")
    remarks: tuple[str, ...] = Field((), description="What the contract says of the images as a whole.")


def check(verdict: BatchVerdict, contract: ImageContract) -> ImageCheck:
    """The *verdict* about a folder of images, as the report tells it."""
    refused = (*verdict.refused, *verdict.acceptance.disputed.values())
    placement = verdict.placement
    return ImageCheck(
        images=len(verdict.facts),
        accepted=len(placement.placed),
        quarantined=tuple(refusal for refusal in refused if refusal.code != LABEL_CONFLICT),
        duplicates=verdict.acceptance.duplicates,
        near_duplicate_groups=_groups(placement.near),
        to_review=placement.to_review,
        conflicts=tuple(refusal for refusal in refused if refusal.code == LABEL_CONFLICT),
        leaks=_leaks(verdict.facts, contract.near_duplicates),
        classes=_classes(contract, [(str(each.facts.label), each.split) for each in placement.placed]),
        stopped=verdict.stopped,
        warned=verdict.found.warned,
        remarks=tuple(filter(None, (*verdict.found.remarks, too_few(verdict.counts, contract)))),
    )


def calibrated(facts: Sequence[ImageFacts]) -> NearDuplicateRule | None:
    """The thresholds for these images; None where no threshold tells different parts apart.

    Of images of different classes, which show different parts for sure, at most one pair in 100,000 may look the same;
    thresholds are never above the usual ones. Raises WrongInput when there are no images of different classes.
    """
    sound = [fact for fact in facts if fact.phash64 and fact.label]
    labels = np.unique([str(fact.label) for fact in sound], return_inverse=True)[1]
    if len(set(labels.tolist())) < TWO:
        raise WrongInput("All images are of one class, so none show different parts for sure; add images of another")
    table, usual = HashTable([hashes_of(fact) for fact in sound]), NearDuplicateRule()
    coarse = _largest(distances_between(table.coarse, labels, 64), usual.coarse)
    fine = _largest(distances_between(table.fine, labels, 256), usual.fine)
    # The fine hash has the last word; where the coarse one tells nothing, more pairs only wait for a person.
    return NearDuplicateRule(coarse=coarse or 0, fine=fine) if fine is not None else None


def _largest(counts: Sequence[int], usual: int) -> int | None:
    """The largest distance up to which at most the allowed share of pairs lies; None when even 0 is too much."""
    allowed = RANDOM_PAIR_RATE * sum(counts)
    within = np.cumsum(counts[: usual + 1])
    return int(np.count_nonzero(within <= allowed)) - 1 if within[0] <= allowed else None


def _groups(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    names = sorted({name for pair in pairs for name in pair})
    places = {name: place for place, name in enumerate(names)}
    edges = np.array([(places[one], places[other]) for one, other in pairs], np.int64).reshape(-1, 2)
    return tuple(tuple(names[place] for place in group) for group in components(len(names), edges))


def _leaks(facts: Sequence[ImageFacts], rule: NearDuplicateRule | None) -> tuple[Leak, ...]:
    """Pairs on different sides that are the same picture, or nearly so."""
    sided = [fact for fact in facts if side_of(fact.file) and fact.pixel_digest]
    exact = _same_pictures(sided)
    leaks = [Leak(files=pair, kind="exact") for pair in exact]
    if rule is not None and sided:
        found = near_pairs_within(HashTable([hashes_of(fact) for fact in sided]), rule).near
        pairs = [_pair(sided[one].file, sided[other].file) for one, other in found]
        leaks += [Leak(files=pair, kind="near") for pair in pairs if _apart(pair) and pair not in exact]
    return tuple(sorted(leaks, key=lambda leak: leak.files))


def _same_pictures(facts: Sequence[ImageFacts]) -> set[tuple[str, str]]:
    by_picture: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        by_picture[str(fact.pixel_digest)].append(fact.file)
    pairs = (
        _pair(one, other) for files in by_picture.values() for at, one in enumerate(files) for other in files[at + 1 :]
    )
    return {pair for pair in pairs if _apart(pair)}


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _apart(pair: tuple[str, str]) -> bool:
    return side_of(pair[0]) != side_of(pair[1])


def _classes(contract: ImageContract, placed: Sequence[tuple[str, Split]]) -> tuple[ClassCount, ...]:
    counted = Counter(placed)
    return tuple(
        ClassCount(
            label=label,
            count=sum(counted[label, split] for split in Split),
            splits={str(split): counted[label, split] for split in Split},
        )
        for label in contract.labels
    )
