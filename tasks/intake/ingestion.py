"""Taking labeled images from the inbox: facts, contract, acceptance or quarantine, label history."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from prefect import get_run_logger, task

from data_contracts.errors import BatchStopped, WrongInput
from data_contracts.images import AlikePair, ImageFacts, LabeledImage, Refusal
from data_contracts.ledger import ImagesAccepted
from data_contracts.refusal_codes import FORGOTTEN
from decisions.imaging.masks import mask_as_kept, masks_among
from decisions.ingestion.batch_verdict import BatchVerdict, judged
from decisions.ingestion.file_names import nameless
from decisions.ingestion.grouping import Placed, Placement
from tasks.intake.batch_record import at_once, counted, recorded_once, stored_table
from tasks.intake.contract_check import check_facts
from tasks.intake.contract_history import hold_contract
from tasks.intake.image_workers import shared_workers
from tasks.intake.inbox import batch_files, inbox_path, is_hidden, listing_of, read_image, read_labels
from tasks.intake.masks import mask_path
from tasks.intake.quarantine import quarantine
from tasks.labels import image_path, known_images
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet


@task(**PATIENTLY)
def examine(folder: str, batch: str, shard: int, files: list[str]) -> str:
    """Work out the facts of a shard's files; returns where the table of facts is stored."""
    loop = connect(folder)
    facts = shared_workers().facts(read_image(loop, batch, file) for file in files)
    path = loop.path("ingestion", batch, f"facts-{shard:05d}.parquet")
    loop.store.put(path, to_parquet(facts, ImageFacts))
    return path


@task(**PATIENTLY)
def judge(folder: str, batch: str, facts: list[str]) -> ImagesAccepted:
    """Check the facts against the contract, store what is accepted, quarantine the rest, write the ledger.

    Raises BatchStopped when the batch as a whole may not enter, ContractBroken when a rule cannot run, WrongInput when
    a file was changed meanwhile, and CloudUnavailable, after which it is tried anew, when another batch came first.
    """
    loop = connect(folder)
    hold_contract(loop)
    state, files = loop.state(), batch_files(loop, batch)
    rows = [fact for path in facts for fact in from_parquet(loop.store.get(path).content, ImageFacts)]
    sheet, known = read_labels(loop, batch, files), known_images(loop, state)
    verdict = judged(rows, sheet, nameless(files), known, loop.image_contract, check_facts)
    if verdict.stopped:
        owner = f". Owner of the contract: {loop.contract.owner}" if loop.contract.owner else ""
        raise BatchStopped(f"{verdict.stopped}{owner}")
    return recorded_once(loop, _kept(loop, batch, verdict, files), after=len(state.batches))


def _kept(loop: Loop, batch: str, verdict: BatchVerdict, files: Sequence[str]) -> ImagesAccepted:
    """Store what becomes of the batch; it counts once the event returned is in the ledger."""
    acceptance, placement, found, refused = verdict.acceptance, verdict.placement, verdict.found, verdict.refused
    # Of a forgotten picture no new copy is made: its bytes may have been erased on demand.
    quarantine(loop, batch, sorted({each.file for each in refused if each.code != FORGOTTEN} & set(files)))
    _store_images(loop, batch, placement.placed, masks_among(files))
    labels, digest = stored_table(loop, _labels(loop, batch, placement.placed), LabeledImage, "labels", batch)
    reasons = [*refused, *acceptance.disputed.values()]
    return ImagesAccepted(
        batch=batch,
        files=len(seen := [file for file in files if not is_hidden(file)]),
        listing=listing_of(seen),
        accepted=len(placement.placed),
        quarantined=len(refused),
        duplicates=len(acceptance.duplicates),
        classes=counted(str(each.facts.label) for each in placement.placed),
        splits=counted(each.split for each in placement.placed),
        labels=labels,
        labels_digest=digest,
        broken_rules=counted(refusal.code for refusal in refused),
        warnings=counted(each.code for each in found.warned),
        remarks=found.remarks,
        rules=found.rules,
        near_duplicates=len(placement.near),
        to_review=len(placement.to_review),
        leaky=placement.leaky,
        disputed=tuple(sorted(acceptance.disputed)),
        settled=acceptance.settled,
        refusals=stored_table(loop, reasons, Refusal, "quarantine", batch, "reasons")[0],
        alike=stored_table(loop, _pairs(placement), AlikePair, "ingestion", batch, "alike")[0],
    )


def _store_images(loop: Loop, batch: str, placed: Iterable[Placed], masks: Mapping[str, str]) -> None:
    """Store the bytes that were examined, and their masks; they count once the batch is in the ledger."""

    def copy(each: Placed) -> None:
        content = loop.store.get(inbox_path(loop, batch, each.facts.file)).content
        if hashlib.sha256(content).hexdigest() != each.facts.digest:
            raise WrongInput(f"{batch}/{each.facts.file} was changed while it was examined; ingest the batch again")
        loop.store.create(image_path(each.facts.digest, str(each.facts.format)), content)

    kept = list(placed)
    at_once(copy, kept)
    for each in kept:
        if each.facts.file in masks:
            _keep_mask(loop, batch, each.facts, masks[each.facts.file])


def _keep_mask(loop: Loop, batch: str, facts: ImageFacts, file: str) -> None:
    """Keep the mask *file* of an accepted image; one that does not fit is told and left out, the image stays."""
    content = read_image(loop, batch, file).content
    try:
        mask = mask_as_kept(content or b"", int(facts.width or 0), int(facts.height or 0))
    except ValueError as error:
        get_run_logger().warning("%s/%s is no mask of %s: %s", batch, file, facts.file, error)
        return
    loop.store.create(mask_path(facts.digest), mask)


def _pairs(placement: Placement) -> list[AlikePair]:
    """The pairs of images that look alike, for a person to see."""
    near = [AlikePair(one=one, other=other, near=True) for one, other in placement.near]
    return near + [AlikePair(one=one, other=other, near=False) for one, other in placement.to_review]


def _labels(loop: Loop, batch: str, placed: Iterable[Placed]) -> list[LabeledImage]:
    now, who = loop.now(), loop.authorship().actor.name
    return [_labeled_image(batch, each, now, who) for each in placed]


def _labeled_image(batch: str, placed: Placed, now: datetime, who: str) -> LabeledImage:
    fact = placed.facts
    return LabeledImage(
        digest=fact.digest,
        pixel_digest=str(fact.pixel_digest),
        label=str(fact.label),
        group=placed.group,
        split=placed.split,
        source=f"{batch}/{fact.file}",
        who=fact.who or who,
        labeled_at=now,
        media_type=str(fact.format),
        phash64=fact.phash64,
        phash256=fact.phash256,
        cropped64=fact.cropped64,
        cropped256=fact.cropped256,
        taken_at=fact.taken_at,
        camera=fact.camera,
    )
