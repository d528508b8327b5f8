"""What becomes of a batch, from the facts of its files to groups and splits; said in one place for all who ask."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from data_contracts.findings import Findings
from data_contracts.image_contract import ImageContract
from data_contracts.images import ImageFacts, LabeledImage, Refusal
from data_contracts.label_sheet import LabelSheet
from data_contracts.refusal_codes import FORGOTTEN
from decisions.forgetting import arrived_again
from decisions.ingestion.acceptance import Acceptance, judge_batch
from decisions.ingestion.batch_rules import with_balance
from decisions.ingestion.grouping import Placement, place
from decisions.ingestion.labeling import labeled
from decisions.ingestion.retired_classes import still_asked

CheckRules = Callable[[Sequence[ImageFacts], ImageContract, Sequence[Refusal]], Findings]


@dataclass(frozen=True)
class KnownImages:
    """What a loop has accepted until now, in today's classes."""

    images: Sequence[LabeledImage] = ()
    """All of them, forgotten ones too."""
    forgotten: frozenset[str] = frozenset()
    disputed: frozenset[str] = frozenset()

    @property
    def forgotten_pictures(self) -> frozenset[str]:
        """Digests of the bytes and of the pixels of what is forgotten."""
        return self.forgotten | {image.pixel_digest for image in self.images if image.digest in self.forgotten}


@dataclass(frozen=True)
class BatchVerdict:
    """What becomes of the files of a batch."""

    facts: Sequence[ImageFacts]
    acceptance: Acceptance
    placement: Placement
    found: Findings
    counts: Mapping[str, int]
    """Images of each class that the loop would have, those of earlier batches too."""

    @property
    def refused(self) -> list[Refusal]:
        """Why files of the batch stay outside, in order of their names."""
        return sorted((*self.acceptance.refused, *self.placement.refused), key=lambda refusal: refusal.file)

    @property
    def stopped(self) -> str | None:
        """Why nothing of the batch may enter; None when it may."""
        return self.placement.stopped or self.found.stopped


def judged(  # noqa: PLR0917  (the batch, what is known, and what is asked of it)
    facts: Sequence[ImageFacts],
    sheet: LabelSheet | None,
    refused: Sequence[Refusal],
    known: KnownImages,
    contract: ImageContract,
    check_rules: CheckRules,
) -> BatchVerdict:
    """What becomes of files with these *facts*, of which some are *refused* already, beside the images *known*.

    *check_rules* carries out the contract's rules on facts, beside what is refused before.
    """
    named, unlabeled = labeled(facts, sheet, contract)
    again = arrived_again(named, known.forgotten_pictures)
    found = check_rules(named, contract, [*refused, *again, *unlabeled])
    pictures = {image.pixel_digest: image for image in still_asked(known.images, contract)}
    acceptance = judge_batch(named, found.refused, pictures, known.disputed)
    placement = _without_forgotten(place(acceptance.accepted, known.images, contract), known.forgotten)
    remembered = (image.label for image in known.images if image.digest not in known.forgotten)
    labels = [*remembered, *(str(each.facts.label) for each in placement.placed)]
    return BatchVerdict(named, acceptance, placement, with_balance(found, labels, contract), Counter(labels))


def _without_forgotten(placement: Placement, forgotten: frozenset[str]) -> Placement:
    """The placement without newcomers that are nearly the same picture as a forgotten one."""
    near = {one for one, other in placement.near if other in forgotten}
    refused = tuple(
        Refusal(file=each.facts.file, code=FORGOTTEN, reason="nearly the same picture as one that was forgotten")
        for each in placement.placed
        if each.facts.file in near
    )
    placed = tuple(each for each in placement.placed if each.facts.file not in near)
    return replace(placement, placed=placed, refused=(*placement.refused, *refused))
