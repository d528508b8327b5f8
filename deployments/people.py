"""`kaizen check-images --people`: which images Azure would probably skip because they show people."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from data_contracts.images import ImageFacts
from data_contracts.record import Record
from tasks.intake.people import Finder

CAUTION = "a forecast by OpenCV's detectors, not Azure's own; both err"


class SkippedImage(Record):
    """One image that would probably be skipped."""

    file: str
    label: str | None
    found: str


class PeopleForecast(Record):
    """The images in which faces or people were seen."""

    about: str = CAUTION
    classes: dict[str, int] = Field(description="Readable images with a face or person, by class, zero included.")
    images: tuple[SkippedImage, ...]


def forecast(folder: Path, facts: Sequence[ImageFacts], find: Finder) -> PeopleForecast:
    """Look for people with *find* in the readable images of *folder*."""
    seen = [(fact, find((folder / fact.file).read_bytes())) for fact in facts if fact.problem is None]
    images = [SkippedImage(file=fact.file, label=fact.label, found=found) for fact, found in seen if found]
    counted = Counter(str(image.label) for image in images)
    return PeopleForecast(
        classes={label: counted[label] for label in sorted({str(fact.label) for fact, _ in seen})}, images=tuple(images)
    )


def told(made: PeopleForecast) -> list[str]:
    """The forecast in lines."""
    return [
        f"{len(made.images)} images would probably be skipped for faces or people ({made.about}):",
        *(f"  {label:<24} {count:>6}" for label, count in made.classes.items()),
        *(f"  {image.file}: {image.found}" for image in made.images),
    ]
