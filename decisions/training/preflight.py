"""Whether a fine-tuning set fits into the provider's limits, and the resize, split or deletion that makes it fit."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import Field

from data_contracts.limits import Limit, ProviderLimits
from data_contracts.record import Record
from decisions.training.tokens import image_tokens

SMALLEST_SIDE = 64
"""Pixels a side below which no resize is offered: a split keeps more."""
SHRUNKEN_BYTES = 1.5
"""Power of the side with which a JPEG's bytes shrink: less than the area, for a smaller picture has finer detail."""


class Sent(NamedTuple):
    """One example as it is sent: its line and image in bytes, the image's sides, its text's tokens, its label."""

    line_bytes: int
    image_bytes: int
    width: int
    height: int
    text_tokens: int
    label: str = ""


class Account(Record):
    """What the account holds before anything is uploaded."""

    files: int = 0
    bytes: int = 0
    queued_jobs: int = 0
    jobs: int = 0
    model_deployments: int = Field(0, description="Of fine-tuned models.")


@dataclass(frozen=True)
class FileToSend:
    """One file of the job, measured."""

    role: str
    examples: Sequence[Sent]
    uploaded: bool = False
    """The very same file is on the account already."""

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return sum(each.line_bytes for each in self.examples)


class Offer(Record):
    """What would make the set fit; a field that is None does not help."""

    largest_side: int | None = Field(None, description="Pixels to which every longer side of an image is shrunk.")
    parts: int | None = Field(None, description="Training sets of equal size, one job each.")
    leave_out: int | None = Field(None, description="Images to leave out instead.")
    more_images: int | None = None
    delete_files: int | None = None
    delete_bytes: int | None = None
    wait_for_jobs: int | None = None
    delete_jobs: int | None = None
    delete_deployments: int | None = None

    def __str__(self) -> str:
        """The ways, joined by "or"."""
        ways = (
            ("shrink the images to at most {} pixels a side", self.largest_side),
            ("train on them in {} parts", self.parts),
            ("leave out {} images", self.leave_out),
            ("add {} images", self.more_images),
            ("delete {} fine-tuning files of the account", self.delete_files),
            ("delete fine-tuning files of {} bytes in all", self.delete_bytes),
            ("wait until {} queued jobs have begun", self.wait_for_jobs),
            ("delete {} ended jobs", self.delete_jobs),
            ("delete {} model deployments of fine-tuned models", self.delete_deployments),
        )
        return " or ".join(way.format(f"{value:,}") for way, value in ways if value) or "leave these images out"


class Check(Record):
    """One limit, what the set needs of it, and what helps where that is too much."""

    limit: str
    needed: int
    allowed: int
    fits: bool
    offer: Offer | None = None

    def __str__(self) -> str:
        """One line for a person."""
        line = f"{self.limit}: {self.needed:,} of {self.allowed:,}"
        return line if self.fits else f"{line} does not fit; {self.offer}"


class Preflight(Record):
    """All limits at one look."""

    checks: tuple[Check, ...]

    @property
    def fits(self) -> bool:
        """Whether the set may be uploaded and trained on."""
        return all(check.fits for check in self.checks)

    @property
    def problems(self) -> str:
        """What does not fit and what helps, in one line; empty when all fits."""
        return "; ".join(str(check) for check in self.checks if not check.fits)


def preflight(
    files: Sequence[FileToSend], detail: str, epochs: int, account: Account, limits: ProviderLimits
) -> Preflight:
    """Check *files*, of which the first is the training file, for a job of *epochs* on *account*."""
    checks = [check for file in files for check in _file_checks(file, detail, limits)]
    checks.append(_job_tokens(files[0], detail, epochs, limits.job_tokens))
    return Preflight(checks=(*checks, *_account_checks(files, account, limits)))


def _file_checks(file: FileToSend, detail: str, limits: ProviderLimits) -> list[Check]:
    count, name = len(file.examples), f"the {file.role} file"
    tokens = [each.text_tokens + image_tokens(each.width, each.height, detail) for each in file.examples]
    few = Offer(more_images=max(0, limits.fewest_examples.value - count))
    return [
        Check(
            limit=f"fewest examples in {name}",
            needed=count,
            allowed=limits.fewest_examples.value,
            fits=count >= limits.fewest_examples.value,
            offer=few if few.more_images else None,
        ),
        _at_most(f"most examples in {name}", count, limits.most_examples, lambda: _split(file, limits.most_examples)),
        _at_most(f"bytes of {name}", file.bytes, limits.file_bytes, lambda: _shrink_or_split(file, limits.file_bytes)),
        _at_most(
            f"bytes of the largest image in {name}",
            max((each.image_bytes for each in file.examples), default=0),
            limits.largest_image_bytes,
            lambda: _smaller_images(file, limits.largest_image_bytes),
        ),
        _at_most(f"tokens of the longest example in {name}", max(tokens, default=0), limits.example_tokens, Offer),
    ]


def _job_tokens(file: FileToSend, detail: str, epochs: int, limit: Limit) -> Check:
    def tokens(side: float) -> int:
        return epochs * sum(
            each.text_tokens + image_tokens(*_sides(each, side), detail=detail) for each in file.examples
        )

    def offer() -> Offer:
        per_example = tokens(math.inf) / len(file.examples)
        most = max(1, int(limit.value / per_example))
        side = _largest_side(file.examples, lambda side: tokens(side) <= limit.value)
        return Offer(largest_side=side, **_fewer(len(file.examples), most))

    return _at_most("tokens of the training file times epochs", tokens(math.inf), limit, offer)


def _account_checks(files: Sequence[FileToSend], account: Account, limits: ProviderLimits) -> list[Check]:
    new = [file for file in files if not file.uploaded]
    size = account.bytes + sum(file.bytes for file in new)
    wanted = (
        ("fine-tuning files of the account", account.files + len(new), limits.resource_files, "delete_files"),
        ("bytes of the account's fine-tuning files", size, limits.resource_bytes, "delete_bytes"),
        ("queued jobs of the account", account.queued_jobs + 1, limits.queued_jobs, "wait_for_jobs"),
        ("jobs of the account", account.jobs + 1, limits.resource_jobs, "delete_jobs"),
        (
            "model deployments of fine-tuned models",
            account.model_deployments + 1,
            limits.fine_tuned_deployments,
            "delete_deployments",
        ),
    )
    return [_free(*each) for each in wanted]


def _free(name: str, needed: int, limit: Limit, way: str) -> Check:
    return _at_most(name, needed, limit, lambda: Offer(**{way: needed - limit.value}))


def _at_most(name: str, needed: int, limit: Limit, offer: Callable[[], Offer]) -> Check:
    fits = needed <= limit.value
    return Check(limit=name, needed=needed, allowed=limit.value, fits=fits, offer=None if fits else offer())


def _split(file: FileToSend, limit: Limit) -> Offer:
    return Offer(**_fewer(len(file.examples), limit.value))


def _shrink_or_split(file: FileToSend, limit: Limit) -> Offer:
    side = _largest_side(file.examples, lambda side: _file_bytes(file.examples, side) <= limit.value)
    largest_first = sorted((each.line_bytes for each in file.examples), reverse=True)
    excess, left_out = file.bytes - limit.value, 0
    while excess > 0:
        excess -= largest_first[left_out]
        left_out += 1
    return Offer(largest_side=side, parts=math.ceil(file.bytes / limit.value), leave_out=left_out)


def _smaller_images(file: FileToSend, limit: Limit) -> Offer:
    large = [each for each in file.examples if each.image_bytes > limit.value]
    side = _largest_side(large, lambda side: all(_image_bytes(each, side) <= limit.value for each in large))
    return Offer(largest_side=side, leave_out=len(large))


def _fewer(count: int, most: int) -> dict[str, int]:
    return {"parts": math.ceil(count / most), "leave_out": count - most}


def _largest_side(examples: Iterable[Sent], fits: Callable[[float], bool]) -> int | None:
    """The largest side in pixels at which *fits* holds, None if no useful one does; found by halving."""
    low, high = SMALLEST_SIDE, max(max(each.width, each.height) for each in examples)
    if high <= low or not fits(low):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _file_bytes(examples: Iterable[Sent], side: float) -> int:
    return sum(each.line_bytes - 4 * (each.image_bytes - _image_bytes(each, side)) // 3 for each in examples)


def _image_bytes(each: Sent, side: float) -> int:
    if not each.image_bytes:
        return 0
    shrink = min(1.0, side / max(each.width, each.height))
    return math.ceil(each.image_bytes * math.pow(shrink, SHRUNKEN_BYTES))


def _sides(each: Sent, side: float) -> tuple[int, int]:
    if not each.image_bytes:
        return 0, 0  # a chat without an image
    shrink = min(1.0, side / max(each.width, each.height))
    return max(1, round(each.width * shrink)), max(1, round(each.height * shrink))
