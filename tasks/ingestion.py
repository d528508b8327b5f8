"""Taking labeled images from the inbox: facts, contract, acceptance or quarantine, label history."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from prefect import task

from cloud.errors import CloudUnavailable
from data_contracts.errors import BatchStopped, ContractBroken, WrongInput
from data_contracts.findings import Findings
from data_contracts.images import AlikePair, ImageFacts, LabeledImage, Refusal
from data_contracts.ledger import ImagesAccepted, LedgerEntry
from data_contracts.record import Record
from decisions.acceptance import Acceptance, judge_batch
from decisions.batch_rules import with_balance
from decisions.forgetting import FORGOTTEN, arrived_again
from decisions.grouping import Placed, Placement, place
from decisions.labeling import labeled
from decisions.retired_classes import still_asked
from tasks.contract_check import check_facts
from tasks.contract_history import hold_contract
from tasks.image_workers import shared_workers
from tasks.inbox import batch_files, inbox_path, nameless, read_image, read_labels
from tasks.labels import accepted_images, forgotten_digests, image_path
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet

COPIES_AT_ONCE = 8
T = TypeVar("T")


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
    """Check the facts against the contract, store what is accepted, quarantine the rest, write the ledger."""
    loop = connect(folder)
    hold_contract(loop)
    state, files = loop.state(), batch_files(loop, batch)
    rows = [fact for path in facts for fact in from_parquet(loop.store.get(path).content, ImageFacts)]
    named, unlabeled = labeled(rows, read_labels(loop, batch, files), loop.contract)
    known = accepted_images(loop, state)
    again = arrived_again(named, forgotten_digests(known, state))
    found = check_facts(named, loop.contract, [*nameless(files), *again, *unlabeled])
    pictures = {image.pixel_digest: image for image in still_asked(known, loop.contract)}
    verdict = judge_batch(named, found.refused, pictures, state.disputed)
    placement = place(verdict.accepted, known, loop.contract)
    if placement.stopped:
        raise ContractBroken(f"The batch {batch} is not taken: {placement.stopped}")
    found = _whole_batch(loop, batch, found, known, placement)
    event = _kept(loop, batch, verdict, placement, files)
    told = {"warnings": _counted(each.code for each in found.warned), "remarks": found.remarks, "rules": found.rules}
    return _recorded_once(loop, event.model_copy(update=told), after=len(state.batches))


def _whole_batch(
    loop: Loop, batch: str, found: Findings, known: Sequence[LabeledImage], placement: Placement
) -> Findings:
    """What is said of the batch as a whole; raises BatchStopped when the contract lets nothing of it in."""
    fresh = [str(each.facts.label) for each in placement.placed]
    found = with_balance(found, [*(image.label for image in known), *fresh], loop.contract)
    if found.stopped:
        owner = f" Owner of the contract: {loop.contract.owner}." if loop.contract.owner else ""
        raise BatchStopped(f"The batch {batch} is not taken: {found.stopped}{owner}")
    return found


def refusals(loop: Loop, batch: ImagesAccepted) -> list[Refusal]:
    """Why files of *batch* were refused."""
    path = batch.refusals or loop.path("quarantine", batch.batch, "reasons.parquet")
    return from_parquet(loop.store.get(path).content, Refusal)


def quarantine_path(loop: Loop, batch: str, file: str) -> str:
    """Where a refused *file* of a batch is kept."""
    return loop.path("quarantine", batch, "files", *file.split("/"))


def _kept(loop: Loop, batch: str, verdict: Acceptance, placement: Placement, files: Sequence[str]) -> ImagesAccepted:
    """Store what becomes of the batch; it counts once the event returned is in the ledger."""
    refused = sorted((*verdict.refused, *placement.refused), key=lambda refusal: refusal.file)
    # Of a forgotten picture no new copy is made: its bytes may have been erased on demand.
    _quarantine(loop, batch, sorted({each.file for each in refused if each.code != FORGOTTEN} & set(files)))
    _store_images(loop, batch, placement.placed)
    labels, digest = _stored(loop, _labels(loop, batch, placement.placed), LabeledImage, "labels", batch)
    reasons = [*refused, *verdict.disputed.values()]
    return ImagesAccepted(
        batch=batch,
        files=len(files),
        accepted=len(placement.placed),
        quarantined=len(refused),
        duplicates=len(verdict.duplicates),
        classes=_counted(str(each.facts.label) for each in placement.placed),
        splits=_counted(each.split for each in placement.placed),
        labels=labels,
        labels_digest=digest,
        broken_rules=_counted(refusal.code for refusal in refused),
        near_duplicates=len(placement.near),
        to_review=len(placement.to_review),
        leaky=placement.leaky,
        disputed=tuple(sorted(verdict.disputed)),
        settled=verdict.settled,
        refusals=_stored(loop, reasons, Refusal, "quarantine", batch, "reasons")[0],
        alike=_stored(loop, _pairs(placement), AlikePair, "ingestion", batch, "alike")[0],
    )


def _quarantine(loop: Loop, batch: str, files: Iterable[str]) -> None:
    def copy(file: str) -> None:
        with loop.store.open(inbox_path(loop, batch, file)) as content:
            loop.store.put(quarantine_path(loop, batch, file), content)

    _at_once(copy, files)


def _store_images(loop: Loop, batch: str, placed: Iterable[Placed]) -> None:
    """Store the bytes that were examined; they count once the batch is in the ledger."""

    def copy(each: Placed) -> None:
        content = loop.store.get(inbox_path(loop, batch, each.facts.file)).content
        if hashlib.sha256(content).hexdigest() != each.facts.digest:
            raise WrongInput(f"{batch}/{each.facts.file} was changed while it was examined; ingest the batch again")
        loop.store.create(image_path(each.facts.digest, str(each.facts.format)), content)

    _at_once(copy, placed)


def _at_once(do: Callable[[T], None], each: Iterable[T]) -> None:
    """Do something for each, a few at a time, for a store mostly waits."""
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        for _ in pool.map(do, each):
            pass


def _stored(loop: Loop, records: Sequence[Record], kind: type[Record], *place: str) -> tuple[str, str]:
    """Path and SHA-256 of a table of *records*: its name tells its content, so that no other run overwrites it."""
    table = to_parquet(records, kind)
    digest = hashlib.sha256(table).hexdigest()
    path = loop.path(*place[:-1], f"{place[-1]}-{digest[:12]}.parquet")
    loop.store.put(path, table)
    return path, digest


def _pairs(placement: Placement) -> list[AlikePair]:
    """The pairs of images that look alike, for a person to see."""
    near = [AlikePair(one=one, other=other, near=True) for one, other in placement.near]
    return near + [AlikePair(one=one, other=other, near=False) for one, other in placement.to_review]


def _recorded_once(loop: Loop, event: ImagesAccepted, *, after: int) -> ImagesAccepted:
    """The event as the ledger has it: another run may have recorded the same batch first.

    Raises CloudUnavailable when a further batch was accepted *after* so many, for its images were not
    looked at: the task then judges anew.
    """

    def unless_known(entries: Sequence[LedgerEntry]) -> tuple[None, ImagesAccepted] | None:
        if _recorded(entries, event.batch):
            return None
        if sum(isinstance(entry.event, ImagesAccepted) for entry in entries) != after:
            raise CloudUnavailable(f"Another batch was accepted while {event.batch} was judged")
        return None, event

    loop.ledger.append(loop.authorship(), unless_known)
    recorded = _recorded(loop.ledger.read(), event.batch)
    assert recorded is not None
    return recorded


def _recorded(entries: Sequence[LedgerEntry], batch: str) -> ImagesAccepted | None:
    events = (entry.event for entry in entries)
    return next((each for each in events if isinstance(each, ImagesAccepted) and each.batch == batch), None)


def _labels(loop: Loop, batch: str, placed: Iterable[Placed]) -> list[LabeledImage]:
    now, who = loop.now(), loop.authorship().actor.name
    return [_labeled(batch, each, now, who) for each in placed]


def _labeled(batch: str, placed: Placed, now: datetime, who: str) -> LabeledImage:
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


def _counted(values: Iterable[str]) -> dict[str, int]:
    counted = Counter(str(value) for value in values)
    return dict(sorted(counted.items()))
