"""What Prefect shows of an iteration's report: tables, and the verdict with its confusion matrix."""

from collections.abc import Iterator, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from data_contracts.figures import ModelFigures
from data_contracts.iteration_report import IterationReport
from decisions.evaluation.latency import PERCENTILES
from tasks.charts import png_url
from tasks.formats import blank, interval, percent
from tasks.markdown import plain
from tasks.reporting.learning_curves import learning_curve_picture
from tasks.reporting.report_pages import per_1000


def publish_report(report: IterationReport, path: str) -> None:
    """Put the figures of a decided iteration on the run; *path* is where its page is in the store."""
    about = f"Iteration {report.iteration}"
    create_markdown_artifact(verdict(report, path), key=_key(report, "decision"), description=about)
    create_table_artifact(
        [_side(each) for each in report.models], key=_key(report, "side-by-side"), description=f"{about}, all models"
    )
    create_table_artifact(_answers(report.models), key=_key(report, "outcomes"), description=f"{about}, all models")
    if report.learning.curves:
        create_markdown_artifact(_next(report), key=_key(report, "photograph-next"), description=about)
    if report.labels:
        challenger = f"{about}, classes of the challenger"
        create_table_artifact(list(class_rows(report)), key=_key(report, "classes"), description=challenger)


def verdict(report: IterationReport, path: str) -> str:
    """The verdict as Markdown: why, each rule, what the challenger confuses, and where the page is."""
    answered = f"\n\n{plain(report.answered)}" if report.answered else ""
    parts = [f"## {report.verdict}", f"{report.reason}{answered}", _models(report), _rules(report)]
    challenger = report.model_in("challenger")
    if challenger is not None and challenger.confusion:
        parts.append(_matrix(challenger, report.labels))
    return "\n\n".join([*parts, *map(plain, report.remarks), f"Report: `{path}` in the store"])


def _next(report: IterationReport) -> str:
    """What to photograph next, with the learning curve of each class."""
    proposed = report.learning.next
    picture = f"![recall by training images]({png_url(learning_curve_picture(report.learning.curves))})"
    return f"{plain(proposed.reason) if proposed else ''}\n\n{picture}"


def _models(report: IterationReport) -> str:
    challenger, compared = report.model_in("challenger"), report.comparison
    named = f"Challenger: `{challenger.model if challenger else ''}`\n\nCompared with: "
    if compared is None:
        return named + "nothing, for there is no champion, and the base model can no longer be deployed"
    low, high = compared.interval
    return f"{named}`{compared.champion}`\n\nGain: {100 * low:+.1f} to {100 * high:+.1f} points (95 % interval)"


def _rules(report: IterationReport) -> str:
    told = {True: "yes", False: "**no**", None: ""}
    rows = [
        f"| {plain(each.rule)} | {plain(each.figure)} | {plain(each.asked)} | {told[each.held]} |"
        for each in report.rules
    ]
    return "\n".join(["| rule | found | asked for | held |", "|---|---|---|---|", *rows])


def _matrix(figures: ModelFigures, labels: tuple[str, ...]) -> str:
    heads = [plain(label) for label in (*labels, "no label")]
    rows = [
        f"| {name} | {' | '.join(str(count or '') for count in row)} |"
        for name, row in zip(heads, figures.confusion, strict=False)
    ]
    lines = [f"| label \\ answer | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|", *rows]
    return "\n".join(["### Confusion matrix of the challenger", "", *lines])


def _side(each: ModelFigures) -> dict[str, object]:
    return {
        "model": each.role,
        "name": each.model,
        "right": f"{each.correct:,} of {each.images:,}",
        "accuracy": percent(each.accuracy),
        "95 % interval": interval(each.interval),
        "macro F1": "" if each.macro_f1 is None else f"{each.macro_f1:.3f}",
        "tokens": f"{each.prompt_tokens:,} in, {each.completion_tokens:,} out",
        "$ per 1,000": per_1000(each),
    }


def _answers(models: Sequence[ModelFigures]) -> list[dict[str, object]]:
    """Outcomes and latency; every row has the same columns, for Prefect takes them from the first one."""
    outcomes = list(dict.fromkeys(name for each in models for name in each.outcomes))
    return [
        {"model": each.role}
        | {name.replace("_", " "): each.outcomes.get(name, 0) for name in outcomes}
        | {f"{percentile} % within ms": _ms(each, str(percentile)) for percentile in PERCENTILES}
        for each in models
    ]


def _ms(each: ModelFigures, percentile: str) -> object:
    return round(each.latency.percentiles[percentile]) if each.latency else ""


def class_rows(report: IterationReport) -> Iterator[dict[str, object]]:
    """A row for each class of the challenger; empty cells where nothing was compared."""
    challenger, tests = report.model_in("challenger"), {test.name: test for test in report.class_tests}
    for each in challenger.classes if challenger else ():
        test = tests.get(each.name)
        yield {
            "class": each.name,
            "images": each.images,
            "precision": percent(each.precision),
            "recall": percent(each.recall),
            "95 % interval": interval(each.recall_interval),
            "F1": blank(each.f1 if each.f1 is None else f"{each.f1:.3f}"),
            "won": test.wins if test else "",
            "lost": test.losses if test else "",
        }


def _key(report: IterationReport, name: str) -> str:
    return f"{report.loop}-{name}"
