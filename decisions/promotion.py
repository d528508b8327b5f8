"""The gate: whether a challenger has proved itself on held-out images by exact paired tests."""

from collections.abc import Mapping

from data_contracts.evaluation import (
    Action,
    ClassTable,
    ClassTest,
    Code,
    Evaluation,
    PromotionDecision,
    PromotionEvidence,
    Rival,
)
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.gate.doubts import below_the_floor, doubts, local_is_better, not_compared, shown_as_good
from decisions.gate.paired_tests import gain_interval, grouped, images_to_show, p_at_most_worse, p_better, p_worse
from decisions.gate.wording import listed, p_in_words, percent, points
from decisions.intervals import holm, mcnemar_midp, wilson

FOLLOWS = {Action.PROMOTE: "promote", Action.KEEP: "keep the champion", Action.ASK: "a person decides"}
"""What happens now, at the end of the sentence."""


_SHOWS_HARM = (Code.REJECT, Code.HUMAN_BUDGET_EXHAUSTED)


class _Figures(Record):
    delta: float
    p_superior: float
    p_harm: float
    p_noninferior: float
    p_midp: float
    interval: tuple[float, float]
    harmed: tuple[str, ...]
    warned: tuple[str, ...]
    class_tests: tuple[ClassTest, ...]


def decide_promotion(evidence: PromotionEvidence, policy: PromotionPolicy) -> PromotionDecision:
    """Whether the challenger takes the champion's place; ties, doubts and partial answers keep the champion.

    Evidence that cannot be, such as more losses and wins than images, raises ValueError when it is made.
    """
    if evidence.complete and evidence.classes_changed and evidence.n == 0:
        nothing = "the classes changed, and none that both models know has held-out images: a person decides"
        return _unproved(Code.HUMAN_CLASS_CHANGE, Action.ASK, nothing, evidence.bars_missed)
    if evidence.n == 0 or not evidence.complete:
        return _invalid("not every held-out image was answered by both models: the evaluation has to be completed")
    figures = _figures(evidence, policy)
    against = doubts(evidence, figures.warned, policy)
    code, why = _verdict(evidence, figures, against, policy)
    action = _action(code, policy)
    reason = why
    if code is not Code.INVALID_RERUN:  # no word on who won, for no use is spent
        reason = f"{_score(evidence, figures, code, policy)}, {why}: {FOLLOWS[action]}"
    return PromotionDecision(
        code=code,
        action=action,
        reason=reason,
        doubts=against,
        remarks=_remarks(evidence, figures.harmed, against, policy),
        **figures.model_dump(),
    )


def decide_without_comparison(
    challenger: Evaluation, images: int, policy: PromotionPolicy, local: Rival | None = None
) -> PromotionDecision:
    """Without a champion and a base model: proved below the floor rejects, and else a person decides.

    *local* is the local baseline, where it was measured. Nothing counts as proved better.
    """
    if len(challenger.answers) != images:
        return _invalid("not every held-out image was answered: the evaluation has to be completed")
    if challenger.failure_share > policy.largest_failure_share:
        return _invalid(_lost(challenger.failure_share))
    if low := below_the_floor(challenger.correct, images, policy):
        return _unproved(Code.REJECT, Action.KEEP, f"the model is {low}: it is not promoted")
    low_end, high_end = wilson(challenger.correct, images)
    reason = (
        f"right on {challenger.correct:,} of {images:,} ({challenger.accuracy:.1%}, 95 % interval {low_end:.1%} to "
        f"{high_end:.1%}), with no champion and no base model to compare with"
    )
    if challenger.accuracy < policy.smallest_accuracy:
        reason += f", and less than the {percent(policy.smallest_accuracy)} of a first model, though that is not proved"
    better = local_is_better(local, policy)
    if better and policy.local_baseline == "require":
        reason += f", and {better}"
    remarks = (better,) if better else ()
    return _unproved(Code.HUMAN_NO_COMPARISON, Action.ASK, f"{reason}: a person decides", remarks)


def _verdict(  # noqa: PLR0911  (the order of the rules is the rule)
    evidence: PromotionEvidence, figures: _Figures, against: tuple[str, ...], policy: PromotionPolicy
) -> tuple[Code, str]:
    failures = max(evidence.champion_failure_share, evidence.challenger_failure_share)
    if evidence.uses_left <= 0:
        seen = _worse(evidence, figures, policy)
        return (
            Code.HUMAN_BUDGET_EXHAUSTED,
            f"{f'{seen}, and ' if seen else 'but '}this held-out version has no uses left",
        )
    if failures > policy.largest_failure_share:
        return Code.INVALID_RERUN, _lost(failures)
    if worse := _worse(evidence, figures, policy):
        return Code.REJECT, worse
    if evidence.classes_changed:
        return Code.HUMAN_CLASS_CHANGE, _classes_changed(evidence, figures, against, policy)
    if figures.p_superior <= evidence.alpha_per_use and evidence.wins > evidence.losses:
        if against:
            return Code.HUMAN_SUPERIOR_WITH_WARNINGS, f"better, but {listed(against)}"
        return Code.PROMOTE, "no class worse" if evidence.classes else "classes not compared"
    needed = _images_needed(evidence)
    if figures.p_noninferior <= evidence.alpha_per_use:
        return Code.HUMAN_NON_INFERIOR, f"not proved better, but at most {points(policy.margin)} worse ({needed})"
    return Code.HUMAN_INCONCLUSIVE, f"no proof either way ({needed})"


def _worse(evidence: PromotionEvidence, figures: _Figures, policy: PromotionPolicy) -> str | None:
    """What is proved against the challenger; None where nothing is."""
    if figures.harmed:
        return f"worse on {listed(figures.harmed)}"
    if figures.p_harm <= policy.harm_alpha:
        return "worse overall"
    if evidence.first and evidence.correct is not None:
        return below_the_floor(evidence.correct, evidence.n, policy)
    return None


def _classes_changed(
    evidence: PromotionEvidence, figures: _Figures, against: tuple[str, ...], policy: PromotionPolicy
) -> str:
    """How the challenger stands where the champion knows other classes; not to be worse is enough there."""
    if figures.p_superior <= evidence.alpha_per_use:
        common = "better on the common classes"
    elif figures.p_noninferior <= evidence.alpha_per_use:
        common = f"at most {points(policy.margin)} worse on the common classes"
    else:
        common = f"not shown to be at most {points(policy.margin)} worse on the common classes"
    missed = (*evidence.bars_missed, *against)
    return (
        f"the classes changed: {common}{f', but {listed(missed)}' if missed else ', and new classes reach their bar'}"
    )


def _images_needed(evidence: PromotionEvidence) -> str:
    """How many images more would show the gain that was seen, if it is real."""
    asked = f"p <= {evidence.alpha_per_use:.4f}".rstrip("0") + " was asked for"
    needed = images_to_show(evidence, evidence.n, evidence.alpha_per_use)
    if needed is None or needed <= evidence.n:
        return asked
    gain = points((evidence.wins - evidence.losses) / evidence.n)
    return f"{asked}; {needed - evidence.n:,} more held-out images would show a gain of {gain}"


def _action(code: Code, policy: PromotionPolicy) -> Action:
    if code in (Code.HUMAN_NON_INFERIOR, Code.HUMAN_INCONCLUSIVE):
        return Action.ASK if policy.when_inconclusive == "ask" else Action.KEEP
    certain = {Code.PROMOTE: Action.PROMOTE, Code.REJECT: Action.KEEP, Code.INVALID_RERUN: Action.RERUN}
    return certain.get(code, Action.ASK)


def _figures(evidence: PromotionEvidence, policy: PromotionPolicy) -> _Figures:
    n, tests = evidence.n, class_tests(evidence)
    found = {test.name for test in tests if test.p <= policy.harm_alpha}
    harmed = tuple(label for label in evidence.classes if label in found)
    return _Figures(
        delta=(evidence.wins - evidence.losses) / n,
        p_superior=p_better(evidence, n),
        p_harm=p_worse(evidence, n),
        p_noninferior=p_at_most_worse(evidence, n, policy.margin),
        p_midp=mcnemar_midp(evidence.losses, evidence.wins),
        interval=gain_interval(evidence, n),
        harmed=harmed,
        warned=tuple(label for label in _warned(evidence.classes, policy) if label not in harmed),
        class_tests=tests,
    )


def class_tests(evidence: PromotionEvidence) -> tuple[ClassTest, ...]:
    """Each class's test for harm, allowing for how many there are by Holm; likeliest harm first."""
    tables = evidence.classes.items()
    adjusted = holm([p_worse(table, table.n) for _, table in tables])
    tests = [
        ClassTest(name=label, images=table.images, losses=table.losses, wins=table.wins, p=p)
        for (label, table), p in zip(tables, adjusted, strict=True)
    ]
    return tuple(sorted(tests, key=lambda test: (test.p, test.name)))


def _warned(classes: Mapping[str, ClassTable], policy: PromotionPolicy) -> tuple[str, ...]:
    """Classes whose recall fell by more than the policy likes, proved or not."""
    return tuple(
        label
        for label, table in classes.items()
        if table.images >= policy.class_drop_images and (table.losses - table.wins) / table.images > policy.class_drop
    )


def _score(evidence: PromotionEvidence, figures: _Figures, code: Code, policy: PromotionPolicy) -> str:
    by_groups = grouped(evidence, evidence.n)
    groups = f" over {len(evidence.group_net_wins):,} groups of images" if by_groups else ""
    if code in _SHOWS_HARM and figures.p_harm <= policy.harm_alpha:
        proof = f"{p_in_words(figures.p_harm, policy.harm_alpha)} for harm"
    else:
        proof = p_in_words(figures.p_superior, evidence.alpha_per_use)
    return f"won {evidence.wins:,}, lost {evidence.losses:,} of {evidence.n:,} ({proof}{groups})"


def _remarks(
    evidence: PromotionEvidence, harmed: tuple[str, ...], against: tuple[str, ...], policy: PromotionPolicy
) -> tuple[str, ...]:
    """All that the sentence leaves out or that a reader of the verdict should know."""
    local = local_is_better(evidence.local, policy) if policy.local_baseline == "report" else None
    return (
        *against,
        *evidence.bars_missed,
        *((local,) if local else ()),
        *not_compared(evidence, policy),
        *shown_as_good(evidence, harmed, policy),
        *_about_groups(evidence),
    )


def _about_groups(evidence: PromotionEvidence) -> tuple[str, ...]:
    if not grouped(evidence, evidence.n):
        return ()
    return ("several held-out images show the same part: groups, not images, were tested, in classes and batches too",)


def _lost(share: float) -> str:
    return f"{share:.1%} of the answers were lost to failures: evaluate again"


def _invalid(why: str) -> PromotionDecision:
    return _unproved(Code.INVALID_RERUN, Action.RERUN, why)


def _unproved(code: Code, action: Action, why: str, remarks: tuple[str, ...] = ()) -> PromotionDecision:
    return PromotionDecision(
        code=code,
        action=action,
        reason=why,
        remarks=remarks,
        delta=0,
        p_superior=1,
        p_harm=1,
        p_noninferior=1,
        interval=(-1, 1),
    )
