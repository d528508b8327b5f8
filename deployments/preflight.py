"""`kaizen preflight`: whether the loop's present images fit into Azure's limits, buying and uploading nothing."""

from pathlib import Path

from data_contracts.limits import current_limits
from tasks.labels import dataset_of
from tasks.loop import connect
from tasks.training_files import check_fit, prepare


def preflight_loop(folder: Path) -> tuple[list[str], dict[str, object]]:
    """Check the loop in *folder*; returns what to print, and the same as a value with `fits` at its top."""
    loop = connect(str(folder))
    policy = loop.settings.training
    verdict = check_fit(loop, prepare(loop, dataset_of(loop, loop.state()), policy, None), policy, policy.n_epochs)
    limits = current_limits()
    oldest = min(getattr(limits, name).as_of for name in type(limits).model_fields)
    lines = [
        "The set fits." if verdict.fits else "The set does not fit.",
        *(f"  {'ok ' if check.fits else 'NO '} {check}" for check in verdict.checks),
        f"Limits as read on {oldest} and later.",
    ]
    return lines, {"fits": verdict.fits, **verdict.model_dump(mode="json")}
