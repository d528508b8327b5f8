"""Commands that are a flow run, told in a sentence or two: ingest, improve, trial, roll-back, revive."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.errors import CloudUnavailable
from cloud.settings import load_settings
from deployments.kept_servers import use_servers_of

if TYPE_CHECKING:
    from data_contracts.ledger import ImagesAccepted

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}
"""What Prefect would say on the terminal is in its UI; what was set outside counts."""


def ingest_inbox(folder: Path) -> tuple[list[str], object, tuple[str, ...]]:
    """Run `ingest_images`; returns what to print, the batches as the ledger has them, and why others were not taken."""
    _prepare(folder)
    from flows.ingest_images import BatchesNotTaken, ingest_images

    problems: tuple[str, ...] = ()
    try:
        with _server_in_time():
            batches = ingest_images(str(folder))
    except BatchesNotTaken as error:
        batches, problems = list(error.taken), error.problems
    lines = [line for each in batches for line in _told_batch(each)]
    if not lines and not problems:
        lines.append("There is no new batch in the inbox.")
    return [*lines, *_told_inbox(folder)], [each.model_dump(mode="json") for each in batches], problems


def improve_once(folder: Path, *, dry_run: bool) -> tuple[list[str], object]:
    """Run `improve_model`; returns what came of it in one line, and as a value."""
    _prepare(folder)
    from flows.improve_model import improve_model
    from tasks.loop import connect

    promotion = load_settings(folder).promotion
    with _server_in_time():
        result = improve_model(
            str(folder), promotion=promotion.model_copy(update={"dry_run": dry_run or promotion.dry_run})
        )
    line = result.told
    if result.iteration and result.form is None and connect(str(folder)).iteration(result.iteration).asks_a_person:
        line = f'{line}. Next: kaizen approve {result.iteration} --yes (or --no) --why "…", then kaizen improve'
    return [line], result.model_dump(mode="json")


def try_model(folder: Path, model: str) -> tuple[list[str], object]:
    """Run `try_successor`; returns what to print, and the trial as a value."""
    _prepare(folder)
    from flows.try_successor import try_successor

    with _server_in_time():
        trial = try_successor(model, str(folder))
    return list(trial.lines), trial.model_dump(mode="json")


def go_back(folder: Path, iteration: int | None, why: str, say: Callable[[str], None]) -> tuple[list[str], object]:
    """Run `roll_back` for whoever runs the command; *say* is told before what takes minutes."""
    _prepare(folder)
    from flows.roll_back import roll_back
    from tasks.loop import connect
    from tasks.swap.reviving import expected_time
    from tasks.swap.rolling_back import destination

    loop = connect(str(folder))
    target = destination(loop, iteration)
    if target is not None:
        _say_first(expected_time(loop, target.model_deployment), say)
    with _server_in_time():
        back = roll_back(why, str(folder), iteration, getpass.getuser())
    return [back.told], back.model_dump(mode="json")


def revive_once(folder: Path, name: str, say: Callable[[str], None]) -> tuple[list[str], object]:
    """Run `revive_deployment`; *say* is told before what takes minutes."""
    _prepare(folder)
    from flows.roll_back import revive_deployment
    from tasks.loop import connect
    from tasks.swap.reviving import expected_time

    _say_first(expected_time(connect(str(folder)), name), say)
    with _server_in_time():
        revived = revive_deployment(name, str(folder))
    return [revived.told], revived.model_dump(mode="json")


def _say_first(expected: str | None, say: Callable[[str], None]) -> None:
    if expected is not None:
        say(expected)


def told(batch: "ImagesAccepted") -> str:
    """What became of a batch, in a line."""
    reasons = ", ".join(f"{count} {code}" for code, count in batch.broken_rules.items())
    why = f" ({reasons})" if reasons else ""
    known = f", {batch.duplicates} known already" if batch.duplicates else ""
    warned = "".join(f", {count} with the warning {rule}" for rule, count in batch.warnings.items())
    taken = f"{batch.accepted} {batch.examples} accepted, {batch.quarantined} quarantined"
    return f"{batch.batch}: {taken}{why}{known}{warned}"


def _told_batch(batch: "ImagesAccepted") -> Iterator[str]:
    yield told(batch)
    yield from (f"  {remark}" for remark in batch.remarks)


def _told_inbox(folder: Path) -> Iterator[str]:
    """What nobody looked at, and how long nothing came."""
    from tasks.intake.freshness import overdue_images
    from tasks.intake.inbox import late_files, stray_files
    from tasks.loop import connect

    loop = connect(str(folder))
    for batch, count in late_files(loop).items():
        yield f"{batch}: {count} files came after the batch was taken; move them into a new batch"
    stray = stray_files(loop)
    if stray:
        yield f"{len(stray)} files of the inbox lie in no batch, such as {stray[0]}; move them to BATCH/CLASS/FILE"
    overdue = overdue_images(str(folder))
    if overdue:
        yield overdue


@contextmanager
def _server_in_time() -> Iterator[None]:
    """Prefect starts a server where none is named; on a busy machine that may take longer than it waits."""
    try:
        yield
    except RuntimeError as error:
        if "ephemeral" not in str(error):
            raise
        told = "Prefect's server did not start in time; run the command again, or `kaizen up` in another terminal"
        raise CloudUnavailable(told) from error


def _prepare(folder: Path) -> None:
    """Find what is wrong with the settings before a flow run begins."""
    load_settings(folder)
    use_servers_of(folder)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
