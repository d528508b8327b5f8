"""The meter: what training, hosting and inference would have cost, counted from what really happened."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from foundry_emulator.calls import MINUTE
from foundry_emulator.clock import Clock, iso
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.deployment_records import Deployment, Span
from foundry_emulator.control_plane.histories import HOUR, hosted_seconds
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.meter.prices import MILLION, Prices
from foundry_emulator.state import State

# a failed job is not billed; a cancelled one is, for the tokens that it had trained
_BILLED = ("succeeded", "cancelled")


@dataclass(frozen=True)
class Window:
    """The time that a bill is for, in seconds since 1970."""

    since: float
    until: float


@dataclass(frozen=True)
class Meter:
    """Writes bills."""

    state: State
    clock: Clock
    deployments: ModelDeployments
    prices: Prices

    def bill(self, account: str | None, since: float | None, until: float | None) -> dict[str, Any]:
        """Return what everything of one account or all cost between two moments, from the beginning until now.

        A job counts when it ended, hosting by the second, calls by the minute in which they ended.
        """
        now = self.clock.now()
        window = Window(0.0 if since is None else since, now if until is None else min(until, now))
        for each in self.deployments.accounts:
            self.deployments.retention.settle(each.name)
        jobs = [self._job(row) for row in self._jobs(account, window)]
        deployed = [self._deployment(each, window) for each in self.deployments.records.all(account)]
        return {
            "currency": self.prices.currency,
            "prices_as_of": self.prices.as_of.isoformat(),
            "price_sources": list(self.prices.sources),
            "since": iso(window.since),
            "until": iso(window.until),
            "jobs": jobs,
            "model_deployments": deployed,
            "totals": _totals(jobs, deployed),
            "unpriced": [*_unpriced_jobs(jobs), *_unpriced_deployments(deployed)],
        }

    def _jobs(self, account: str | None, window: Window) -> list[Any]:
        marks = ", ".join("?" * len(_BILLED))
        return self.state.rows(
            "select * from jobs where (? is null or account = ?) and trained_tokens is not null"
            f" and status in ({marks}) and finished_at >= ? and finished_at <= ? order by number",
            account,
            account,
            *_BILLED,
            window.since,
            window.until,
        )

    def _job(self, row: Any) -> dict[str, Any]:
        training_type = str(json.loads(row["request"]).get("trainingType") or "")
        rate = self.prices.training_rate(row["base_model"], training_type)
        return {
            "id": row["id"],
            "account": row["account"],
            "model": row["base_model"],
            "training_type": training_type or None,
            "status": row["status"],
            "finished_at": iso(row["finished_at"]),
            "trained_tokens": row["trained_tokens"],
            "price_per_million_tokens": rate,
            "cost": None if rate is None else row["trained_tokens"] / MILLION * rate,
        }

    def _deployment(self, deployment: Deployment, window: Window) -> dict[str, Any]:
        life, span = deployment.life, deployment.span
        parts = list(self._parts(deployment, window))
        inference = [part for each in parts for part in each["inference"]]
        return {
            "account": life.account,
            "name": life.name,
            "number": life.number,
            "model": span.model,
            "sku": span.sku,
            "created_at": iso(life.created_at),
            "gone_at": iso(life.gone_at) if life.gone_at is not None else None,
            "gone_because": life.gone_because,
            "hosting_hours": sum(each["hours"] for each in parts),
            "hosting_cost": _sum(each["cost"] for each in parts),
            "calls": sum(part["calls"] for part in inference),
            "prompt_tokens": sum(part["prompt_tokens"] for part in inference),
            "completion_tokens": sum(part["completion_tokens"] for part in inference),
            "inference_cost": _sum(part["cost"] for part in inference),
        }

    def _parts(self, deployment: Deployment, window: Window) -> Iterator[dict[str, Any]]:
        """Yield what each span of a life cost."""
        spans = self.deployments.records.spans(deployment.life.number)
        ends = [span.began_at for span in spans[1:]]
        begins = [0.0, *ends]
        for span, begin, end in zip(spans, begins, [*ends, window.until], strict=True):
            part = Window(max(begin, window.since), min(end, window.until))
            hours = hosted_seconds(deployment, part.since, part.until) / HOUR
            rate = self.prices.hosting_rate(span.sku, span.capacity, fine_tuned=span.fine_tuned)
            cost = _cost(hours, rate)
            yield {"hours": hours, "cost": cost, "inference": self._inference(deployment, span, part, window)}

    def _inference(self, deployment: Deployment, span: Span, part: Window, whole: Window) -> list[dict[str, Any]]:
        """Return the calls that a span answered, by operation; a minute belongs to the span that began in it."""
        until = whole.until if part.until == whole.until else part.until // MINUTE * MINUTE
        rows = self.deployments.calls.summed(deployment.life.number, part.since // MINUTE * MINUTE, until)
        return [{**dict(row), "cost": self._inference_cost(span, row)} for row in rows]

    def _inference_cost(self, span: Span, row: Any) -> float | None:
        batch = span.sku in tiers.BATCH
        rates = self.prices.inference_rates(span.base_model, span.sku, fine_tuned=span.fine_tuned, batch=batch)
        if rates is None:
            return None if row["prompt_tokens"] + row["completion_tokens"] else 0.0
        return float(row["prompt_tokens"] * rates[0] + row["completion_tokens"] * rates[1]) / MILLION


def _cost(hours: float, rate: float | None) -> float | None:
    if rate is None:
        return None if hours else 0.0
    return hours * rate


def _sum(costs: Iterable[float | None]) -> float | None:
    """Return the sum, None if one of them is not known: a part of a cost is no cost."""
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)


def _totals(jobs: list[dict[str, Any]], deployed: list[dict[str, Any]]) -> dict[str, float]:
    """Return what is priced, added up; what is not is listed beside it."""
    training = sum(job["cost"] or 0.0 for job in jobs)
    hosting = sum(each["hosting_cost"] or 0.0 for each in deployed)
    inference = sum(each["inference_cost"] or 0.0 for each in deployed)
    return {"training": training, "hosting": hosting, "inference": inference, "total": training + hosting + inference}


def _unpriced_jobs(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "what": "training",
            "job": job["id"],
            "model": job["model"],
            "training_type": job["training_type"],
            "trained_tokens": job["trained_tokens"],
        }
        for job in jobs
        if job["cost"] is None
    ]


def _unpriced_deployments(deployed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in deployed:
        named = {name: each[name] for name in ("account", "name", "number", "model", "sku")}
        if each["hosting_cost"] is None:
            yield {"what": "hosting", **named, "hosting_hours": each["hosting_hours"]}
        if each["inference_cost"] is None:
            tokens = {name: each[name] for name in ("prompt_tokens", "completion_tokens")}
            yield {"what": "inference", **named, **tokens}
