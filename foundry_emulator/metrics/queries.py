"""A query of metrics: what is asked for, checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from foundry_emulator.metrics.definitions import AGGREGATIONS, METRICS, NAMESPACE, Metric
from foundry_emulator.metrics.filters import Filter, parse_filter
from foundry_emulator.metrics.problems import bad_query, unknown_metric
from foundry_emulator.metrics.timespans import Timespan, timespan

DEFAULT_TOP = 10
MOST_METRICS = 20
_TOTAL = {"total": "Total", "sum": "Total", "count": "Count", "average": "Average"}


@dataclass(frozen=True)
class Query:
    """What is asked of one account's metrics; *order* is an aggregation and whether the largest comes first."""

    metrics: tuple[Metric, ...]
    time: Timespan
    aggregations: tuple[str, ...]
    filter: Filter
    top: int
    order: tuple[str, bool] | None
    rolled_up: frozenset[str]
    only_metadata: bool

    @property
    def split_by(self) -> list[str]:
        """The dimensions (in lower case) that split the answer into series."""
        return [name for name in self.filter.terms if name not in self.rolled_up]


def parse_query(given: Mapping[str, str], start: str | None, end: str | None, now: float) -> Query:
    """Return the query in the parameters *given* (names in lower case); ServiceError 400 says what is wrong."""
    namespace = given.get("metricnamespace")
    if namespace and namespace.lower() != NAMESPACE.lower():
        raise bad_query(f"The metric namespace '{namespace[:100]}' is not {NAMESPACE}.")
    wanted = parse_filter(given.get("filter"))
    metrics = _metrics(given.get("metricnames"))
    rolled_up = frozenset(name.strip().lower() for name in given.get("rollupby", "").split(",") if name.strip())
    for metric in metrics:
        _check_dimensions(metric, [*wanted.terms, *rolled_up])
    return Query(
        metrics=metrics,
        time=timespan(start, end, given.get("interval"), now),
        aggregations=_aggregations(given.get("aggregation")),
        filter=wanted,
        top=_top(given.get("top")),
        order=_order(given.get("orderby")),
        rolled_up=rolled_up,
        only_metadata=given.get("resulttype", "").lower() == "metadata",
    )


def _metrics(text: str | None) -> tuple[Metric, ...]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if not 1 <= len(names) <= MOST_METRICS:
        raise bad_query(f"The metricnames must name 1 to {MOST_METRICS} metrics, not {len(names)}.")
    for name in names:
        if name.lower() not in METRICS:
            raise unknown_metric(name[:100], [metric.name for metric in METRICS.values()])
    return tuple(METRICS[name.lower()] for name in names)


def _check_dimensions(metric: Metric, names: list[str]) -> None:
    unknown = [name for name in names if metric.dimension(name) is None]
    if unknown:
        raise bad_query(
            f"Metric: {metric.name} does not support requested dimension combination: {','.join(unknown)},"
            f" supported ones are: {','.join(metric.dimensions)}"
        )


def _aggregations(text: str | None) -> tuple[str, ...]:
    names = [name.strip() for name in (text or "Total").split(",") if name.strip()]
    known = {name.lower(): name for name in AGGREGATIONS}
    wrong = [name for name in names if name.lower() not in known]
    if wrong or not names:
        raise bad_query(f"The aggregation {','.join(wrong)[:100]!r} is not supported, {','.join(AGGREGATIONS)} are.")
    return tuple(known[name.lower()] for name in names)


def _top(text: str | None) -> int:
    if not text:
        return DEFAULT_TOP
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < 1:  # noqa: PLR2004
        raise bad_query(f"The top must be a positive whole number, not '{text[:40]}'.")
    return int(text)


def _order(text: str | None) -> tuple[str, bool] | None:
    if not text:
        return None
    words = text.lower().split()
    if not 1 <= len(words) <= 2 or words[0] not in _TOTAL or words[-1] not in (*_TOTAL, "asc", "desc"):  # noqa: PLR2004
        raise bad_query(f"The orderby '{text[:60]}' is not of the form sum asc, with one of {', '.join(_TOTAL)}.")
    return _TOTAL[words[0]], words[-1] == "desc"
