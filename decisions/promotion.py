"""The gate: whether a challenger has proved itself on held-out images by exact paired tests."""

from collections.abc import Mapping

from data_contracts.evaluation import Action, ClassTable, Code, Evaluation, PromotionDecision, PromotionEvidence
from data_contracts.policies import PromotionPolicy
from data_contracts.record import Record
from decisions.intervals import holm, mcnemar_harm, mcnemar_superiority, noninferiority, sample_size, tango, wilson


class _Figures(Record):
    delta: float
    p_superior: float
    p_harm: float
    p_noninferior: float
    interval: tuple[float, float]
    harmed: tuple[str, ...]
    warned: tuple[str, ...]


def decide_promotion(evidence: PromotionEvidence, policy: PromotionPolicy) -> PromotionDecision:
    """Whether the challenger takes the champion's place; ties, doubts and partial answers keep the champion."""
    if evidence.n == 0 or not evidence.complete:
        return _invalid("not every held-out image was answered by both models: the evaluation has to be completed")
    figures = _figures(evidence, policy)
    code, why = _verdict(evidence, figures, policy)
    return PromotionDecision(
        code=code,
        action=_action(code, policy),
        reason=f"{_score_line(evidence, figures)}: {why}",
        **figures.model_dump(),
    )


def decide_without_comparison(challenger: Evaluation, images: int, policy: PromotionPolicy) -> PromotionDecision:
    """A person decides where there is neither a champion nor a base model to compare with; nothing is proved."""
    if len(challenger.answers) != images:
        return _invalid("not every held-out image was answered: the evaluation has to be completed")
    if challenger.failure_share > policy.largest_failure_share:
        return _invalid(f"{challenger.failure_share:.1%} of the answers were lost to failures, evaluate again")
    low, high = wilson(challenger.correct, images)
    reason = (
        f"right on {challenger.correct} of {images:,} ({challenger.accuracy:.1%}, 95 % interval {low:.1%} to "
        f"{high:.1%}), with no champion and no base model to compare with: a person decides"
    )
    return _unproved(Code.HUMAN_NO_COMPARISON, Action.ASK, reason)


def _verdict(  # noqa: PLR0911  (the order of the rules is the rule)
    evidence: PromotionEvidence, figures: _Figures, policy: PromotionPolicy
) -> tuple[Code, str]:
    failures = max(evidence.champion_failure_share, evidence.challenger_failure_share)
    if evidence.uses_left <= 0:
        return Code.HUMAN_BUDGET_EXHAUSTED, "this held-out version has no uses left, a person has to decide"
    if failures > policy.largest_failure_share:
        return Code.INVALID_RERUN, f"{failures:.1%} of the answers were lost to failures, evaluate again"
    if figures.harmed:
        return Code.REJECT, f"worse on {', '.join(figures.harmed)}, keep the champion"
    if figures.p_harm <= policy.harm_alpha:
        return Code.REJECT, "worse overall, keep the champion"
    if figures.p_superior <= evidence.alpha_per_use:
        return _superior(evidence, figures, policy)
    if figures.p_noninferior <= evidence.alpha_per_use:
        return Code.HUMAN_NON_INFERIOR, f"not proved better, but at most {policy.margin:.1%} worse"
    return Code.HUMAN_INCONCLUSIVE, f"no proof either way ({_images_needed(evidence)})"


def _images_needed(evidence: PromotionEvidence) -> str:
    """How many images would show the gain that was seen, if it is real."""
    asked = f"p <= {evidence.alpha_per_use:.4g} was asked for"
    if evidence.wins <= evidence.losses:
        return asked
    gain, discordance = (evidence.wins - evidence.losses) / evidence.n, (evidence.wins + evidence.losses) / evidence.n
    return f"{asked}; some {sample_size(gain, discordance, evidence.alpha_per_use):,} images would show such a gain"


def _superior(evidence: PromotionEvidence, figures: _Figures, policy: PromotionPolicy) -> tuple[Code, str]:
    doubts = []
    if evidence.n < policy.smallest_held_out:
        doubts.append(f"{evidence.n} images are fewer than the {policy.smallest_held_out} the policy asks for")
    if figures.warned:
        doubts.append(f"recall of {', '.join(figures.warned)} fell by more than {policy.class_drop:.0%}")
    if evidence.leak_found:
        doubts.append("held-out images resemble training images")
    if evidence.grouped:
        doubts.append("several held-out images show the same part, so they prove less than their number says")
    if doubts:
        return Code.HUMAN_SUPERIOR_WITH_WARNINGS, f"better, but {' and '.join(doubts)}; a person decides"
    return Code.PROMOTE, "no class worse, promote"


def _action(code: Code, policy: PromotionPolicy) -> Action:
    if code is Code.PROMOTE:
        return Action.PROMOTE
    if code is Code.REJECT:
        return Action.KEEP
    if code is Code.INVALID_RERUN:
        return Action.RERUN
    if code in (Code.HUMAN_SUPERIOR_WITH_WARNINGS, Code.HUMAN_BUDGET_EXHAUSTED):
        return Action.ASK
    return Action.ASK if policy.when_inconclusive == "ask" else Action.KEEP


def _figures(evidence: PromotionEvidence, policy: PromotionPolicy) -> _Figures:
    n, losses, wins = evidence.n, evidence.losses, evidence.wins
    harmed = _harmed(evidence.classes, policy)
    return _Figures(
        delta=(wins - losses) / n,
        p_superior=mcnemar_superiority(losses, wins),
        p_harm=mcnemar_harm(losses, wins),
        p_noninferior=noninferiority(n, losses, wins, policy.margin),
        interval=tango(n, losses, wins),
        harmed=harmed,
        warned=tuple(label for label in _warned(evidence.classes, policy) if label not in harmed),
    )


def _harmed(classes: Mapping[str, ClassTable], policy: PromotionPolicy) -> tuple[str, ...]:
    """Classes on which the challenger is worse beyond chance, allowing for how many there are."""
    adjusted = holm([mcnemar_harm(table.losses, table.wins) for table in classes.values()])
    return tuple(label for label, p in zip(classes, adjusted, strict=True) if p <= policy.harm_alpha)


def _warned(classes: Mapping[str, ClassTable], policy: PromotionPolicy) -> tuple[str, ...]:
    """Classes whose recall fell by more than the policy likes, proved or not."""
    return tuple(
        label
        for label, table in classes.items()
        if table.images >= policy.class_drop_images and (table.losses - table.wins) / table.images > policy.class_drop
    )


def _score_line(evidence: PromotionEvidence, figures: _Figures) -> str:
    p = f"p = {figures.p_superior:.2g}"
    return f"won {evidence.wins}, lost {evidence.losses} of {evidence.n:,} ({p})"


def _invalid(why: str) -> PromotionDecision:
    return _unproved(Code.INVALID_RERUN, Action.RERUN, why)


def _unproved(code: Code, action: Action, why: str) -> PromotionDecision:
    return PromotionDecision(
        code=code,
        action=action,
        reason=why,
        delta=0,
        p_superior=1,
        p_harm=1,
        p_noninferior=1,
        interval=(-1, 1),
    )
