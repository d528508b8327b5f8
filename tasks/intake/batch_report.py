"""What Prefect shows of a batch: who got in, who did not and why, what each rule found, and some refused pictures."""

from collections.abc import Iterable, Sequence
from itertools import islice

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from cloud.store import NotFound
from data_contracts.images import AlikePair, Refusal
from data_contracts.ledger import ImagesAccepted
from data_contracts.refusal_codes import AMBIGUOUS_FILE, BAD_NAME, MISSING_FILE, NOT_AN_IMAGE, SIDECAR
from tasks.intake.quarantine import quarantine_path, refusals
from tasks.loop import Loop, connect
from tasks.markdown import plain, thumbnail
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet

LISTED = 200
PICTURES = 12
NEVER_DECODED = frozenset({NOT_AN_IMAGE, SIDECAR, MISSING_FILE, AMBIGUOUS_FILE, BAD_NAME})
"""Codes of files that no picture is shown of: decoding them is what the image workers are for."""


@task(**PATIENTLY)
def publish_batch(folder: str, accepted: ImagesAccepted) -> None:
    """Show on the run what became of a batch, with the reasons of what was refused."""
    loop = connect(folder)
    _table(loop, "accepted", accepted, [{"class": label, "accepted": n} for label, n in accepted.classes.items()])
    if accepted.rules:
        _table(loop, "rules", accepted, [_rule(each.model_dump()) for each in accepted.rules])
    alike = [each for each in _alike(loop, accepted) if not each.near]
    if alike:
        _table(loop, "to-review", accepted, [{"one": each.one, "other": each.other} for each in alike[:LISTED]])
    refused = refusals(loop, accepted)
    if refused:
        _table(loop, "reasons", accepted, _reasons(refused, accepted.examples))
        _table(loop, "quarantined", accepted, [each.model_dump() for each in refused[:LISTED]])
        if accepted.examples == "images":
            _publish_pictures(loop, accepted, refused)
        create_link_artifact(
            loop.store.address(loop.path("quarantine", accepted.batch)),
            link_text=f"Quarantine of {accepted.batch}",
            key=f"{loop.name}-quarantine",
            description=_summary(accepted),
        )


def pictures(loop: Loop, batch: str, refused: Sequence[Refusal]) -> str:
    """Some refused images as a Markdown table with thumbnails, of each reason in turn; empty if none can be shown."""
    decoded = [each for each in _mixed(refused) if each.code not in NEVER_DECODED]
    shown = ((_thumbnail(loop, batch, each.file), each) for each in decoded)
    rows = [
        f"| ![{number}]({url}) | {plain(each.reason)} | {plain(each.file)} |"
        for number, (url, each) in enumerate(islice(((url, each) for url, each in shown if url), PICTURES), start=1)
    ]
    return "\n".join(["| picture | reason | file |", "|---|---|---|", *rows]) if rows else ""


def _alike(loop: Loop, accepted: ImagesAccepted) -> list[AlikePair]:
    return from_parquet(loop.store.get(accepted.alike).content, AlikePair) if accepted.alike else []


def _publish_pictures(loop: Loop, accepted: ImagesAccepted, refused: Sequence[Refusal]) -> None:
    table = pictures(loop, accepted.batch, refused)
    if table:
        text = f"## Some refused images of {plain(accepted.batch)}\n\n{table}"
        create_markdown_artifact(text, key=f"{loop.name}-refused", description=_summary(accepted))


def _table(loop: Loop, what: str, accepted: ImagesAccepted, rows: Sequence[dict[str, object]]) -> None:
    create_table_artifact(list(rows), key=f"{loop.name}-{what}", description=_summary(accepted))


def _summary(accepted: ImagesAccepted) -> str:
    return (
        f"{accepted.accepted} accepted, {accepted.quarantined} quarantined, "
        f"{accepted.duplicates} known already, {accepted.near_duplicates} pairs nearly the same ({accepted.batch})"
    )


def _rule(found: dict[str, object]) -> dict[str, object]:
    if not found["broken"]:
        return {**found, "outcome": "holds"}
    return {**found, "outcome": f"{found['broken']} break it" if found["column"] else "does not hold"}


def _reasons(refused: Iterable[Refusal], examples: str) -> list[dict[str, object]]:
    """A row for each reason, the most frequent first."""
    by_code: dict[str, list[Refusal]] = {}
    for each in refused:
        by_code.setdefault(each.code, []).append(each)
    return [
        {"reason": code, examples: len(found), "for example": f"{found[0].file}: {found[0].reason}"}
        for code, found in sorted(by_code.items(), key=lambda item: -len(item[1]))
    ]


def _mixed(refused: Sequence[Refusal]) -> list[Refusal]:
    """The first of each reason, then the second of each, and so on."""
    seen: dict[str, int] = {}
    turns = []
    for each in refused:
        seen[each.code] = seen.get(each.code, 0) + 1
        turns.append((seen[each.code], each))
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]


def _thumbnail(loop: Loop, batch: str, file: str) -> str | None:
    """A small picture of a quarantined image; None where quarantine does not have it."""
    try:
        content = loop.store.get(quarantine_path(loop, batch, file)).content
    except NotFound:
        return None  # an image accepted earlier, whose label the batch disputes
    return thumbnail(content)
