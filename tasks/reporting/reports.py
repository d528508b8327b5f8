"""The report of a loop as one HTML page, and what Prefect shows on a run."""

from prefect import task
from prefect.artifacts import create_image_artifact, create_table_artifact

from data_contracts.chat_contract import ChatContract
from data_contracts.summary import IterationSummary
from decisions.gate.pairing import agreement
from decisions.loop_state import Iteration
from tasks.charts import png_url
from tasks.formats import blank, interval, outcome, percent
from tasks.loop import Loop, Turn, connect
from tasks.reporting.report_artifacts import publish_report
from tasks.reporting.report_pages import confusion_pictures, write_pages
from tasks.reporting.summaries import evaluations, summarize
from tasks.retrying import PATIENTLY
from tasks.training.curves import curve_picture


@task(**PATIENTLY)
def publish_iteration(turn: Turn) -> str:
    """Write the report into the store and put figures, confusion matrices and decision on the run; returns its path."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    summaries = summarize(loop)
    path = loop.iteration_path(turn.iteration, "report.html")
    report = write_pages(loop, turn.iteration)
    create_table_artifact(
        [_row(each) for each in summaries],
        key=f"{loop.name}-iterations",
        description=f"Every iteration of {loop.name}; both models of one answered the same held-out images",
    )
    curve = curve_picture(loop, iteration)
    if curve is not None:
        create_image_artifact(
            png_url(curve), key=f"{loop.name}-losses", description=f"Losses of iteration {turn.iteration}"
        )
    if iteration.decided is not None:
        publish_report(report, path)
        _publish_matrices(loop, iteration)
    return path


@task(**PATIENTLY)
def publish_missing_report(folder: str, fence: int) -> None:
    """Publish the last iteration if its run was killed between closing it and its report."""
    loop = connect(folder)
    last = len(loop.state().iterations)
    path = loop.iteration_path(last, "report.html")
    if last and path not in loop.store.list(path):
        publish_iteration.fn(Turn(folder=folder, iteration=last, fence=fence))


def _publish_matrices(loop: Loop, iteration: Iteration) -> None:
    if isinstance(loop.contract, ChatContract):
        _publish_agreement(loop, iteration)
        return
    for role, png in confusion_pictures(loop, iteration).items():
        create_image_artifact(
            png_url(png), key=f"{loop.name}-confusion-{role}", description=f"Iteration {iteration.number}"
        )


def _publish_agreement(loop: Loop, iteration: Iteration) -> None:
    """Counts only: a held-out question or answer that is shown could find its way into a training file."""
    before, after = evaluations(loop, iteration)
    if before is None or after is None:
        return
    told = {True: "right", False: "wrong"}
    rows = [
        {"before": told[one], "challenger": told[other], "chats": count}
        for (one, other), count in agreement(before, after).items()
    ]
    create_table_artifact(rows, key=f"{loop.name}-answers", description=f"Iteration {iteration.number}, as graded")


def _row(each: IterationSummary) -> dict[str, object]:
    return {
        "iteration": each.number,
        "base": percent(each.base_accuracy),
        "local": percent(each.local_accuracy),
        "champion before": percent(each.champion_accuracy) if each.champion else "none yet",
        "challenger": percent(each.challenger_accuracy),
        "95 % interval": interval(each.interval),
        "won": blank(each.wins),
        "lost": blank(each.losses),
        "outcome": outcome(each),
        "cost": f"${each.cost:.2f}",
    }
