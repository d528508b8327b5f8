"""Taking labeled images from the inbox: facts, contract, acceptance or quarantine, label history."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from prefect import task

from cloud.errors import CloudUnavailable
from cloud.store import INBOX
from data_contracts.errors import BatchStopped, ContractBroken
from data_contracts.findings import Findings
from data_contracts.images import AlikePair, ImageFacts, LabeledImage, Refusal
from data_contracts.ledger import ImagesAccepted, LedgerEntry
from decisions.acceptance import judge_batch
from decisions.batch_rules import with_balance
from decisions.grouping import Placed, Placement, place
from decisions.retired_classes import still_asked
from tasks.contract_check import check_facts
from tasks.contract_history import hold_contract
from tasks.image_workers import ImageFile, shared_workers
from tasks.labels import image_path, known_labels, labeled_images
from tasks.loop import Loop, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet, to_parquet

SHARD = 200
CORRECTIONS = "corrections"


@task(**PATIENTLY)
def find_batches(folder: str) -> list[str]:
    """The batches of the inbox that the ledger does not know yet, by name."""
    loop = connect(folder)
    known = {batch.batch for batch in loop.state().batches}
    files = (path.split("/")[2:] for path in loop.store.list(_inbox(loop)))
    names = {parts[0] for parts in files if len(parts) > 1 and not parts[-1].startswith(".")}
    return sorted(names - known - {CORRECTIONS})


@task(**PATIENTLY)
def list_shards(folder: str, batch: str) -> list[list[str]]:
    """The files of a batch, in shards of hundreds."""
    loop = connect(folder)
    files = [path.removeprefix(_inbox(loop, batch)) for path in loop.store.list(_inbox(loop, batch))]
    return [files[start : start + SHARD] for start in range(0, len(files), SHARD)]


@task(**PATIENTLY)
def examine(folder: str, batch: str, shard: int, files: list[str]) -> str:
    """Work out the facts of a shard's files; returns where the table of facts is stored."""
    loop = connect(folder)
    facts = shared_workers().facts(_image_file(loop, batch, file) for file in files)
    path = loop.path("ingestion", batch, f"facts-{shard:05d}.parquet")
    loop.store.put(path, to_parquet(facts, ImageFacts))
    return path


@task(**PATIENTLY)
def judge(folder: str, batch: str, facts: list[str]) -> ImagesAccepted:
    """Check the facts against the contract, store what is accepted, quarantine the rest, write the ledger."""
    loop = connect(folder)
    hold_contract(loop)
    rows = [fact for path in facts for fact in from_parquet(loop.store.get(path).content, ImageFacts)]
    state = loop.state()
    images = labeled_images(loop, state)
    found = check_facts(rows, loop.contract)
    verdict = judge_batch(rows, found.refused, known_labels(still_asked(images, loop.contract)))
    placement = place(verdict.accepted, images, loop.contract)
    if placement.stopped:
        raise ContractBroken(f"The batch {batch} is not taken: {placement.stopped}")
    found = _whole_batch(loop, batch, found, images, placement)
    refused = sorted((*verdict.refused, *placement.refused), key=lambda refusal: refusal.file)
    _quarantine(loop, batch, refused)
    _keep_for_review(loop, batch, placement)
    accepted = _accept(loop, batch, placement, duplicates=len(verdict.duplicates), refused=refused)
    told = {"warnings": _counted(each.code for each in found.warned), "remarks": found.remarks}
    return _recorded_once(loop, accepted.model_copy(update=told), after=len(state.batches))


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


def refusals(loop: Loop, batch: str) -> list[Refusal]:
    """Why files of *batch* were refused."""
    path = loop.path("quarantine", batch, "reasons.parquet")
    return from_parquet(loop.store.get(path).content, Refusal)


def _image_file(loop: Loop, batch: str, file: str) -> ImageFile:
    content = loop.store.get(_inbox(loop, batch) + file).content
    folder, _, name = file.partition("/")
    return ImageFile(file, loop.contract.label_of(folder) if name else None, content)


def _quarantine(loop: Loop, batch: str, refused: Sequence[Refusal]) -> None:
    for refusal in refused:
        with loop.store.open(_inbox(loop, batch) + refusal.file) as content:
            loop.store.put(loop.path("quarantine", batch, "files", *refusal.file.split("/")), content)
    loop.store.put(loop.path("quarantine", batch, "reasons.parquet"), to_parquet(refused, Refusal))


def _keep_for_review(loop: Loop, batch: str, placement: Placement) -> None:
    """Keep the pairs of images that look alike, for a person to see."""
    pairs = [AlikePair(one=one, other=other, near=True) for one, other in placement.near]
    pairs += [AlikePair(one=one, other=other, near=False) for one, other in placement.to_review]
    loop.store.put(loop.path("ingestion", batch, "alike.parquet"), to_parquet(pairs, AlikePair))


def _accept(
    loop: Loop, batch: str, placement: Placement, *, duplicates: int, refused: Sequence[Refusal]
) -> ImagesAccepted:
    """Store images and labels; they count once the event returned is in the ledger."""
    for each in placement.placed:
        with loop.store.open(_inbox(loop, batch) + each.facts.file) as content:
            loop.store.put(image_path(each.facts.digest, str(each.facts.format)), content)
    now = loop.now()
    labels = [_labeled(loop, batch, each, now) for each in placement.placed]
    table = to_parquet(labels, LabeledImage)
    digest = hashlib.sha256(table).hexdigest()
    path = loop.path("labels", f"{batch}-{digest[:12]}.parquet")
    loop.store.put(path, table)
    return ImagesAccepted(
        batch=batch,
        accepted=len(labels),
        quarantined=len(refused),
        duplicates=duplicates,
        classes=_counted(image.label for image in labels),
        splits=_counted(image.split for image in labels),
        labels=path,
        labels_digest=digest,
        broken_rules=_counted(refusal.code for refusal in refused),
        near_duplicates=len(placement.near),
        to_review=len(placement.to_review),
        leaky=placement.leaky,
    )


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


def _labeled(loop: Loop, batch: str, placed: Placed, now: datetime) -> LabeledImage:
    fact = placed.facts
    return LabeledImage(
        digest=fact.digest,
        pixel_digest=str(fact.pixel_digest),
        label=str(fact.label),
        group=placed.group,
        split=placed.split,
        source=f"{batch}/{fact.file}",
        who=loop.authorship().actor.name,
        labeled_at=now,
        media_type=str(fact.format),
        phash64=fact.phash64,
        phash256=fact.phash256,
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    counted = Counter(str(value) for value in values)
    return dict(sorted(counted.items()))


def _inbox(loop: Loop, batch: str | None = None) -> str:
    return f"{INBOX}/{loop.name}/" + (f"{batch}/" if batch else "")
