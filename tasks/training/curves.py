"""The loss curve of an iteration's job: kept as results.csv, drawn for reports and for the run."""

from cloud.store import NotFound
from data_contracts.training import CurvePoint
from decisions.loop_state import Iteration
from decisions.training.training_curve import read_results
from tasks.charts import loss_picture
from tasks.loop import Loop


def stored_curve(loop: Loop, number: int) -> tuple[CurvePoint, ...]:
    """The points of the iteration's results.csv; none where the job left none."""
    try:
        return read_results(loop.store.get(loop.iteration_path(number, "results.csv")).content)
    except NotFound:
        return ()


def curve_picture(loop: Loop, iteration: Iteration) -> bytes | None:
    """The iteration's losses as PNG with the chosen checkpoint marked; None where nothing was measured."""
    points = stored_curve(loop, iteration.number) if iteration.finished else ()
    if not points:
        return None
    chosen = iteration.checkpoint.checkpoint.step if iteration.checkpoint else None
    return loss_picture(points, chosen, f"Losses of iteration {iteration.number}")
