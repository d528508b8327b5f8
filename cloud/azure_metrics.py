"""Calls of model deployments through Azure Monitor, with the official client."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cloud.azure_deployments import AzureDeployments, in_our_terms
from cloud.errors import CloudRefused, CloudUnavailable
from data_contracts.calls import METRICS_KEPT_DAYS, CountedCalls, HourOfCalls, summed

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

NAMESPACE = "Microsoft.CognitiveServices/accounts"
METRIC = "AzureOpenAIRequests"
SPLIT = "ModelDeploymentName eq '*' and OperationName eq '*' and StatusCode eq '*'"
"""What succeeded is picked out here: a filter that Azure spells otherwise would answer as if nobody had called."""
ACTIVITY = ("chatcompletions_create", "responses_create")
MOST_SERIES = 5_000
"""The service tells ten unless it is asked for more; as many as asked for may not be all."""
HOUR = timedelta(hours=1)
PAGE = timedelta(days=31)
"""Of one query: so that an answer stays at some megabytes."""
_STATUS = re.compile(r"[1-5]\d\d")


class AzureMetrics(AzureDeployments):
    """The Monitor of one Azure OpenAI account."""

    def calls_per_hour(self, since: datetime, until: datetime) -> CountedCalls:
        """See Monitor.calls_per_hour; one query for every 31 days, whatever the account holds."""
        if not timedelta() < until - since <= timedelta(days=METRICS_KEPT_DAYS):
            raise CloudRefused(
                f"Calls from {since.isoformat()} to {until.isoformat()} cannot be told; "
                f"ask for a time of at most {METRICS_KEPT_DAYS} days that ends after it begins"
            )
        first, last = hour_of(since), hour_of(until + HOUR - timedelta(microseconds=1))
        calls: list[HourOfCalls] = []
        others: list[HourOfCalls] = []
        for begin in _pages(first, last):
            for operation, each in self._page(begin, min(begin + PAGE, last)):
                (calls if operation.lower() in ACTIVITY else others).append(each)
        return CountedCalls(since=first, until=last, calls=summed(calls), others=summed(others))

    def _page(self, since: datetime, until: datetime) -> Iterator[tuple[str, HourOfCalls]]:
        """Successful calls with their operation, of a time that one query can tell."""
        bodies: list[Any] = []

        def seen(_response: Any, body: Any, _headers: Any) -> Any:
            bodies.append(body)  # the client's own records leave out whether the metric was available
            return body

        results = in_our_terms(
            lambda: self._metrics.query_resources(
                resource_ids=[self._settings.account_id],
                metric_namespace=NAMESPACE,
                metric_names=[METRIC],
                timespan=(since, until),
                granularity=HOUR,
                aggregations=["Total"],
                filter=SPLIT,
                max_results=MOST_SERIES,
                cls=seen,
                **self._plain_http,
            ),
            "Azure Monitor",
        )
        check_available(*bodies)
        yield from _successes(results)

    @cached_property
    def _metrics(self) -> "MetricsClient":
        from azure.monitor.querymetrics import MetricsClient

        given = self._settings.metrics
        address = str(given).rstrip("/") if given else f"https://{self.region()}.metrics.monitor.azure.com"
        return MetricsClient(address, self._credential)

    @property
    def _plain_http(self) -> dict[str, Any]:
        given = self._settings.metrics
        return {} if given is None or given.scheme == "https" else {"enforce_https": False}


def hour_of(moment: datetime) -> datetime:
    """When the hour began, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _pages(since: datetime, until: datetime) -> Iterator[datetime]:
    while since < until:
        yield since
        since += PAGE


def check_available(body: Any) -> None:
    """Raise CloudUnavailable unless the service says that it has the metric: only then is no series no call."""
    try:
        (account,) = body["values"]
        (metric,) = account["value"]
        name, code = metric["name"]["value"], metric["errorCode"]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise CloudUnavailable(f"Azure Monitor's answer about {METRIC} cannot be read: {error!r}") from error
    if name != METRIC or code != "Success":
        said = metric.get("errorMessage") or "it does not say why"
        raise CloudUnavailable(f"Azure Monitor does not tell {METRIC} now ({name}: {code}, {said}); ask again later")


def _successes(results: "list[MetricsQueryResult]") -> Iterator[tuple[str, HourOfCalls]]:
    (result,) = results
    (metric,) = result.metrics
    if result.granularity != HOUR or len(metric.timeseries) >= MOST_SERIES:
        raise CloudUnavailable(
            f"Azure Monitor told {len(metric.timeseries)} series in steps of {result.granularity}; "
            f"fewer than {MOST_SERIES} of an hour are understood, ask for a shorter time"
        )
    for series in metric.timeseries:
        name, operation, status = _dimensions(series.metadata_values)
        if not status.startswith("2"):
            continue
        for point in series.data:
            if point.total:
                hour = hour_of(point.timestamp)
                yield operation, HourOfCalls(model_deployment=name, hour=hour, calls=round(point.total))


def _dimensions(values: dict[str, str]) -> tuple[str, str, str]:
    """Model deployment, operation and status of a series; raises CloudUnavailable where they cannot be told."""
    told = {name.lower(): value or "" for name, value in values.items()}
    name, operation, status = (told.get(each, "") for each in ("modeldeploymentname", "operationname", "statuscode"))
    if not operation or not _STATUS.fullmatch(status):
        raise CloudUnavailable(f"Azure Monitor's series {told} has no operation or status that is understood")
    return name, operation, status
