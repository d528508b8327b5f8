"""`kaizen plan`: what the next run would do, buy and delete, in dollars, doing nothing."""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_contracts.limits import current_limits
from data_contracts.models import current_models
from data_contracts.prices import current_prices
from decisions.training.forecast import Cost, Forecast
from decisions.training.preflight import Check
from deployments.kept_servers import use_servers_of
from tasks.loop import connect
from tasks.training.planning import NextRun, plan_next

WIDTH = 80
TWO_HOURS = 120
NEAR = 0.1
"""Share of a limit from which it is shown although it is kept; `--json` has all."""
NAMES = {"training": "training", "evaluation": "answers", "hosting": "hosting"}


def plan_loop(folder: Path) -> tuple[list[str], dict[str, object]]:
    """Plan the loop in *folder*; returns what to print, and the same as a value with `refusals` in it."""
    use_servers_of(folder)
    loop = connect(str(folder))
    plan = plan_next(loop, loop.settings.training)
    return list(told(plan)), {**plan.model_dump(mode="json"), "usd": plan.usd}


def told(plan: NextRun) -> Iterator[str]:
    """The plan in lines of at most 80 columns."""
    if plan.paused:
        yield from _wrapped(f"Paused, so the next run does nothing: {plan.paused}.", "")
    after = "After kaizen resume, the" if plan.paused else "The"
    yield from _wrapped(f"{after} next run would {plan.does}: {plan.why}.", "")
    if plan.forecast is not None and (plan.iteration is None or "training" in plan.buys):
        way = "continue from" if plan.continues else "start from the base model"
        yield from _wrapped(f"Training would {way} {plan.parent}.", "")
    if plan.forecast is not None:
        yield from _bought(plan, plan.forecast)
    yield from _budget(plan)
    yield from _section("The gate", [plan.held_out] if plan.held_out else [])
    yield from _section("Deletes", [f"{each.name}: {each.reason}" for each in plan.deletes])
    yield from _limits(plan)
    yield from _section("Warnings", [*plan.overrides, *plan.model.warnings])
    yield from _section("Stops the run", plan.refusals)
    yield from _wrapped(_as_of(), "")


def _bought(plan: NextRun, made: Forecast) -> Iterator[str]:
    wanted = plan.buys or ("training", "evaluation", "hosting")
    yield "Buys" if plan.buys else "Would cost, if it were trained now"
    for cost in made.costs:
        if cost.what in wanted:
            yield from _wrapped(f"{NAMES[cost.what]:<9} {_dollars(cost)}  {cost.basis}", "  ", hang=22)
    total = plan.usd if plan.buys else made.usd
    yield f"  {'in all':<9} {'about':>5} ${total:.2f}"
    if "training" in wanted:
        counted = "" if plan.texts_counted else "; texts are an upper estimate: install the extra tokens to count them"
        sums = f"{made.examples:,} examples x {made.epochs} epochs, {made.tokens_per_epoch:,} tokens an epoch{counted}"
        yield from _wrapped(sums, "  ")
        yield from _wrapped(f"The job takes about {_time(made.duration.minutes)} ({made.duration.basis}).", "  ")
    if made.usd_per_day_deployed:
        yield from _wrapped(f"Each day that the model stays deployed: ${made.usd_per_day_deployed:.2f}.", "  ")


def _dollars(cost: Cost) -> str:
    if cost.usd is None:
        return "no price known"
    return f"{'' if cost.exact else 'about':>5} ${cost.usd:.2f}"


def _budget(plan: NextRun) -> Iterator[str]:
    gone = plan.spent
    not_booked = f", ${gone.unbooked_usd:.2f} of it not booked yet" if gone.unbooked_usd else ""
    lines = [f"spent in {gone.month}: ${gone.month_usd:.2f}{not_booked}"]
    lines += [
        f"per {each.per}: ${each.usd:.2f}, ${each.spent_usd:.2f} spent, ${each.left_usd:.2f} left"
        for each in plan.budget
    ]
    if not plan.budget:
        lines.append("no limit is set; see [training.budget] in kaizen.toml")
    yield from _section("Budget", lines)


def _limits(plan: NextRun) -> Iterator[str]:
    if plan.fit is not None:
        verdict = "the set fits" if plan.fit.fits else "the set does not fit"
        shown = [check for check in plan.fit.checks if not check.fits or _is_near(check)]
        rest = len(plan.fit.checks) - len(shown)
        yield f"Azure's limits: {verdict}; {rest} of {len(plan.fit.checks)} are far away"
        for check in shown:
            yield from _wrapped(f"{'ok ' if check.fits else 'NO '} {check}", "  ", hang=6)


def _is_near(check: Check) -> bool:
    return not check.limit.startswith("fewest") and check.needed > NEAR * check.allowed


def _section(title: str, lines: Iterable[str], hang: int = 4) -> Iterator[str]:
    shown = list(lines)
    if shown:
        yield title
        for line in shown:
            yield from _wrapped(line, "  ", hang=hang)


def _wrapped(text: str, indent: str, hang: int = 4) -> list[str]:
    following = indent if not indent else " " * hang
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=following, break_on_hyphens=False, break_long_words=False
    )


def _time(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.0f} minutes" if minutes < TWO_HOURS else f"{minutes / 60:.1f} hours"


def _as_of() -> str:
    limits = current_limits()
    oldest = min(getattr(limits, name).as_of for name in type(limits).model_fields)
    return (
        f"Prices of {current_prices().as_of}, models of {current_models().as_of}, limits of {oldest} and later. "
        "Nothing was changed."
    )
