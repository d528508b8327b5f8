"""What a folder of class folders tells of a new loop: its classes, and what its images have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import WrongInput
from decisions.contracts.measured_limits import MeasuredLimits, measured_limits
from decisions.imaging.masks import without_masks
from decisions.ingestion.class_folders import class_folder
from deployments.contract_template import distinct
from tasks.intake.image_workers import ImageFile, shared_workers

EXAMINED = 1000
"""Images that are looked at, evenly over all of them."""
LEAST_CLASSES = 2


@dataclass(frozen=True)
class FolderOfImages:
    """The classes of a folder and the limits that the images looked at keep."""

    classes: tuple[str, ...]
    limits: MeasuredLimits
    examined: int
    unreadable: int
    files: int


def look_into(folder: Path) -> FolderOfImages:
    """The classes and limits of *folder*; raises WrongInput without two class folders or a readable image."""
    files = _files(folder)
    classes = distinct(name for name in map(class_folder, files) if name)
    if len(classes) < LEAST_CLASSES:
        raise WrongInput(f"{folder} has {len(classes)} class folders; telling apart takes two: CLASS/FILE.jpg")
    for name in classes:
        if not name.isprintable():
            raise WrongInput(f"The folder {name!r} in {folder} has no name that can be printed; rename it")
    facts = list(shared_workers().facts(ImageFile.of(folder, file) for file in files[:: -(-len(files) // EXAMINED)]))
    limits = measured_limits(facts)
    if limits is None:
        raise WrongInput(f"None of the {len(facts)} files looked at in {folder} is a readable image")
    unreadable = sum(fact.problem is not None for fact in facts)
    return FolderOfImages(tuple(classes), limits, len(facts) - unreadable, unreadable, len(files))


def _files(folder: Path) -> Sequence[str]:
    if not folder.is_dir():
        raise WrongInput(f"There is no folder {folder}")
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    shown = (path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    files = [file for file in shown if class_folder(file)]
    return without_masks(files)
