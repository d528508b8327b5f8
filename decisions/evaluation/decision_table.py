"""The rules of the gate with the figures that they looked at, for people who have to defend a verdict."""

from collections.abc import Callable, Iterator

from data_contracts.evaluation import Code
from data_contracts.figures import ModelFigures
from data_contracts.iteration_report import RuleFigure
from data_contracts.ledger import Decided, HeldOutVersionMade
from data_contracts.policies import PromotionPolicy
from decisions.gate.wording import points


def paired_rules(decided: Decided, policy: PromotionPolicy) -> Iterator[RuleFigure]:
    """The rules that compare a challenger with a champion, as the gate found them."""
    low, high = decided.interval
    asked, told = f"p of at most {decided.alpha_per_use:.3g}", decided.p_superior <= decided.alpha_per_use
    yield RuleFigure(rule="Proved better", figure=_p(decided.p_superior), asked=asked, held=told)
    yield RuleFigure(
        rule="Gain",
        figure=f"{_points((decided.wins - decided.losses) / decided.n)}, 95 % interval {_points(low)} to "
        f"{_points(high)} points",
        asked="",
        held=None,
    )
    yield _noted(
        "Not proved worse overall", decided.p_harm, f"above {policy.harm_alpha:.3g}", lambda p: p > policy.harm_alpha
    )
    yield _harm(decided, policy)
    no_worse = f"At most {points(policy.margin)} worse"
    yield _noted(no_worse, decided.p_noninferior, asked, lambda p: p <= decided.alpha_per_use)
    yield _limit(
        "No class's recall fell much",
        ", ".join(decided.warned) or "none fell",
        f"at most {points(policy.class_drop)}, in classes of {policy.class_drop_images} images or more",
        not decided.warned,
    )
    yield _limit(
        "No batch proved to be answered worse",
        ", ".join(decided.worse_batches) or "none",
        "none",
        not decided.worse_batches,
    )
    if decided.doubts is not None:
        asked = "latency, price, creeping loss, critical classes, lost answers, leaks, a first model's floor: none"
        yield _limit(
            "Nothing else speaks against it", "; ".join(decided.doubts) or "nothing", asked, not decided.doubts
        )
    share = decided.failure_share
    if share is not None:
        largest = policy.largest_failure_share
        yield _limit("Answers lost to failures", f"{share:.1%}", f"at most {largest:.1%}", share <= largest)


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


def size_rules(decided: Decided, version: HeldOutVersionMade, policy: PromotionPolicy) -> Iterator[RuleFigure]:
    """The rules about the held-out version, as many of whose uses are left as the verdict tells."""
    enough = decided.n >= policy.smallest_held_out
    yield _limit("Enough held-out images", f"{decided.n:,}", f"at least {policy.smallest_held_out:,}", enough)
    if decided.uses_left is not None:
        left = f"{decided.uses_left} of {version.uses} left after this one"
        had_one = decided.code is not Code.HUMAN_BUDGET_EXHAUSTED
        yield _limit("Within the held-out version's uses", left, "one left for it", had_one)


def p_value(value: float) -> str:
    """A p-value as people read it, to four digits."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004  (the last digit that is shown)


def _p(value: float) -> str:
    told = p_value(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def _harm(decided: Decided, policy: PromotionPolicy) -> RuleFigure:
    tests = decided.class_tests
    first = f"likeliest {tests[0].name}: {_p(tests[0].p)}" if tests else "no classes"
    figure = ", ".join(decided.harmed) or first
    return _limit("No class proved worse (Holm)", figure, f"each above {policy.harm_alpha:.3g}", not decided.harmed)


def _noted(rule: str, p: float | None, asked: str, holds: Callable[[float], bool]) -> RuleFigure:
    if p is None:
        return RuleFigure(rule=rule, figure="not noted", asked=asked, held=None)
    return RuleFigure(rule=rule, figure=_p(p), asked=asked, held=holds(p))


def _limit(rule: str, figure: str, asked: str, held: bool) -> RuleFigure:  # noqa: FBT001  (what was found)
    return RuleFigure(rule=rule, figure=figure, asked=asked, held=held)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
