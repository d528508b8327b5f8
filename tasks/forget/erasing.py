"""Erasing forgotten images: their bytes in the store, and the training files at the service that hold them."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from cloud.ledger import Ledger
from cloud.store import DATA, INBOX, LEDGER, NotFound
from data_contracts.chat_contract import CHAT, ChatContract
from data_contracts.images import ImageFacts, LabeledImage, Split
from data_contracts.ledger import Actor, ImagesErased, TrainingIntended
from data_contracts.record import Record
from decisions.forgetting import Delivered
from decisions.imaging.images import as_model_sees
from decisions.imaging.masks import masks_among
from decisions.loop_state import LoopState, state_of
from tasks.forget.chat_erasing import blank_lines
from tasks.forget.forgetting import digests_in, splits_used
from tasks.labels import image_path, label_history
from tasks.loop import Loop
from tasks.tables import from_parquet

AT_ONCE = 16
BLOCK = 1 << 20


class Erasing(Record):
    """What was erased, what is kept for other loops, or which iteration has to end first."""

    files: int = 0
    uploaded_files: tuple[str, ...] = ()
    kept_for: Mapping[str, tuple[str, ...]] = {}
    waits_for: int | None = None


def erase(loop: Loop, delivered: Sequence[Delivered], source: str | None, actor: Actor) -> Erasing:
    """Delete the bytes of forgotten images, *delivered* once, wherever this loop keeps them.

    A second run finishes an interrupted one.

    With the *source* that they were chosen by, its refused files go too. Nothing is deleted while an open
    iteration needs the images, nor from `data/images` what another loop of the store still uses.
    """
    state, digests = loop.state(), frozenset(image.digest for image in delivered)
    images = [image for image in delivered if isinstance(image, LabeledImage)]
    waits_for = _needed_by(loop, state, digests)
    if waits_for is not None:
        return Erasing(waits_for=waits_for)
    kept_for = _other_loops(loop, digests)
    shared = frozenset(digest for found in kept_for.values() for digest in found)
    uploaded = tuple(_delete_uploaded(loop, state, images))
    files = _delete_stored(loop, [each for each in images if each.digest not in shared])
    files += _delete_delivered(loop, delivered, source)
    if isinstance(loop.contract, ChatContract):
        files += blank_lines(loop, digests)
    if files or uploaded or digests & state.to_erase:
        event = ImagesErased(
            digests=tuple(sorted(digests)), files=files, uploaded_files=uploaded, shared=tuple(sorted(shared))
        )
        loop.ledger.write(loop.authorship(actor), None, event)
    return Erasing(files=files, uploaded_files=uploaded, kept_for=kept_for)


def _needed_by(loop: Loop, state: LoopState, digests: frozenset[str]) -> int | None:
    """The open iteration whose dataset or held-out version holds one of *digests*."""
    iteration = state.open_iteration
    if iteration is None or iteration.dataset is None:
        return None
    judged = state.held_out is not None and digests & digests_in(loop, state.held_out.path)
    return iteration.number if judged or splits_used(loop, iteration, digests) else None


def _other_loops(loop: Loop, digests: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Which of *digests* each other loop of the store has accepted and not erased."""
    names = {path.split("/")[1] for path in loop.store.list(f"{LEDGER}/")} - {loop.name}
    found = {}
    for name in sorted(names):
        state = state_of(Ledger(loop.store, name, loop.now).read())
        used = {image.digest for image in label_history(loop.store, state)} & digests - state.erased
        if used:
            found[name] = tuple(sorted(used))
    return found


def _delete_uploaded(loop: Loop, state: LoopState, images: Sequence[LabeledImage]) -> Iterator[str]:
    """Delete our training files at the service that hold one of *images*; yields their ids."""
    if not state.iterations:
        return
    holding, named = _files_by_ledger(loop, state, frozenset(image.digest for image in images))
    ours = re.compile(rf"kaizen-{re.escape(loop.name)}-(train|validation)-[0-9a-f]+\.jsonl")
    for file in loop.foundry.files():
        stray = file.id not in named and ours.fullmatch(file.name)
        if file.id in holding or (stray and _holds(loop, loop.foundry.content(file.id), images)):
            loop.foundry.delete_file(file.id)
            yield file.id


def _files_by_ledger(loop: Loop, state: LoopState, digests: frozenset[str]) -> tuple[set[str], set[str]]:
    """The ids of the training files that hold one of *digests*, and of all that the ledger names."""
    splits = {each.number: splits_used(loop, each, digests) for each in state.iterations}
    holding: set[str] = set()
    named: set[str] = set()
    for entry in loop.ledger.read():
        if isinstance(entry.event, TrainingIntended) and entry.iteration is not None:
            files = {Split.TRAIN: entry.event.training_file, Split.VALIDATION: entry.event.validation_file}
            holding |= {file for split, file in files.items() if file and split in splits[entry.iteration]}
            named |= {file for file in files.values() if file}
    return holding, named


def _holds(loop: Loop, content: bytes, images: Iterable[LabeledImage]) -> bool:
    """Whether an uploaded file that no entry names, left by a killed run, holds one of *images*."""
    for image in images:
        try:
            kept = loop.store.get(image_path(image.digest, image.media_type)).content
        except NotFound:
            continue
        if (kept if image.media_type == CHAT else base64.b64encode(as_model_sees(kept))) in content:
            return True
    return False


def _delete_stored(loop: Loop, images: Sequence[LabeledImage]) -> int:
    """Delete the accepted bytes, their masks and what the model saw; returns how many files there were."""
    wanted = {image.digest for image in images}
    folders = {f"{DATA}/{kind}/{digest[:2]}/" for kind in ("images", "masks") for digest in wanted}
    folders |= {f"{version}{digest[:2]}/" for version in _derivations(loop) for digest in wanted}
    paths = [path for folder in sorted(folders) for path in loop.store.list(folder)]
    return _deleted(loop, [path for path in paths if path.rpartition("/")[2].partition(".")[0] in wanted])


def _derivations(loop: Loop) -> set[str]:
    return {path[: path.index("/", len(f"{DATA}/as_sent/")) + 1] for path in loop.store.list(f"{DATA}/as_sent/")}


def _delete_delivered(loop: Loop, images: Sequence[Delivered], source: str | None) -> int:
    """Delete the same pictures from the loop's inbox and quarantine, by what the files hold, not by their names."""
    inbox, quarantine = f"{INBOX}/{loop.name}/", loop.path("quarantine") + "/"
    wanted = _same_pictures(loop, images)
    paths = [*loop.store.list(inbox), *loop.store.list(quarantine)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        digests = list(pool.map(lambda path: _digest(loop, path), paths))
    same = {path for path, digest in zip(paths, digests, strict=True) if digest in wanted}
    masks = {mask for image, mask in masks_among(paths).items() if image in same}
    return _deleted(loop, sorted(same | masks | _of_source(paths, inbox, quarantine, source)))


def _same_pictures(loop: Loop, images: Sequence[Delivered]) -> frozenset[str]:
    """Digests of all files that came with the pixels of *images*: copies that were saved anew too."""
    pixels = {image.pixel_digest for image in images}
    tables = [path for path in loop.store.list(loop.path("ingestion") + "/") if "/facts-" in path]
    facts = (fact for path in tables for fact in from_parquet(loop.store.get(path).content, ImageFacts))
    copies = {fact.digest for fact in facts if fact.pixel_digest in pixels}
    return frozenset(copies | {image.digest for image in images})


def _of_source(paths: Iterable[str], inbox: str, quarantine: str, source: str | None) -> set[str]:
    """The delivered files of the batch, folder or file *source*, refused ones too."""
    if source is None:
        return set()
    batch, _, rest = source.rstrip("/").partition("/")
    heads = (f"{inbox}{batch}/{rest}".rstrip("/") + "/", f"{quarantine}{batch}/files/{rest}".rstrip("/") + "/")
    return {path for path in paths if f"{path}/".startswith(heads)}


def _digest(loop: Loop, path: str) -> str | None:
    try:
        with loop.store.open(path) as content:
            digest = hashlib.sha256()
            while block := content.read(BLOCK):
                digest.update(block)
            return digest.hexdigest()
    except NotFound:
        return None  # another command was quicker


def _deleted(loop: Loop, paths: Sequence[str]) -> int:
    for path in paths:
        loop.store.delete(path)
    return len(paths)
