"""Two iterations side by side, without another look at a held-out set."""

from collections.abc import Iterator

from data_contracts.figures import ModelFigures
from data_contracts.iteration_report import Comparison, IterationReport
from data_contracts.reports_compared import Difference, ReportsCompared
from decisions.evaluation.decision_table import p_value


def compare_reports(first: IterationReport, second: IterationReport) -> ReportsCompared:
    """The two reports with their differences, and the paired table where one gate compared just these two models."""
    paired, why = _paired(first, second)
    return ReportsCompared(
        loop=first.loop,
        first=first,
        second=second,
        paired=paired,
        why=why,
        differences=tuple(each for each in _all(first, second) if each.first != each.second),
    )


def _paired(first: IterationReport, second: IterationReport) -> tuple[Comparison | None, str]:
    for one, other in ((first, second), (second, first)):
        found = one.comparison
        if found is not None and found.champion == _challenger(other).model:
            return found, _told(found, one.iteration, other.iteration)
    if _challenger(first).version != _challenger(second).version:
        return (
            None,
            "Not paired: the two were judged on different held-out versions, so their accuracies do not compare",
        )
    return None, (
        "Not paired: no gate compared these two, and to pair them now would be one more look at their held-out "
        "version that nobody counted; what each gate found is shown"
    )


def _told(found: Comparison, one: int, other: int) -> str:
    low, high = found.interval
    return (
        f"On the same {found.n:,} held-out examples, challenger {one} won {found.wins} over challenger {other} and "
        f"lost {found.losses} (p for better: {p_value(found.p_superior)}; gain {100 * low:+.1f} to {100 * high:+.1f} "
        "points, 95 % interval)"
    )


def _challenger(report: IterationReport) -> ModelFigures:
    (found,) = (each for each in report.models if each.role == "challenger")
    return found


def _all(first: IterationReport, second: IterationReport) -> Iterator[Difference]:
    one, other = dict(_facts(first)), dict(_facts(second))
    for what in dict.fromkeys([*one, *other]):
        yield Difference(what=what, first=one.get(what, ""), second=other.get(what, ""))


def _facts(report: IterationReport) -> Iterator[tuple[str, str]]:
    yield "verdict", report.verdict or ""
    yield "outcome", report.outcome
    yield "continued from", report.parent
    yield "dataset", (report.dataset or "")[:12]
    for split, count in report.examples.items():
        yield f"{split} examples", f"{count:,}"
    yield from report.hyperparameters.items()
    yield "held-out version", _challenger(report).version[:12]
    yield "booked", f"${report.cost:,.2f}"
