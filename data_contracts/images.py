"""Labeled images, what is known about them, and the datasets that they form."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from data_contracts.record import Record


class Split(StrEnum):
    """Where an image serves; pinned at first sight and never changed."""

    TRAIN = "train"
    VALIDATION = "validation"
    HELD_OUT = "held-out"


class Authority(StrEnum):
    """How much weight a label has; a later label of equal or higher authority supersedes."""

    PERSON = "person"
    AGREEMENT = "agreement"
    EXPERT = "expert"


class LabeledImage(Record):
    """One accepted image with its label, or one accepted chat; the bytes are in the store under its digest."""

    digest: str = Field(description="SHA-256 of the bytes as they were received, 64 hex digits.")
    pixel_digest: str = Field(
        "", description="SHA-256 of size and RGB pixels, the same for a re-saved copy; empty for a chat."
    )
    question: str | None = Field(None, description="SHA-256 of a chat's messages without its last answer.")
    label: str
    group: str = Field(description="The part or shot that the image shows; groups never straddle splits.")
    split: Split
    authority: Authority = Authority.PERSON
    source: str = Field(description="Batch and file that the image came from.")
    who: str = Field(description="Who put the batch into the inbox, as far as known.")
    labeled_at: datetime
    media_type: str = Field(description="Format of the stored bytes, such as JPEG, or chat.")
    phash64: str | None = Field(None, description="Perceptual hash of 64 bits; see ImageFacts.")
    phash256: str | None = Field(None, description="Perceptual hash of 256 bits.")
    cropped64: str | None = Field(None, description="phash64 without the edges.")
    cropped256: str | None = Field(None, description="phash256 without the edges.")
    taken_at: str | None = Field(None, description="When the picture was taken, ISO 8601, as far as known.")
    camera: str | None = Field(None, description="Make and model of the camera, as far as known.")
    crop_of: str | None = None
    box: str | None = None


class ImageHeader(Record):
    """What a file says of itself before its pixels are looked at; None where a fact is unknown."""

    file: str = Field(description="Path inside the batch.")
    bytes: int
    label: str | None = Field(None, description="The class, after aliases; None for a name the contract lacks.")
    said: str | None = Field(None, description="The name of the class as the batch gives it.")
    group: str | None = Field(None, description="What the labels sheet says that the image shows.")
    who: str | None = Field(None, description="Who labeled the image, as the labels sheet says.")
    format: str | None = None
    mode: str | None = None
    width: int | None = Field(None, description="Pixels across, of the upright picture.")
    height: int | None = None
    frames: int | None = None
    aspect: float | None = Field(None, description="Width over height.")
    camera: str | None = Field(None, description="Maker and model, as the camera noted them (EXIF).")
    taken_at: str | None = Field(None, description="When the camera says the picture was taken: ISO, no time zone.")
    problem: str | None = Field(None, description="Why the file could not be read as an image.")


class ImageFacts(ImageHeader):
    """One row of the table that a data contract is checked against; None where a fact is unknown."""

    digest: str
    pixel_digest: str | None = Field(None, description="SHA-256 of size and RGB pixels after EXIF rotation.")
    brightness: float | None = Field(None, description="Mean grey value, 0 to 1.")
    contrast: float | None = Field(None, description="Standard deviation of the grey values, 0 to 0.5.")
    sharpness: float | None = Field(None, description="Variance of the Laplacian of the grey values (0 to 255).")
    entropy: float | None = Field(None, description="Shannon entropy of the grey values, 0 to 8 bits.")
    edge_density: float | None = Field(None, description="Share of the pixels that lie on an edge, 0 to 1.")
    saturation: float | None = Field(None, description="Mean saturation of the colours, 0 to 1.")
    evenness: float | None = Field(None, description="How even the light is, 0 to 1; see image_features.")
    derivation: int | None = Field(
        None, description="Version of what the model sees, to which pixels and hashes belong."
    )
    phash64: str | None = Field(None, description="Perceptual hash of 64 bits, 16 hex digits.")
    phash256: str | None = Field(None, description="Perceptual hash of 256 bits, 64 hex digits.")
    mirrored64: str | None = Field(None, description="phash64 of the mirror image.")
    mirrored256: str | None = Field(None, description="phash256 of the mirror image.")
    cropped64: str | None = Field(None, description="phash64 of what is left without 1.5 % at each edge.")
    cropped256: str | None = Field(None, description="phash256 of what is left without 1.5 % at each edge.")


class RefusedImage(Record):
    """One file that was delivered and not accepted; its bytes are in the inbox, and in quarantine if it was refused."""

    digest: str
    pixel_digest: str
    source: str = Field(description="Batch and file that it came from.")
    who: str = Field("", description="Nobody is noted for what was not accepted.")


class Refusal(Record):
    """Why one file of a batch was not accepted."""

    file: str
    code: str
    reason: str


class RuleOutcome(Record):
    """What Great Expectations found for one rule over the images of a batch."""

    rule: str
    column: str | None = Field(description="The fact that is checked; None: the rule is of the whole table.")
    expectation: str
    severity: Literal["error", "warning"]
    checked: int = Field(description="Images that the rule was checked on.")
    broken: int = Field(
        description="Images that break it, a missing value among them; 1 for a broken rule of the table."
    )


class AlikePair(Record):
    """Two images that look alike: a file of a batch, and another or the digest of an image accepted earlier."""

    one: str
    other: str
    near: bool = Field(description="True: nearly the same picture, in one group. False: a person should look.")


class Dataset(Record):
    """An immutable list of labeled images with their splits, known by the hash of its content."""

    images: tuple[LabeledImage, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted (digest, label, split) of all images: order and time do not matter."""
        return content_digest(f"{image.digest} {image.label} {image.split}" for image in self.images)

    def of(self, split: Split) -> tuple[LabeledImage, ...]:
        """The images of one split, ordered by digest."""
        return tuple(sorted((i for i in self.images if i.split is split), key=lambda i: i.digest))

    def counts(self) -> Mapping[str, int]:
        """How many images each split has."""
        counted = Counter(str(image.split) for image in self.images)
        return {str(split): counted[str(split)] for split in Split}


def held_out_version(images: Iterable[LabeledImage]) -> str:
    """The id of a frozen held-out set: SHA-256 of its sorted (digest, label) pairs."""
    return content_digest(f"{image.digest} {image.label}" for image in images)


def content_digest(lines: Iterable[str]) -> str:
    """SHA-256 of the sorted *lines*, so that order does not matter; 64 hex digits."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
