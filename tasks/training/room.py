"""Making room on the account for new training files."""

from collections.abc import Iterable, Set

from prefect import get_run_logger

from decisions.loop_state import Iteration
from decisions.training.making_room import files_to_delete
from decisions.training.preflight import Preflight
from tasks.loop import Loop, Turn
from tasks.pausing import check_may_act


def make_room(loop: Loop, turn: Turn, new: Set[str], verdict: Preflight) -> bool:
    """Delete old files of the loop's finished iterations as far as *verdict* asks for room; whether any went.

    What the ledger does not name stays: another loop of the same name may use the account. So do files named in *new*.
    """
    offers = [check.offer for check in verdict.checks if check.offer is not None]
    count = max((offer.delete_files or 0 for offer in offers), default=0)
    size = max((offer.delete_bytes or 0 for offer in offers), default=0)
    if not count and not size:
        return False
    iterations = loop.state().iterations
    finished = _files_of(iterations[: turn.iteration - 1])
    used = _files_of(iterations[turn.iteration - 1 :])
    chosen = files_to_delete(loop.foundry.files(), finished, new | used, count, size)
    for file in chosen:
        check_may_act(loop, turn.fence)
        loop.foundry.delete_file(file.id)
        get_run_logger().info(
            "Deleted %s (%s, %s bytes) of a finished iteration", file.name, file.id, f"{file.bytes:,}"
        )
    return bool(chosen)


def _files_of(iterations: Iterable[Iteration]) -> Set[str]:
    """Ids of the files with which the iterations' jobs were bought."""
    intents = [each.intended for each in iterations if each.intended]
    return {file for each in intents for file in (each.training_file, each.validation_file) if file}
