"""Every rule of the gate with the figure that it looked at, for people who have to defend a verdict."""

from collections.abc import Iterator

from data_contracts.evaluation import PromotionEvidence
from data_contracts.figures import ModelFigures
from data_contracts.iteration_report import ClassTest, RuleFigure
from data_contracts.ledger import Decided, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from decisions.gate.wording import points
from decisions.intervals import holm, mcnemar_harm, noninferiority


def class_tests(evidence: PromotionEvidence) -> tuple[ClassTest, ...]:
    """The test for harm of each class, adjusted by Holm; likeliest harm first."""
    adjusted = holm([mcnemar_harm(table.losses, table.wins) for table in evidence.classes.values()])
    tests = [
        ClassTest(name=label, images=table.images, losses=table.losses, wins=table.wins, p=p)
        for (label, table), p in zip(evidence.classes.items(), adjusted, strict=True)
    ]
    return tuple(sorted(tests, key=lambda test: (test.p, test.name)))


def paired_rules(
    decided: Decided, evidence: PromotionEvidence, tests: tuple[ClassTest, ...], policy: PromotionPolicy
) -> Iterator[RuleFigure]:
    """The rules that compare a challenger with a champion."""
    n, losses, wins = decided.n, decided.losses, decided.wins
    low, high = decided.interval
    failures = max(evidence.champion_failure_share, evidence.challenger_failure_share)
    harm, no_worse = mcnemar_harm(losses, wins), noninferiority(n, losses, wins, policy.margin)
    asked, told = f"p of at most {decided.alpha_per_use:.3g}", decided.p_superior <= decided.alpha_per_use
    yield RuleFigure(rule="Proved better", figure=_p(decided.p_superior), asked=asked, held=told)
    yield RuleFigure(
        rule="Gain",
        figure=f"{_points((wins - losses) / n)}, 95 % interval {_points(low)} to {_points(high)} points",
        asked="",
        held=None,
    )
    yield _limit(
        "Not worse overall", f"{_p(harm)} for harm", f"above {policy.harm_alpha:.3g}", harm > policy.harm_alpha
    )
    yield _harm(decided, tests, policy)
    yield RuleFigure(
        rule=f"At most {points(policy.margin)} worse",
        figure=_p(no_worse),
        asked=asked,
        held=no_worse <= decided.alpha_per_use,
    )
    yield _limit(
        "No class's recall fell much",
        ", ".join(decided.warned) or "none fell",
        f"at most {points(policy.class_drop)}, in classes of {policy.class_drop_images} images or more",
        not decided.warned,
    )
    yield _limit(
        "No batch answered worse", ", ".join(decided.worse_batches) or "none", "none", not decided.worse_batches
    )
    yield _limit(
        "Answers lost to failures",
        f"{failures:.1%}",
        f"at most {policy.largest_failure_share:.1%}",
        failures <= policy.largest_failure_share,
    )


def lone_rules(
    challenger: ModelFigures, local: ModelFigures | None, base: ModelFigures | None, policy: PromotionPolicy
) -> Iterator[RuleFigure]:
    """The rules for a challenger without a champion to beat."""
    yield _limit(
        "Accuracy",
        f"{challenger.accuracy:.1%}",
        f"at least {policy.smallest_accuracy:.1%}",
        challenger.accuracy >= policy.smallest_accuracy,
    )
    for other in (local, base):
        if other is not None:
            better = challenger.accuracy >= other.accuracy
            yield _limit(f"Not below the {other.role}", f"{other.accuracy:.1%}", "at most the challenger's", better)


def size_rules(
    decided: Decided, version: HeldOutVersionMade, spent: int, policy: PromotionPolicy
) -> Iterator[RuleFigure]:
    """The rules about the held-out version, of which *spent* uses are gone, that of this verdict among them."""
    enough = decided.n >= policy.smallest_held_out
    yield _limit("Enough held-out images", f"{decided.n:,}", f"at least {policy.smallest_held_out:,}", enough)
    left = max(0, version.uses - spent)
    yield _limit(
        "Within the held-out version's uses",
        f"use {spent} of {version.uses}, {left} left",
        f"at most {version.uses}",
        spent <= version.uses,
    )


def p_value(value: float) -> str:
    """A p-value as people read it, to four digits."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004  (the last digit that is shown)


def _p(value: float) -> str:
    told = p_value(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def _harm(decided: Decided, tests: tuple[ClassTest, ...], policy: PromotionPolicy) -> RuleFigure:
    first = f"{tests[0].name}: {_p(tests[0].p)}" if tests else "no classes"
    figure = ", ".join(decided.harmed) or f"likeliest {first}"
    return _limit("No class worse (Holm)", figure, f"each above {policy.harm_alpha:.3g}", not decided.harmed)


def _limit(rule: str, figure: str, asked: str, held: bool) -> RuleFigure:  # noqa: FBT001  (what was found)
    return RuleFigure(rule=rule, figure=figure, asked=asked, held=held)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
