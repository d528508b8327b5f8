"""Recall by training images, and what to photograph next."""

from collections.abc import Mapping

from pydantic import Field

from data_contracts.record import Record


class ClassPoint(Record):
    """One iteration and one class: training images that its model learned from, held-out images asked and right."""

    iteration: int
    images: int = Field(ge=0)
    asked: int = Field(ge=0)
    right: int = Field(ge=0)


class CurveEstimate(Record):
    """The recall that so many training images are likely to give, with its 80 % interval."""

    images: int
    recall: float
    low: float
    high: float


class ClassCurve(Record):
    """The learning curve of one class; the first estimate, the only one at chance, is for the images of today."""

    label: str
    points: tuple[ClassPoint, ...]
    estimates: tuple[CurveEstimate, ...]
    above_chance: bool = True


class PhotographNext(Record):
    """How many more images the next gain of accuracy is likely to need, of which classes, and why in one sentence."""

    gain: float
    accuracy: float = Field(description="Held-out accuracy now, as the curves estimate it.")
    images: int | None = Field(None, description="None where no number of images within reach is likely to do.")
    at_least: int | None = Field(None, description="Lower end of the 80 % interval; None where none can be told.")
    at_most: int | None = Field(None, description="Upper end; None where it is beyond what the iterations can tell.")
    classes: Mapping[str, int] = Field(default_factory=dict, description="More images by class, most first.")
    reason: str


class LearningCurves(Record):
    """The curve of each class, and the images that the next point of accuracy is likely to need."""

    curves: tuple[ClassCurve, ...] = ()
    next: PhotographNext | None = None
