"""Two evaluations of the same held-out images, laid side by side for the gate."""

from collections import Counter
from collections.abc import Mapping, Sequence

from data_contracts.evaluation import Answer, ClassTable, Evaluation, PairedAnswer, PromotionEvidence
from decisions.gate.continual import Cohort


def paired(champion: Evaluation, challenger: Evaluation) -> tuple[PairedAnswer, ...]:
    """The answers of both to each image that both answered, ordered by image."""
    ours = {answer.image: answer for answer in champion.answers}
    theirs = {answer.image: answer for answer in challenger.answers}
    return tuple(_pair(ours[image], theirs[image]) for image in sorted(ours.keys() & theirs.keys()))


def promotion_evidence(
    champion: Evaluation,
    challenger: Evaluation,
    *,
    images: int,
    uses_left: int,
    alpha_per_use: float,
    grouped: bool = False,
) -> PromotionEvidence:
    """What the gate looks at; incomplete unless both answered all *images* of one held-out version."""
    pairs = paired(champion, challenger)
    losses, wins = _lost(pairs), _won(pairs)
    sizes = Counter(pair.expected for pair in pairs)
    return PromotionEvidence(
        n=len(pairs),
        losses=losses.total(),
        wins=wins.total(),
        classes={
            label: ClassTable(images=sizes[label], losses=losses[label], wins=wins[label]) for label in sorted(sizes)
        },
        champion_failure_share=champion.failure_share,
        challenger_failure_share=challenger.failure_share,
        complete=len(pairs) == images and champion.held_out_version == challenger.held_out_version,
        uses_left=uses_left,
        alpha_per_use=alpha_per_use,
        grouped=grouped,
    )


def agreement(champion: Evaluation, challenger: Evaluation) -> Mapping[tuple[bool, bool], int]:
    """How often the champion and the challenger were right, or not, about the same held-out example."""
    counted = Counter((pair.champion_right, pair.challenger_right) for pair in paired(champion, challenger))
    return {(one, other): counted[one, other] for one in (True, False) for other in (True, False)}


def by_cohort(before: Evaluation, after: Evaluation, cohort_of: Mapping[str, str]) -> Mapping[str, Cohort]:
    """The paired answers counted by the cohort that each image belongs to, *cohort_of* it by digest."""
    pairs: dict[str, list[PairedAnswer]] = {}
    for pair in paired(before, after):
        pairs.setdefault(cohort_of[pair.image], []).append(pair)
    return {
        name: Cohort(images=len(found), losses=_lost(found).total(), wins=_won(found).total())
        for name, found in sorted(pairs.items())
    }


def _pair(mine: Answer, other: Answer) -> PairedAnswer:
    return PairedAnswer(
        image=mine.image,
        expected=mine.expected,
        champion=mine.given,
        challenger=other.given,
        champion_passed=mine.passed,
        challenger_passed=other.passed,
    )


def _lost(pairs: Sequence[PairedAnswer]) -> Counter[str]:
    return Counter(p.expected for p in pairs if p.champion_right and not p.challenger_right)


def _won(pairs: Sequence[PairedAnswer]) -> Counter[str]:
    return Counter(p.expected for p in pairs if p.challenger_right and not p.champion_right)
