"""Two evaluations of the same held-out images, laid side by side for the gate."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

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
from data_contracts.policies import PromotionPolicy
from decisions.gate.class_set import ClassSets, bars_missed, class_set_change, comparable
from decisions.gate.continual import Cohort

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
        complete=len(everything) == images and champion.held_out_version == challenger.held_out_version,
        uses_left=uses_left,
        alpha_per_use=alpha_per_use,
        group_net_wins=_net_wins(pairs, group_of) if group_of else (),
        classes_changed=changed is not None,
        bars_missed=tuple(bars_missed(changed, policy)) if changed else (),
        correct=sum(pair.challenger_right for pair in pairs),
    )


def rival(name: str, other: Evaluation, challenger: Evaluation) -> Rival:
    """The challenger beside any *other* model, on the images that both answered."""
    pairs = paired(other, challenger)
    return Rival(name=name, n=len(pairs), losses=_lost(pairs).total(), wins=_won(pairs).total())


def running(evaluation: Evaluation, tier: str | None, usd: float | None) -> Running:
    """What the answers took: median latency of those that came, and the price of 1,000, *usd* being that of all."""
    came = (each.latency_ms for each in evaluation.answers if each.outcome is not Outcome.FAILED)
    times = [each for each in came if each is not None]
    return Running(
        median_ms=median(times) if times else None,
        tier=tier,
        usd_per_1000=1000 * usd / len(evaluation.answers) if usd is not None and evaluation.answers else None,
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


def _net_wins(pairs: Sequence[PairedAnswer], group_of: Mapping[str, str]) -> tuple[int, ...]:
    net: Counter[str] = Counter()
    for pair in pairs:
        net[group_of.get(pair.image, pair.image)] += int(pair.challenger_right) - int(pair.champion_right)
    return tuple(net[group] for group in sorted(net))


def _lost(pairs: Sequence[PairedAnswer]) -> Counter[str]:
    return Counter(p.expected for p in pairs if p.champion_right and not p.challenger_right)


def _won(pairs: Sequence[PairedAnswer]) -> Counter[str]:
    return Counter(p.expected for p in pairs if p.challenger_right and not p.champion_right)
