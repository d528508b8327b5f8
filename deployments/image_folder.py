"""A folder of class folders, as users bring it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from data_contracts.errors import WrongInput
from decisions.training.next_iteration import missing_images


def images_by_class(folder: Path, smallest_class: int) -> Mapping[str, Sequence[Path]]:
    """The images of each class folder in *folder*.

    Raises WrongInput when there is no folder, no image, only one class, or a class with fewer than
    *smallest_class* images.
    """
    if not folder.is_dir():
        raise WrongInput(f"There is no folder {folder}")
    found = {each.name: _images(each) for each in sorted(folder.iterdir()) if each.is_dir()}
    classes = {name: images for name, images in found.items() if images}
    if not classes:
        raise WrongInput(f"{folder} has no images in class folders; it needs CLASS/FILE.jpg for each class")
    if len(classes) == 1:
        raise WrongInput(f"{folder} has one class, {next(iter(classes))}; telling apart takes two or more")
    short = missing_images({name: len(images) for name, images in classes.items()}, tuple(classes), smallest_class)
    if short:
        counts = ", ".join(f"{name} has {count}" for name, count in short.items())
        raise WrongInput(f"Each class in {folder} needs at least {smallest_class} images; {counts}")
    return classes


def _images(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and _looks_like_image(file)]


def _looks_like_image(file: Path) -> bool:
    """Whether the file's head is an image's; the data contract looks at the rest."""
    try:
        with Image.open(file):
            return True
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
