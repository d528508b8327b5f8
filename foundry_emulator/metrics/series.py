"""Answers to queries of metrics: the counted calls, split and added up."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from foundry_emulator.accounts import Account
from foundry_emulator.calls import MINUTE, Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane.deployment_records import DeploymentRecords, Span
from foundry_emulator.metrics.definitions import NAMESPACE, Metric
from foundry_emulator.metrics.outages import EMPTY, Outages
from foundry_emulator.metrics.queries import Query
from foundry_emulator.metrics.timespans import KEPT_SECONDS
from foundry_emulator.models import catalogue

_ANSWERED = range(200, 300)


@dataclass
class _Series:
    """One line of a chart: what its calls add up to, and how many there were, by the step that they are in."""

    totals: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, step: int, total: float, count: int) -> None:
        self.totals[step] += total
        self.counts[step] += count

    def values(self, step: int) -> dict[str, float]:
        total, count = self.totals.get(step, 0.0), self.counts.get(step, 0)
        return {"Total": total, "Count": float(count), "Average": total / count if count else 0.0}

    def sum_of(self, aggregation: str) -> float:
        total, count = sum(self.totals.values()), sum(self.counts.values())
        return {"Total": total, "Count": float(count), "Average": total / count if count else 0.0}[aggregation]


@dataclass(frozen=True)
class Charts:
    """Answers queries from the calls that were counted."""

    clock: Clock
    calls: Calls
    records: DeploymentRecords
    outages: Outages

    def answer(self, account: Account, resource: str, query: Query) -> dict[str, Any]:
        """Return what a query of an account's metrics comes to; *resource* is the account's id as it was asked."""
        rows = [] if self.outages.condition.outage == EMPTY else self._rows(account, query)
        return {
            "interval": query.time.interval if query.time.interval != "FULL" else f"PT{query.time.seconds // 60}M",
            "namespace": NAMESPACE,
            "resourceregion": account.region,
            "value": [_metric(resource, metric, _split(metric, query, rows), query) for metric in query.metrics],
        }

    def _rows(self, account: Account, query: Query) -> list[tuple[Row, dict[str, str]]]:
        """Return the minutes of calls that are kept and have arrived, each with its dimensions."""
        now, delay = self.clock.now(), self.outages.condition.delay_seconds
        arrived = now - delay - MINUTE if delay else now
        rows = self.calls.rows(
            "select * from calls where account = ? and minute >= ? and minute < ? and minute <= ? order by minute",
            account.name,
            max(query.time.start, now - KEPT_SECONDS),
            query.time.end,
            arrived,
        )
        spans = {number: self.records.spans(number) for number in {row["number"] for row in rows}}
        return [(row, _dimensions(account, row, spans[row["number"]])) for row in rows]


def _dimensions(account: Account, row: Row, spans: list[Span]) -> dict[str, str]:
    """Return what Azure knows of a minute's calls, by dimension in lower case."""
    served = next((span for span in reversed(spans) if span.began_at < row["minute"] + MINUTE), None)
    base = catalogue.base_model(served.base_model) if served and not served.fine_tuned else None
    return {
        "apiname": "Azure OpenAI API version v1",
        "operationname": row["operation"],
        "region": account.region,
        "streamtype": "Non-Streaming",
        "modeldeploymentname": row["deployment"],
        "modelname": base.name if base else served.model if served else "unknown",
        "modelversion": served.model_version if served else "unknown",
        "statuscode": str(row["status"]),
        "isspillover": "False",
        "servicetierrequest": "default",
        "servicetierresponse": "default",
        "featurename": "Inference",
        "usagechannel": "Standard",
    }


def _split(
    metric: Metric, query: Query, rows: list[tuple[Row, dict[str, str]]]
) -> list[tuple[tuple[str, ...], _Series]]:
    found: dict[tuple[str, ...], _Series] = defaultdict(_Series)
    for row, values in rows:
        if (metric.columns and row["status"] not in _ANSWERED) or not query.filter.admits(values):
            continue
        key = tuple(values[name] for name in query.split_by)
        found[key].add(query.time.step_of(row["minute"]), metric.total(row), row["count"])
    listed = sorted(found.items())
    if query.order:
        aggregation, largest_first = query.order
        listed.sort(key=lambda item: item[1].sum_of(aggregation), reverse=largest_first)
    return listed[: query.top] if query.filter.terms else listed


def _metric(
    resource: str, metric: Metric, listed: list[tuple[tuple[str, ...], _Series]], query: Query
) -> dict[str, Any]:
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.title},
        "displayDescription": metric.description,
        "unit": "Count",
        "errorCode": "Success",
        "timeseries": [
            {
                "metadatavalues": _metadata(dict(zip(query.split_by, key, strict=True))),
                "data": [] if query.only_metadata else list(_points(series, query)),
            }
            for key, series in listed
        ],
    }


def _metadata(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"name": {"value": name, "localizedValue": name}, "value": value} for name, value in values.items()]


def _points(series: _Series, query: Query) -> Iterator[dict[str, Any]]:
    for step in query.time.steps():
        values = series.values(step)
        yield {"timeStamp": told(step), **{name.lower(): values[name] for name in query.aggregations}}


def told(moment: int) -> str:
    """Return a moment as Azure Monitor writes it, such as 2026-11-21T08:00:00Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
