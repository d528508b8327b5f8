"""`kaizen check-images --metadata-only`: what headers alone say of a folder of images."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from data_contracts.image_contract import ImageContract
from data_contracts.images import ImageHeader, Refusal
from data_contracts.record import Record
from decisions.ingestion.acceptance import unfit
from tasks.intake.contract_check import check_facts

ABOUT = "pixels were not looked at: damage, copies, near-duplicates and quality are unknown"


class HeaderCheck(Record):
    """What a contract makes of headers, as far as it speaks of them."""

    about: str = ABOUT
    images: int
    quarantined: tuple[Refusal, ...]
    classes: dict[str, int] = Field(description="Files with no objection yet, by class.")
    formats: dict[str, int]
    cameras: dict[str, int]
    headers: tuple[ImageHeader, ...]


def check_headers(headers: Sequence[ImageHeader], refused: Sequence[Refusal], contract: ImageContract) -> HeaderCheck:
    """Check *headers* against those rules of *contract* that need no pixels, beside what is *refused* already."""
    of_headers = tuple(rule for rule in contract.rules if rule.column in ImageHeader.model_fields)
    found = check_facts(headers, contract.model_copy(update={"rules": of_headers}), refused)
    first: dict[str, Refusal] = {}
    for refusal in (*map(unfit, headers), *found.refused):
        if refusal is not None:
            first.setdefault(refusal.file, refusal)
    passed = Counter(str(header.label) for header in headers if header.file not in first)
    return HeaderCheck(
        images=len(headers),
        quarantined=tuple(first[file] for file in sorted(first)),
        classes={label: passed[label] for label in contract.labels},
        formats=_counted([header.format for header in headers]),
        cameras=_counted([header.camera for header in headers]),
        headers=tuple(headers),
    )


def told_of_headers(folder: Path, found: HeaderCheck) -> list[str]:
    """The check in lines; the first says what was not looked at."""
    return [
        f"Headers only: {found.about}.",
        f"{found.images} files in {folder}: {len(found.quarantined)} would be quarantined by what their headers say",
        *(f"  {label:<24} {count:>6}" for label, count in found.classes.items()),
        *(f"  {kind}: {count}" for counts in (found.formats, found.cameras) for kind, count in counts.items()),
        *([f"Quarantined ({len(found.quarantined)}):"] if found.quarantined else []),
        *(f"  {each.file}: {each.reason}" for each in found.quarantined),
    ]


def _counted(values: Sequence[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))
