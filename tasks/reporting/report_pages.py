"""The report of an iteration as HTML and JSON in the store: pictures inside, nothing from outside."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud.store import NotFound
from data_contracts.figures import LatencyFigures, ModelFigures
from data_contracts.iteration_report import IterationReport
from data_contracts.reports_compared import ReportsCompared
from data_contracts.summary import IterationSummary
from decisions.evaluation.decision_table import p_value
from tasks.charts import confusion_counts, confusion_picture, png_url
from tasks.formats import blank, interval, outcome, percent
from tasks.loop import Loop
from tasks.reporting.iteration_report import CHALLENGER, iteration_report, training_lines
from tasks.reporting.learning_curves import learning_curve_picture
from tasks.reporting.summaries import evaluations, summarize
from tasks.reporting.validation_pictures import pictures
from tasks.training.curves import curve_picture

if TYPE_CHECKING:
    from decisions.loop_state import Iteration

PAGES = Path(__file__).parent / "pages"


def write_pages(loop: Loop, number: int) -> IterationReport:
    """Write report.json and report.html of an iteration, and iterations.html of the loop before the last one."""
    report = iteration_report(loop, number)
    written = {
        loop.iteration_path(number, "report.json"): report.model_dump_json(indent=2),
        loop.path("iterations.html"): render_iterations(loop, summarize(loop)),
        loop.iteration_path(number, "report.html"): render_report(loop, report),
    }
    for path, text in written.items():
        loop.store.put(path, text.encode())
    return report


def render_report(loop: Loop, report: IterationReport) -> str:
    """The page of one iteration."""
    png = curve_picture(loop, loop.iteration(report.iteration))
    return rendered(
        "report.html.j2",
        report=report,
        pictures=pictures(loop, report.misclassified),
        curve=png_url(png) if png else None,
        learned=png_url(learning_curve_picture(report.learning.curves)) if report.learning.curves else None,
    )


def render_iterations(loop: Loop, summaries: Sequence[IterationSummary], home: str = "") -> str:
    """The page with all iterations; *home* leads from it to the loop's folder in the store, such as `store/loop/`."""
    state = loop.state()
    drawn = {each.number: curve_picture(loop, each) for each in state.iterations}
    return rendered(
        "iterations.html.j2",
        loop=loop.name,
        home=home,
        champion=state.champion.model if state.champion else None,
        iterations=summaries,
        pictures={
            each.number: [png_url(png) for png in confusion_pictures(loop, each).values()] for each in state.iterations
        },
        curves={number: png_url(png) if png else None for number, png in drawn.items()},
        training={each.number: training_lines(each) for each in state.iterations},
    )


def render_comparison(compared: ReportsCompared) -> str:
    """The page of two iterations; their challengers are told apart by number."""
    found = [
        each.model_copy(update={"role": f"challenger {report.iteration}"})
        for report in (compared.first, compared.second)
        for each in report.models
        if each.role == CHALLENGER
    ]
    return rendered("compare.html.j2", compared=compared, challengers=found)


def redraw_reports(loop: Loop, digests: Collection[str]) -> tuple[int, ...]:
    """Write reports anew that show an image of *digests*, which were forgotten since; returns their iterations."""
    numbers = [each.number for each in loop.state().iterations if _shows(loop, each.number, digests)]
    for number in numbers:
        write_pages(loop, number)
    return tuple(numbers)


def _shows(loop: Loop, number: int, digests: Collection[str]) -> bool:
    try:
        content = loop.store.get(loop.iteration_path(number, "report.json")).content
    except NotFound:
        return False
    return any(digest.encode() in content for digest in digests)


def rendered(template: str, **values: Any) -> str:
    """A page of `pages/` with *values*; names and texts of others are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": percent, "interval": interval, "blank": blank, "outcome": outcome}
    environment.filters |= {"median": _median, "per_1000": per_1000, "p_value": p_value}
    environment.filters |= {"by_name": _by_name, "before": before, "capitalize_first": _capitalized}
    return environment.get_template(template).render(**values)


def confusion_pictures(loop: Loop, iteration: "Iteration") -> Mapping[str, bytes]:
    """The confusion matrices before and of the challenger as PNG; none without a decision, or without classes."""
    labels = loop.contract.labels
    old, after = evaluations(loop, iteration)
    if not loop.contract.tells_classes:
        return {}
    role = "Champion before" if iteration.opened.champion else "Base model"
    shown = {"before": (role, old), "challenger": (f"Challenger {iteration.number}", after)}
    return {
        place: confusion_picture(confusion_counts(each, labels), labels, f"{title}: {each.accuracy:.1%}")
        for place, (title, each) in shown.items()
        if each is not None
    }


def before(report: IterationReport) -> ModelFigures | None:
    """The model that the gate paired with the challenger."""
    compared = report.comparison.champion if report.comparison else None
    return next((each for each in report.models if each.model == compared), None)


def per_1000(figures: ModelFigures) -> str:
    """US dollars for the tokens of 1,000 such answers; empty for a model without a price."""
    return "" if figures.usd is None else f"{1000 * figures.usd / figures.images:,.2f}"


def _median(figures: LatencyFigures | None) -> str:
    return "" if figures is None else f"{figures.percentiles['50']:,.0f}"


def _capitalized(text: str) -> str:
    """The sentence with a capital letter first; names within keep theirs."""
    return text[:1].upper() + text[1:]


def _by_name(rows: Sequence[Any]) -> dict[str, Any]:
    return {row.name: row for row in rows}
