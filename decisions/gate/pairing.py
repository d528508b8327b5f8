"""Two evaluations of the same held-out images, laid side by side for the gate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from data_contracts.evaluation import (
    Answer,
    ClassTable,
    Evaluation,
    Outcome,
    PairedAnswer,
    PromotionEvidence,
    Rival,
    Running,
)
from data_contracts.ledger import Evaluated
from data_contracts.policies import PromotionPolicy
from decisions.gate.class_set import ClassSets, bars_missed, class_set_change, comparable

DEFAULTS = PromotionPolicy()


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
    group_of: Mapping[str, str] | None = None,
    classes: ClassSets | None = None,
    policy: PromotionPolicy = DEFAULTS,
) -> PromotionEvidence:
    """What the gate looks at; incomplete unless both answered all *images* of one held-out version.

    *group_of* names the group of each image by digest, where images of a group show the same part. Only images of
    classes that both know are compared where the *classes* differ.
    """
    everything = paired(champion, challenger)
    changed = None
    if classes is not None and classes.old != classes.new:
        changed = class_set_change(everything, *classes, policy)
    pairs = comparable(everything, *classes) if classes and changed else everything
    lost = _lost_answers(champion), _lost_answers(challenger)
    return PromotionEvidence(
        n=len(pairs),
        **_counts(pairs, lost, group_of),
        classes=_tables(pairs, {pair.image: pair.expected for pair in pairs}, lost, group_of),
        champion_failure_share=champion.failure_share,
        challenger_failure_share=challenger.failure_share,
        complete=len(everything) == images and champion.held_out_version == challenger.held_out_version,
        uses_left=uses_left,
        alpha_per_use=alpha_per_use,
        classes_changed=changed is not None,
        bars_missed=tuple(bars_missed(changed, policy)) if changed else (),
        correct=sum(pair.challenger_right for pair in pairs),
    )


def rival(name: str, other: Evaluation, challenger: Evaluation, group_of: Mapping[str, str] | None = None) -> Rival:
    """The challenger beside any *other* model, on the images that both answered."""
    pairs = paired(other, challenger)
    lost = _lost_answers(other), _lost_answers(challenger)
    return Rival(name=name, n=len(pairs), **_counts(pairs, lost, group_of))


def running(entry: Evaluated, usd: float | None) -> Running:
    """What a model's answers took, *usd* being the price of all: only times of this iteration can be compared."""
    return Running(
        median_ms=entry.median_ms, tier=entry.sku, usd_per_1000=1000 * usd / entry.images if usd is not None else None
    )


def agreement(champion: Evaluation, challenger: Evaluation) -> Mapping[tuple[bool, bool], int]:
    """How often the champion and the challenger were right, or not, about the same held-out example."""
    counted = Counter((pair.champion_right, pair.challenger_right) for pair in paired(champion, challenger))
    return {(one, other): counted[one, other] for one in (True, False) for other in (True, False)}


def by_cohort(
    before: Evaluation, after: Evaluation, cohort_of: Mapping[str, str], group_of: Mapping[str, str] | None = None
) -> Mapping[str, ClassTable]:
    """The paired answers counted by the cohort that each image belongs to, *cohort_of* it by digest."""
    lost = _lost_answers(before), _lost_answers(after)
    return _tables(paired(before, after), cohort_of, lost, group_of)


def _pair(mine: Answer, other: Answer) -> PairedAnswer:
    return PairedAnswer(
        image=mine.image,
        expected=mine.expected,
        champion=mine.given,
        challenger=other.given,
        champion_passed=mine.passed,
        challenger_passed=other.passed,
    )


_LostAnswers = tuple[frozenset[str], frozenset[str]]
"""Images whose answer the service lost, by digest: of the other model, and of the challenger."""


class _Counts(TypedDict):
    losses: int
    wins: int
    losses_by_failure: int
    wins_by_failure: int
    group_net_wins: tuple[int, ...]
    group_images: tuple[int, ...]
    group_losses_by_failure: tuple[int, ...]
    group_wins_by_failure: tuple[int, ...]


class _Tally(NamedTuple):
    """Of some images: how many there are, were lost and won, and were so because an answer was lost."""

    images: int = 0
    losses: int = 0
    wins: int = 0
    unlucky: int = 0
    lucky: int = 0

    def plus(self, pair: PairedAnswer, lost: _LostAnswers) -> "_Tally":
        won, beaten = _won(pair), _lost(pair)
        unlucky, lucky = beaten and pair.image in lost[1], won and pair.image in lost[0]
        return _Tally(*map(sum, zip(self, (1, beaten, won, unlucky, lucky), strict=True)))


def _counts(pairs: Iterable[PairedAnswer], lost: _LostAnswers, group_of: Mapping[str, str] | None) -> _Counts:
    whole, groups = _Tally(), dict[str, _Tally]()
    for pair in pairs:
        whole = whole.plus(pair, lost)
        if group_of is not None:
            group = group_of.get(pair.image, pair.image)
            groups[group] = groups.get(group, _Tally()).plus(pair, lost)
    tallies = [groups[group] for group in sorted(groups)]
    return _Counts(
        losses=whole.losses,
        wins=whole.wins,
        losses_by_failure=whole.unlucky,
        wins_by_failure=whole.lucky,
        group_net_wins=tuple(each.wins - each.losses for each in tallies),
        group_images=tuple(each.images for each in tallies),
        group_losses_by_failure=tuple(each.unlucky for each in tallies),
        group_wins_by_failure=tuple(each.lucky for each in tallies),
    )


def _tables(
    pairs: Sequence[PairedAnswer],
    part_of: Mapping[str, str],
    lost: _LostAnswers,
    group_of: Mapping[str, str] | None,
) -> dict[str, ClassTable]:
    """The pairs counted by the part of the images, *part_of* it by digest, that each belongs to."""
    parts: dict[str, list[PairedAnswer]] = {}
    for pair in pairs:
        parts.setdefault(part_of[pair.image], []).append(pair)
    return {
        name: ClassTable(images=len(found), **_counts(found, lost, group_of)) for name, found in sorted(parts.items())
    }


def _lost_answers(evaluation: Evaluation) -> frozenset[str]:
    return frozenset(answer.image for answer in evaluation.answers if answer.outcome is Outcome.FAILED)


def _won(pair: PairedAnswer) -> bool:
    return pair.challenger_right and not pair.champion_right


def _lost(pair: PairedAnswer) -> bool:
    return pair.champion_right and not pair.challenger_right
