"""Bringing a training file to the service: at once or in parts, never twice, and checked when it is there."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from cloud.errors import CloudRefused
from cloud.store import NotFound
from data_contracts.errors import KaizenError
from data_contracts.training import UploadUnderWay
from tasks.formats import artifact_id
from tasks.loop import Loop, Turn

UPLOADS_LIVE = timedelta(minutes=110)
"""Azure gives an upload up after two hours; the last parts need some minutes."""


class UploadDiffers(KaizenError):
    """What arrived at the service is not what was sent."""


class FileOnDisk(NamedTuple):
    """A file to upload: where it is, how it will be called, how many examples it has."""

    path: Path
    name: str
    examples: int


def uploaded(loop: Loop, turn: Turn, file: FileOnDisk) -> str:
    """The id of the file at the service, uploaded unless it is there already, and checked.

    Raises UploadDiffers with both numbers where bytes or examples differ; the file is deleted, the next run uploads it.
    """
    found = loop.foundry.find_file(file.name)
    if found is None:
        large = file.path.stat().st_size > loop.settings.foundry.upload_part_bytes
        found = _in_parts(loop, turn, file) if large else loop.foundry.upload(file.path, file.name)
    sent = file.path.stat().st_size, file.examples
    there = loop.foundry.measure(found)
    if there != sent:
        loop.foundry.delete_file(found)
        raise UploadDiffers(
            f"{file.name} arrived with {there[1]:,} examples in {there[0]:,} bytes, but {sent[1]:,} in {sent[0]:,} "
            "were sent; it was deleted, start the loop again to upload it anew"
        )
    return found


def _in_parts(loop: Loop, turn: Turn, file: FileOnDisk) -> str:
    """The id of the file, uploaded in parts; an interrupted upload goes on while it lives, else a new one begins."""
    mark = loop.iteration_path(turn.iteration, "uploads", f"{file.name}.json")
    known = _under_way(loop, mark, file)
    if known is not None:
        get_run_logger().info("The upload of %s goes on after %s parts", file.name, len(known.parts))
        try:
            return _finished(loop, mark, file, known)
        except CloudRefused as refusal:
            get_run_logger().warning("%s; the upload of %s begins anew", refusal, file.name)
            loop.foundry.cancel_upload(known.upload)
    return _finished(loop, mark, file, _begun(loop, mark, file))


def _under_way(loop: Loop, mark: str, file: FileOnDisk) -> UploadUnderWay | None:
    """The interrupted upload of the very same file; one that does not fit or is too old is cancelled."""
    try:
        known = UploadUnderWay.model_validate_json(loop.store.get(mark).content)
    except (NotFound, ValueError):
        return None
    wanted = (file.name, file.path.stat().st_size, loop.settings.foundry.upload_part_bytes)
    same = (known.name, known.bytes, known.part_bytes) == wanted
    if same and loop.now() - known.begun_at < UPLOADS_LIVE:
        return known
    loop.foundry.cancel_upload(known.upload)
    return None


def _begun(loop: Loop, mark: str, file: FileOnDisk) -> UploadUnderWay:
    size = file.path.stat().st_size
    begun = UploadUnderWay(
        upload=loop.foundry.begin_upload(file.name, size),
        name=file.name,
        bytes=size,
        part_bytes=loop.settings.foundry.upload_part_bytes,
        begun_at=loop.now(),
    )
    loop.store.put(mark, begun.model_dump_json().encode())
    return begun


def _finished(loop: Loop, mark: str, file: FileOnDisk, state: UploadUnderWay) -> str:
    """Send what is missing, each part noted as soon as it has arrived, and make the parts one file."""
    words = f"Upload of {file.name}"
    bar = artifact_id(create_progress_artifact(_percent(state), key=f"{loop.name}-upload", description=words))
    with file.path.open("rb") as content:
        content.seek(len(state.parts) * state.part_bytes)
        while part := content.read(state.part_bytes):
            sent = loop.foundry.upload_part(state.upload, part)
            state = state.model_copy(update={"parts": (*state.parts, sent)})
            loop.store.put(mark, state.model_dump_json().encode())
            update_progress_artifact(bar, _percent(state), description=words)
    done = loop.foundry.complete_upload(state.upload, state.parts, file.name)
    loop.store.delete(mark)
    return done


def _percent(state: UploadUnderWay) -> float:
    return min(100.0, 100 * len(state.parts) * state.part_bytes / state.bytes)
