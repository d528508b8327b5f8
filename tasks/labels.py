"""The label history of a loop: what each accepted batch added, and where the images' bytes are."""

import hashlib
from collections.abc import Iterator, Sequence

from cloud.errors import CloudRefused
from cloud.store import DATA, Store
from data_contracts.chat_contract import CHAT, ChatContract
from data_contracts.images import Dataset, LabeledImage
from data_contracts.ledger import ImagesAccepted
from decisions.ingestion.batch_verdict import KnownImages
from decisions.ingestion.chat_acceptance import KnownChats
from decisions.ingestion.chat_check import still_allowed
from decisions.ingestion.retired_classes import relabeled, still_asked
from decisions.loop_state import LoopState
from tasks.loop import Loop
from tasks.tables import from_parquet

SUFFIXES = {CHAT: "json", "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


def label_history(store: Store, state: LoopState, *, batches: int | None = None) -> Iterator[LabeledImage]:
    """All accepted images, or those of the first *batches* batches, as they were labeled when they came, in order.

    Raises CloudRefused when a table is no longer what the ledger says that it was.
    """
    for batch in state.batches[:batches]:
        table = store.get(batch.labels).content
        if hashlib.sha256(table).hexdigest() != batch.labels_digest:
            raise CloudRefused(f"{batch.labels} was changed: its content is no longer {batch.labels_digest}")
        yield from from_parquet(table, LabeledImage)


def accepted_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """The label history in today's classes: images of a retired class have the label of its successor."""
    return relabeled(label_history(loop.store, state, batches=batches), loop.contract)


def labeled_images(loop: Loop, state: LoopState, *, batches: int | None = None) -> list[LabeledImage]:
    """The accepted images that a new dataset may use: not forgotten, and with a label that nobody disputes."""
    left_out = state.disputed | state.forgotten
    return [image for image in accepted_images(loop, state, batches=batches) if image.digest not in left_out]


def known_images(loop: Loop, state: LoopState) -> KnownImages:
    """What a new batch is judged beside."""
    return KnownImages(accepted_images(loop, state), state.forgotten, state.disputed)


def known_chats(loop: Loop, state: LoopState) -> KnownChats:
    """What a new batch of chats is judged beside."""
    return KnownChats(accepted_images(loop, state), state.forgotten, state.disputed)


def dataset_of(loop: Loop, state: LoopState, *, batches: int | None = None) -> Dataset:
    """The examples that a new dataset has: labeled, not forgotten, and what the contract in force still asks for."""
    images = still_asked(labeled_images(loop, state, batches=batches), loop.contract)
    if isinstance(loop.contract, ChatContract) and _under_other_contracts(loop):
        images = _still_allowed(loop, images, loop.contract)
    return Dataset(images=tuple(images))


def _under_other_contracts(loop: Loop) -> bool:
    """Whether a batch was taken under a contract that is not in force any more."""
    entries = (entry for entry in loop.ledger.read() if isinstance(entry.event, ImagesAccepted))
    return any(entry.contract != loop.contract.digest for entry in entries)


def _still_allowed(loop: Loop, chats: Sequence[LabeledImage], contract: ChatContract) -> list[LabeledImage]:
    """Chats whose answers the grader of today would refuse teach what is no longer wanted."""
    lines = (loop.store.get(image_path(each.digest, each.media_type)).content for each in chats)
    return [each for each, line in zip(chats, lines, strict=True) if still_allowed(line, contract)]


def image_path(digest: str, media_type: str) -> str:
    """Where the bytes of an accepted image or chat are stored, once for all loops."""
    return f"{DATA}/images/{digest[:2]}/{digest}.{SUFFIXES[media_type]}"
