"""What speaks against a challenger that is better: each a reason for a person to look, none of them a proof of harm."""

from collections.abc import Iterator, Sequence

from data_contracts.evaluation import ClassTable, PromotionEvidence, Rival
from data_contracts.policies import PromotionPolicy
from decisions.gate.paired_tests import p_at_most_worse, p_better_if_heard, p_worse
from decisions.gate.wording import listed, p_in_words, percent, points
from decisions.intervals import wilson

SMALLEST_SLOWDOWN_MS = 250
"""A smaller difference between two medians is as likely the network's, or that of the hour, as the model's."""


def doubts(evidence: PromotionEvidence, warned: tuple[str, ...], policy: PromotionPolicy) -> tuple[str, ...]:
    """Everything that keeps the gate from promoting by itself, each in a few words; empty where nothing does."""
    return (
        *_about_the_images(evidence, warned, policy),
        *_won_by_failures(evidence),
        *_creeping_loss(evidence, policy),
        *_critical(evidence, policy),
        *_dearer(evidence, policy),
        *_first_model(evidence, policy),
    )


def not_compared(evidence: PromotionEvidence, policy: PromotionPolicy) -> Iterator[str]:
    """What could not be compared, and why."""
    before, after = evidence.champion_running, evidence.challenger_running
    if before.tier != after.tier:
        yield f"latency not compared: the tiers differ ({before.tier or 'not noted'} and {after.tier or 'not noted'})"
    elif before.tier is None or not before.median_ms or after.median_ms is None:
        yield "latency not compared: not both were asked about all images in this iteration"
    if not before.usd_per_1000 or after.usd_per_1000 is None:
        yield "price not compared: the price table does not know both models"
    if evidence.first and evidence.local is None and policy.local_baseline != "off":
        yield "no local baseline was measured"


def shown_as_good(evidence: PromotionEvidence, harmed: Sequence[str], policy: PromotionPolicy) -> Iterator[str]:
    """Which classes were shown to be as good: that none is proved worse does not say it."""
    tables = evidence.classes.items()
    shown = [label for label, table in tables if _as_good(table, policy)]
    if tables:
        others = "that no other class" if harmed else "that no class"
        yield (
            f"{others} is proved worse does not show each to be as good; shown to lose at most "
            f"{points(policy.critical_margin)}: {len(shown)} of {len(tables)}"
            f"{f' ({listed(shown)})' if shown else ''}"
        )


def below_the_floor(correct: int, n: int, policy: PromotionPolicy) -> str | None:
    """What an accuracy proved to be below the policy's smallest one says; None where that is not proved."""
    low, high = wilson(correct, n)
    if high >= policy.smallest_accuracy:
        return None
    seen = f"right on {correct:,} of {n:,}, 95 % interval {low:.1%} to {high:.1%}"
    return f"below the {percent(policy.smallest_accuracy)} that a first model has to reach ({seen})"


def local_is_better(local: Rival | None, policy: PromotionPolicy) -> str | None:
    """The sentence about a local model that is proved better; None where there is none."""
    if local is None or p_worse(local, local.n) > policy.harm_alpha:
        return None
    more = local.losses - local.wins
    return f"a local model ({local.name}) is right on {more:,} more of the {local.n:,} images"


def _about_the_images(evidence: PromotionEvidence, warned: tuple[str, ...], policy: PromotionPolicy) -> Iterator[str]:
    if evidence.n < policy.smallest_held_out:
        yield f"{evidence.n:,} images are fewer than the {policy.smallest_held_out:,} the policy asks for"
    if warned:
        yield f"recall of {listed(warned)} fell by more than {points(policy.class_drop)}"
    if evidence.leak_found:
        yield "held-out images resemble training images"
    if evidence.worse_cohorts:
        yield f"images of {listed(evidence.worse_cohorts)} are answered worse than before"


def _won_by_failures(evidence: PromotionEvidence) -> Iterator[str]:
    """The service's failures say nothing of the champion: a challenger must not win by them."""
    if evidence.wins_by_failure == 0:
        return
    p = p_better_if_heard(evidence, evidence.n)
    if p > evidence.alpha_per_use:
        yield (
            f"{evidence.wins_by_failure:,} of the wins are answers of the champion that the service lost; without "
            f"them it is not proved ({p_in_words(p, evidence.alpha_per_use)})"
        )


def _creeping_loss(evidence: PromotionEvidence, policy: PromotionPolicy) -> Iterator[str]:
    best = evidence.anchor
    if best is None or best.n == 0:
        return
    if p_at_most_worse(best, best.n, policy.margin) > evidence.alpha_per_use:
        yield (
            f"creeping loss is possible: won {best.wins:,}, lost {best.losses:,} of {best.n:,} against the best "
            f"champion so far, {best.name}, which does not show at most {points(policy.margin)} lost"
        )


def _critical(evidence: PromotionEvidence, policy: PromotionPolicy) -> Iterator[str]:
    for label in policy.critical_classes:
        table = evidence.classes.get(label)
        if table is None or table.images == 0:
            yield f"critical class {label} has no held-out images"
        elif not _as_good(table, policy):
            yield (
                f"critical class {label} (won {table.wins:,}, lost {table.losses:,} of {table.images:,}) is not shown "
                f"to lose at most {points(policy.critical_margin)}"
            )


def _as_good(table: ClassTable, policy: PromotionPolicy) -> bool:
    return table.n > 0 and p_at_most_worse(table, table.n, policy.critical_margin) <= policy.harm_alpha


def _dearer(evidence: PromotionEvidence, policy: PromotionPolicy) -> Iterator[str]:
    if evidence.first:  # the base model does no work yet that could become slower or dearer
        return
    before, after = evidence.champion_running, evidence.challenger_running
    if before.tier == after.tier is not None and before.median_ms and after.median_ms is not None:
        slower = after.median_ms / before.median_ms - 1
        if slower > policy.largest_slowdown and after.median_ms - before.median_ms > SMALLEST_SLOWDOWN_MS:
            yield f"median latency grew by {slower:.0%}, to {after.median_ms:,.0f} ms"
    if before.usd_per_1000 and after.usd_per_1000 is not None:
        dearer = after.usd_per_1000 / before.usd_per_1000 - 1
        if dearer > policy.largest_cost_growth:
            yield f"the price of 1,000 answers grew by {dearer:.0%}, to ${after.usd_per_1000:,.2f}"


def _first_model(evidence: PromotionEvidence, policy: PromotionPolicy) -> Iterator[str]:
    if not evidence.first:
        return
    if evidence.correct is not None and evidence.correct < policy.smallest_accuracy * evidence.n:
        seen = f"{evidence.correct:,} of {evidence.n:,} right"
        yield f"{seen} is less than the {percent(policy.smallest_accuracy)} of a first model"
    better = local_is_better(evidence.local, policy) if policy.local_baseline == "require" else None
    if better:
        yield better
