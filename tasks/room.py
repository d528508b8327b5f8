"""Making room on the account for new training files."""

from collections.abc import Set

from prefect import get_run_logger

from decisions.training.making_room import files_to_delete
from decisions.training.preflight import Preflight
from tasks.loop import Loop, Turn


def make_room(loop: Loop, turn: Turn, new: Set[str], verdict: Preflight) -> bool:
    """Delete old files of the loop's finished iterations as far as *verdict* asks for room; whether any went.

    Files named in *new*, those of the open iteration and those of others stay.
    """
    offers = [check.offer for check in verdict.checks if check.offer is not None]
    count = max((offer.delete_files or 0 for offer in offers), default=0)
    size = max((offer.delete_bytes or 0 for offer in offers), default=0)
    if not count and not size:
        return False
    intended = loop.iteration(turn.iteration).intended
    used = {intended.training_file, intended.validation_file or ""} if intended else set()
    chosen = files_to_delete(loop.foundry.files(), loop.name, new | used, count, size)
    for file in chosen:
        loop.foundry.delete_file(file.id)
        get_run_logger().info(
            "Deleted %s (%s, %s bytes) of a finished iteration", file.name, file.id, f"{file.bytes:,}"
        )
    return bool(chosen)
