"""What a loop has cost, is billed and would cost in production, from its ledger and the price table."""

from collections.abc import Iterator, Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact
from pydantic import Field

from data_contracts.ledger import Evaluated
from data_contracts.prices import current_prices
from data_contracts.record import Record
from data_contracts.training import is_fine_tuned
from decisions.cost_report import CostReport, Running, Volume, cost_report, running_costs
from decisions.evaluation.prices_compared import HOURS_A_MONTH
from decisions.loop_state import LoopState
from tasks.loop import Loop, connect
from tasks.markdown import plain
from tasks.retrying import PATIENTLY

FEW, MANY = 10_000, 10 * 3600 * HOURS_A_MONTH
USUAL_TOKENS = (300.0, 10.0)
"""Of a question with its image, and of its answer, where no champion has answered anything yet."""


class LoopCosts(Record):
    """The costs of a loop, and the forecast of what its champion costs a month."""

    loop: str
    prices_as_of: str
    report: CostReport
    model: str = Field(description="Model of the forecast: the champion, else the base model.")
    tokens_from: str = Field(description="Where the tokens of an image in the forecast come from.")
    running: tuple[Running, ...]


def costs_of(
    loop: Loop, images_per_month: int | None = None, tokens_in: float | None = None, tokens_out: float | None = None
) -> LoopCosts:
    """The loop's costs, with a forecast for *images_per_month*, or for few and for many images where none is named.

    *tokens_in* and *tokens_out* take the place of what the champion needed for an image of its evaluation.
    """
    entries, state, prices = loop.ledger.read(), loop.state(), current_prices()
    asked, said, source = _tokens(state)
    named = tokens_in is not None and tokens_out is not None
    if (tokens_in, tokens_out) != (None, None):
        source = "as named" if named else f"as named, else {source}"
    mean = (asked if tokens_in is None else tokens_in, said if tokens_out is None else tokens_out)
    model = state.champion.model if state.champion else loop.settings.training.base_model
    return LoopCosts(
        loop=loop.name,
        prices_as_of=str(prices.as_of),
        report=cost_report(entries, loop.settings.training.budget, prices, loop.now()),
        model=model,
        tokens_from=source,
        running=running_costs(model, _volumes(images_per_month, mean), prices),
    )


@task(**PATIENTLY)
def publish_costs(folder: str) -> None:
    """Show the loop's costs in Prefect, always at the same key."""
    costs = costs_of(connect(folder))
    create_markdown_artifact(
        markdown(costs), key=f"{costs.loop}-cost", description=f"What {costs.loop} has cost and costs now"
    )


def markdown(costs: LoopCosts) -> str:
    """The costs as Markdown, with warnings first."""
    report = costs.report
    parts = [f"**{plain(each)}**" for each in report.warnings]
    parts.append(
        f"{report.spent.month}: ${report.spent.month_usd:.2f}, of it ${report.spent.unbooked_usd:.2f} not booked"
    )
    for title, table in tables(costs):
        parts += [f"### {plain(title)}", "\n".join(_rows(table))]
    return "\n\n".join([*parts, plain(basis(costs))])


def tables(costs: LoopCosts) -> Iterator[tuple[str, list[list[str]]]]:
    """What there is to tell, as tables with a title and a first row of heads; none that is empty."""
    report = costs.report
    heads = ["training", "evaluation", "hosting", "in all"]
    for title, name, booked in (
        ("By iteration, as booked", "iteration", report.iterations),
        ("By month, as booked", "month", report.months),
    ):
        rows = [
            [each.name, *map(_usd, (each.training_usd, each.evaluation_usd, each.hosting_usd, each.usd))]
            for each in booked
        ]
        if rows:
            yield title, [[name, *heads], *rows]
    if report.promotions:
        yield "What a point of accuracy cost", [["iteration", "gained", "cost", "a point"], *_promotions(report)]
    if report.billed:
        rows = [
            [each.name, each.sku, _usd(each.usd_per_hour), _usd(each.usd_per_day), _usd(each.unbooked_usd)]
            for each in report.billed
        ]
        yield "Billed right now", [["model deployment", "type", "an hour", "a day", "not booked yet"], *rows]
    tuned = "" if is_fine_tuned(costs.model) else ", fine-tuned"
    yield (
        f"A month of {costs.model}{tuned}",
        [["images", "type", "answers", "hosting", "in all"], *_running(costs.running)],
    )


def basis(costs: LoopCosts) -> str:
    """What the figures rest on, in a line."""
    first = costs.running[0]
    notes = {f"{each.sku} is {each.note}" for each in costs.running if each.note}
    return "; ".join(
        [
            f"{first.tokens_in:,.0f} tokens in and {first.tokens_out:,.1f} out an image ({costs.tokens_from})",
            f"{HOURS_A_MONTH} hours a month",
            *sorted(notes),
            "hosting is booked when a model deployment is deleted",
            f"prices of {costs.prices_as_of}",
        ]
    )


def _promotions(report: CostReport) -> list[list[str]]:
    return [
        [
            str(each.iteration),
            "not compared" if each.points is None else f"{each.points:+.1f} points",
            _usd(each.usd),
            _usd(each.usd_per_point) if each.usd_per_point is not None else "",
        ]
        for each in report.promotions
    ]


def _running(running: Sequence[Running]) -> list[list[str]]:
    return [
        [
            each.volume,
            each.sku,
            "no price known" if each.answers_usd is None else _usd(each.answers_usd),
            _usd(each.hosting_usd),
            "" if each.usd is None else _usd(each.usd),
        ]
        for each in running
    ]


def _usd(value: float) -> str:
    return f"${value:,.2f}"


def _rows(table: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, row in enumerate(table):
        yield f"| {' | '.join(map(plain, row))} |"
        if number == 0:
            yield "|---" * len(row) + "|"


def _volumes(images: int | None, tokens: tuple[float, float]) -> list[Volume]:
    if images is not None:
        return [Volume(f"{images:,}", images, *tokens)]
    return [Volume(f"{FEW:,}", FEW, *tokens), Volume("ten a second", MANY, *tokens)]


def _tokens(state: LoopState) -> tuple[float, float, str]:
    """Mean tokens of a question and of an answer, and where they come from: the champion's latest evaluation."""
    model = state.champion.model if state.champion else None
    evaluated = next(
        (each.evaluations[model] for each in reversed(state.iterations) if model and model in each.evaluations), None
    )
    if evaluated is None or not evaluated.images or not evaluated.prompt_tokens:
        return (*USUAL_TOKENS, "an example, for no champion was evaluated yet")
    return (*_mean(evaluated), f"of the champion's {evaluated.images:,} answers at the gate")


def _mean(evaluated: Evaluated) -> tuple[float, float]:
    return evaluated.prompt_tokens / evaluated.images, evaluated.completion_tokens / evaluated.images
