"""`kaizen preflight`: whether the loop's present images fit into Azure's limits, buying and uploading nothing."""

from pathlib import Path

from data_contracts.images import Dataset
from data_contracts.limits import current_limits
from tasks.labels import labeled_images
from tasks.loop import connect


def preflight_loop(folder: Path) -> tuple[list[str], dict[str, object]]:
    """Check the loop in *folder*; returns what to print, and the same as a value with `fits` at its top."""
    from tasks.training_files import check_fit, prepare

    loop = connect(str(folder))
    policy = loop.settings.training
    dataset = Dataset(images=tuple(labeled_images(loop, loop.state())))
    verdict = check_fit(loop, prepare(loop, dataset, policy, None), policy)
    oldest = min(getattr(current_limits(), name).as_of for name in type(current_limits()).model_fields)
    lines = [
        "The set fits." if verdict.fits else "The set does not fit.",
        *(f"  {'ok ' if check.fits else 'NO '} {check}" for check in verdict.checks),
        f"Limits as read on {oldest} and later.",
    ]
    return lines, {"fits": verdict.fits, **verdict.model_dump(mode="json")}
