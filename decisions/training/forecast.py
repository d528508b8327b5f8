"""What an iteration will cost and how long it will take, before anything is sent; each figure says how sure it is."""

import math
from collections.abc import Sequence
from statistics import fmean, linear_regression
from typing import Literal, NamedTuple

from pydantic import Field

from data_contracts.prices import Prices
from data_contracts.record import Record
from decisions.costs import answer_cost, training_cost
from decisions.loop_state import LoopState
from decisions.training.preflight import Sent
from decisions.training.tokens import counts_exactly, image_tokens

HOURS_UNTIL_DECIDED = 1.0
"""A challenger's model deployment lives about so long before the gate decides; a rule of thumb."""
RULE_MINUTES, RULE_SECONDS_PER_THOUSAND = 60.0, 1.0
"""How long a job takes where the loop has none of its own to go by: Azure speaks of 40 minutes to 2 hours."""


class Job(NamedTuple):
    """A fine-tuning job as it is planned."""

    examples: Sequence[Sent]
    detail: str
    epochs: int
    training_tier: str


class Asked(NamedTuple):
    """A model that has yet to answer so many questions, in a tier of its own where that is not the loop's."""

    model: str
    questions: int
    sku: str | None = None


class Questions(NamedTuple):
    """Held-out questions, measured as training examples are for their mean, and who has to answer how many."""

    held_out: Sequence[Sent]
    answer_tokens: int
    asked: Sequence[Asked]
    evaluated_on: str | None = None
    """The challenger's tier until the gate has decided, where that is not the loop's."""


class Cost(Record):
    """One thing to be bought."""

    what: Literal["training", "evaluation", "hosting"]
    usd: float | None = Field(description="US dollars; None where the price table has no price.")
    basis: str
    exact: bool = Field(description="Whether the amount is counted; else it is an estimate.")


class Duration(Record):
    """How long a job takes from its submission."""

    minutes: float
    basis: str


class Forecast(Record):
    """What an iteration will cost and how long its job takes."""

    examples: int
    epochs: int
    tokens_per_epoch: int
    training_tokens: int
    costs: tuple[Cost, ...]
    usd_per_day_deployed: float
    duration: Duration

    @property
    def usd(self) -> float:
        """US dollars of all that has a price."""
        return sum(cost.usd or 0.0 for cost in self.costs)

    def usd_of(self, what: str) -> float:
        """US dollars of one kind of cost."""
        return sum(cost.usd or 0.0 for cost in self.costs if cost.what == what)


def example_tokens(example: Sent, detail: str) -> int:
    """Tokens of one training example, its image among them."""
    return example.text_tokens + image_tokens(example.width, example.height, detail)


def training_tokens(examples: Sequence[Sent], detail: str, epochs: int) -> int:
    """Tokens that are billed for a job: those of its training file, once an epoch; validation is free."""
    return epochs * sum(example_tokens(each, detail) for each in examples)


def forecast(job: Job, questions: Questions, sku: str, state: LoopState, prices: Prices) -> Forecast:
    """The costs of training, of the answers at the gate and of hosting until it decided, and the job's duration."""
    tokens = training_tokens(job.examples, job.detail, job.epochs)
    hourly, until_decided = prices.hosting_per_hour.get(sku, 0.0), questions.evaluated_on or sku
    hosting = _hosting(prices.hosting_per_hour.get(until_decided, 0.0), until_decided)
    return Forecast(
        examples=len(job.examples),
        epochs=job.epochs,
        tokens_per_epoch=tokens // job.epochs,
        training_tokens=tokens,
        costs=(_training(job, tokens, prices), _evaluation(questions, job.detail, prices, sku), hosting),
        usd_per_day_deployed=24 * hourly,
        duration=duration(tokens, state),
    )


def duration(tokens: int, state: LoopState) -> Duration:
    """Minutes of a job of so many tokens: by this loop's own jobs where there are any, else by a rule of thumb."""
    known = [
        (float(each.finished.trained_tokens), (each.finished_at - each.submitted_at).total_seconds())
        for each in state.iterations
        if each.finished and each.finished.trained_tokens and each.finished_at and each.submitted_at
    ]
    if not known:
        seconds = 60 * RULE_MINUTES + RULE_SECONDS_PER_THOUSAND * tokens / 1000
        return Duration(minutes=seconds / 60, basis="a rule of thumb, for this loop has no finished job yet")
    queue, rate = _fitted(known)
    told = f"{len(known)} finished job{'s' if len(known) > 1 else ''} of this loop: "
    basis = f"{told}{queue / 60:.1f} minutes and {1000 * rate:.2g} s a thousand tokens"
    return Duration(minutes=(queue + rate * tokens) / 60, basis=basis)


def _fitted(known: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Seconds before and seconds a token: a line through jobs of different sizes, else their mean rate alone."""
    tokens, seconds = zip(*known, strict=True)
    if len(set(tokens)) > 1:
        rate, queue = linear_regression(tokens, seconds)
        if rate >= 0 and queue >= 0:
            return queue, rate
    return 0.0, sum(seconds) / sum(tokens)


def _training(job: Job, tokens: int, prices: Prices) -> Cost:
    rate = prices.training_per_million_tokens[job.training_tier]
    basis = f"{tokens:,} tokens, {job.training_tier}, ${rate:.2f} a million"
    exact = counts_exactly() and job.detail != "auto"
    usd = training_cost(tokens, job.training_tier, prices)
    return Cost(what="training", usd=usd, basis=basis if exact else f"{basis}; at most", exact=exact)


def _evaluation(questions: Questions, detail: str, prices: Prices, sku: str) -> Cost:
    mean = fmean(example_tokens(each, detail) for each in questions.held_out) if questions.held_out else 0.0
    priced = []
    for each in questions.asked:
        tokens_in, tokens_out = math.ceil(mean * each.questions), questions.answer_tokens * each.questions
        priced.append(answer_cost(tokens_in, tokens_out, each.model, prices, each.sku or sku))
    known = [usd for usd in priced if usd is not None]
    models = len({each.model for each in questions.asked})
    return Cost(
        what="evaluation",
        usd=sum(known) if len(known) == len(priced) else None,
        basis=f"{sum(each.questions for each in questions.asked):,} questions to {models} model{'s'[: models != 1]}",
        exact=False,
    )


def _hosting(hourly: float, sku: str) -> Cost:
    basis = f"{HOURS_UNTIL_DECIDED:.0f} hour until the gate decides, {sku}, ${hourly:.2f} an hour"
    return Cost(what="hosting", usd=HOURS_UNTIL_DECIDED * hourly, basis=basis, exact=False)
