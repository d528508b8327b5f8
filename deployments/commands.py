"""`kaizen ingest` and `kaizen improve`: a flow run, told in a sentence."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.settings import load_settings

if TYPE_CHECKING:
    from data_contracts.ledger import ImagesAccepted

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}
"""What Prefect would say on the terminal is in its UI; what was set outside counts."""


def ingest_inbox(folder: Path) -> tuple[list[str], object]:
    """Run `ingest_images`; returns a line for each batch, and the batches as the ledger has them."""
    _prepare(folder)
    from flows.ingest_images import ingest_images, told_late
    from tasks.freshness import overdue_images
    from tasks.inbox import late_files
    from tasks.loop import connect

    batches = ingest_images(str(folder))
    lines = [line for each in batches for line in (told(each), *(f"  {remark}" for remark in each.remarks))]
    late = [told_late(batch, count) for batch, count in late_files(connect(str(folder))).items()]
    overdue = overdue_images(str(folder))
    lines = [*(lines or ["There is no new batch in the inbox."]), *late, *([overdue] if overdue else [])]
    return lines, [each.model_dump(mode="json") for each in batches]


def improve_once(folder: Path) -> tuple[list[str], object]:
    """Run `improve_model`; returns what came of it in one line, and as a value."""
    _prepare(folder)
    from flows.improve_model import improve_model

    result = improve_model(str(folder))
    line = f"{result.status}: {result.reason}"
    if result.iteration is not None:
        line = f"Iteration {result.iteration}: {line}"
    if result.status == "waits for a person":
        line = f'{line}. Next: kaizen approve {result.iteration} --yes (or --no) --why "…", then kaizen improve'
    return [line], result.model_dump(mode="json")


def told(batch: "ImagesAccepted") -> str:
    """What became of a batch, in a line."""
    known = f", {batch.duplicates} known already" if batch.duplicates else ""
    warned = "".join(f", {count} with the warning {rule}" for rule, count in batch.warnings.items())
    return f"{batch.batch}: {batch.accepted} images accepted, {batch.quarantined} quarantined{known}{warned}"


def _prepare(folder: Path) -> None:
    """Find what is wrong with the settings before a flow run begins."""
    load_settings(folder)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
