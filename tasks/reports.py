"""The report of a loop as one HTML page, and what Prefect shows on a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from data_contracts.chat_contract import ChatContract
from data_contracts.ledger import Decided
from data_contracts.summary import IterationSummary
from decisions.gate.pairing import agreement
from decisions.loop_state import Iteration
from tasks.charts import confusion_counts, confusion_picture, png_url
from tasks.curves import curve_picture
from tasks.formats import blank, interval, outcome, percent
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.summaries import evaluations, summarize


@task(**PATIENTLY)
def publish_iteration(turn: Turn) -> str:
    """Write the report into the store and put figures, confusion matrices and decision on the run; returns its path."""
    loop = connect(turn.folder)
    iteration = loop.iteration(turn.iteration)
    summaries = summarize(loop)
    path = loop.iteration_path(turn.iteration, "report.html")
    loop.store.put(path, render(loop, summaries).encode())
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
        _publish_decision(loop, iteration, iteration.decided)
    return path


@task(**PATIENTLY)
def publish_missing_report(folder: str, fence: int) -> None:
    """Publish the last iteration if its run was killed between closing it and its report."""
    loop = connect(folder)
    last = len(loop.state().iterations)
    path = loop.iteration_path(last, "report.html")
    if last and path not in loop.store.list(path):
        publish_iteration.fn(Turn(folder=folder, iteration=last, fence=fence))


def render(loop: Loop, summaries: Sequence[IterationSummary]) -> str:
    """The page with all iterations, pictures inside."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"percent": percent, "interval": interval, "blank": blank, "outcome": outcome}
    state = loop.state()
    pictures = {
        each.number: [png_url(png) for png in confusion_pictures(loop, each).values()] for each in state.iterations
    }
    drawn = {each.number: curve_picture(loop, each) for each in state.iterations}
    return environment.get_template("report.html.j2").render(
        loop=loop.name,
        champion=state.champion.model if state.champion else None,
        iterations=summaries,
        pictures=pictures,
        curves={number: png_url(png) if png else None for number, png in drawn.items()},
        training={each.number: training_lines(each) for each in state.iterations},
    )


def confusion_pictures(loop: Loop, iteration: Iteration) -> Mapping[str, bytes]:
    """The confusion matrices before and of the challenger as PNG; none without a decision, or without classes."""
    labels = loop.contract.labels
    before, after = evaluations(loop, iteration)
    if not loop.contract.tells_classes:
        return {}
    role = "Champion before" if iteration.opened.champion else "Base model"
    shown = {"before": (role, before), "challenger": (f"Challenger {iteration.number}", after)}
    return {
        place: confusion_picture(confusion_counts(each, labels), labels, f"{title}: {each.accuracy:.1%}")
        for place, (title, each) in shown.items()
        if each is not None
    }


def training_lines(iteration: Iteration) -> list[str]:
    """Why and on what the iteration trained, how much of it the service used, and which checkpoint was chosen."""
    dataset, checkpoint, reconciled = iteration.dataset, iteration.checkpoint, iteration.reconciled
    lines = [f"Opened: {iteration.opened.reason}"]
    if dataset and dataset.replayed:
        lines.append(f"Shown: {dataset.new:,} new training examples and {dataset.replayed:,} earlier ones again")
    lines += [reconciled.reason] if reconciled else []
    return [*lines, *([f"Chosen: {checkpoint.reason}"] if checkpoint else [])]


def _publish_decision(loop: Loop, iteration: Iteration, decided: Decided) -> None:
    answered = f"\n\nAnswered by {iteration.approved_by}." if iteration.approved else ""
    models = f"Challenger: `{decided.challenger}`\n\nCompared with: {_compared(decided)}"
    text = f"## {decided.code}\n\n{decided.reason}{answered}\n\n{models}"
    create_markdown_artifact(text, key=f"{loop.name}-decision", description=f"Iteration {iteration.number}")
    if isinstance(loop.contract, ChatContract):
        _publish_agreement(loop, iteration)
        return
    for role, png in confusion_pictures(loop, iteration).items():
        create_image_artifact(
            png_url(png), key=f"{loop.name}-confusion-{role}", description=f"Iteration {iteration.number}"
        )


def _compared(decided: Decided) -> str:
    if decided.champion is None:
        return "nothing, for there is no champion, and the base model can no longer be deployed"
    low, high = decided.interval
    return f"`{decided.champion}`\n\nGain: {low:+.1%} to {high:+.1%} (95 % interval)"


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
        "champion before": percent(each.champion_accuracy) if each.champion else "none yet",
        "challenger": percent(each.challenger_accuracy),
        "95 % interval": interval(each.interval),
        "won": blank(each.wins),
        "lost": blank(each.losses),
        "outcome": outcome(each),
        "cost": f"${each.cost:.2f}",
    }
