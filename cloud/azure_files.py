"""Files of an Azure OpenAI account."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import openai

from cloud.azure_data_plane import AzureDataPlane, ask
from cloud.errors import CloudRefused, CloudUnavailable
from cloud.waiting import eventually
from data_contracts.training import UploadedFile

FILE_PATIENCE = 30 * 60
FINE_TUNE = "fine-tune"
MEDIA_TYPE = "application/jsonl"


class AzureFiles(AzureDataPlane):
    """The part of a Trainer that keeps files."""

    def find_file(self, name: str) -> str | None:
        """See Trainer.find_file."""
        return self._find(name, FINE_TUNE)

    def files(self) -> Sequence[UploadedFile]:
        """See Trainer.files."""
        return self._files(FINE_TUNE)

    def upload(self, file: Path, name: str) -> str:
        """See Trainer.upload."""
        return self._upload(file, name, FINE_TUNE)

    def _find(self, name: str, purpose: str) -> str | None:
        usable = next((file for file in self._files(purpose) if file.usable and file.name == name), None)
        return self._processed(usable.id, name) if usable else None

    def _files(self, purpose: str) -> Sequence[UploadedFile]:
        found = ask(lambda: list(self._data.files.list(purpose=purpose)))
        unusable = ("error", "deleted", "deleting")
        return [
            UploadedFile(
                id=each.id,
                name=each.filename,
                bytes=each.bytes or 0,
                usable=each.status not in unusable,
                created_at=datetime.fromtimestamp(each.created_at, UTC) if each.created_at else None,
            )
            for each in found
        ]

    def _upload(self, file: Path, name: str, purpose: Any, kept_seconds: int | None = None) -> str:
        """The id, once processed; the client's own retries are off, for after a lost answer each would leave a copy."""
        expiry: Any = {"anchor": "created_at", "seconds": kept_seconds} if kept_seconds else openai.omit
        with file.open("rb") as stream:
            uploaded = ask(lambda: self._once.files.create(file=(name, stream), purpose=purpose, expires_after=expiry))
        return self._processed(uploaded.id, name)

    def begin_upload(self, name: str, size: int) -> str:
        """See Trainer.begin_upload."""
        return ask(
            lambda: self._once.uploads.create(bytes=size, filename=name, mime_type=MEDIA_TYPE, purpose="fine-tune")
        ).id

    def upload_part(self, upload: str, content: bytes) -> str:
        """See Trainer.upload_part; the client's own retries are off, for each would leave a part too many."""
        return ask(lambda: self._once.uploads.parts.create(upload, data=content)).id

    def complete_upload(self, upload: str, parts: Sequence[str], name: str) -> str:
        """See Trainer.complete_upload."""
        done = ask(lambda: self._data.uploads.complete(upload, part_ids=list(parts)))
        if done.file is None:
            raise CloudRefused(f"Azure completed the upload {upload} of {name} without a file")
        return self._processed(done.file.id, name)

    def cancel_upload(self, upload: str) -> None:
        """See Trainer.cancel_upload."""

        def cancel() -> None:
            with suppress(openai.BadRequestError, openai.NotFoundError):
                self._data.uploads.cancel(upload)

        ask(cancel)

    def measure(self, file: str) -> tuple[int, int]:
        """See Trainer.measure."""

        def look() -> tuple[int, int]:
            size, lines, last = 0, 0, b"\n"
            try:
                with self._data.files.with_streaming_response.content(file) as answer:
                    for chunk in answer.iter_bytes():
                        size, lines, last = size + len(chunk), lines + chunk.count(b"\n"), chunk[-1:] or last
            except httpx2.TransportError as error:  # what breaks off while it streams, the client passes on as it is
                raise CloudUnavailable(f"The file {file} broke off after {size:,} bytes: {error}") from error
            return size, lines + (last != b"\n")

        return ask(look)

    def delete_file(self, file: str) -> None:
        """See Trainer.delete_file."""

        def delete() -> None:
            with suppress(openai.NotFoundError):
                self._data.files.delete(file)

        ask(delete)

    def content(self, file: str) -> bytes:
        """See Trainer.content."""
        return ask(lambda: self._data.files.content(file).read())

    @property
    def _once(self) -> openai.OpenAI:
        return self._data.with_options(max_retries=0)

    def _processed(self, id_: str, name: str) -> str:
        def look() -> str | None:
            file = ask(lambda: self._data.files.retrieve(id_))
            if file.status == "error":
                raise CloudRefused(f"Azure did not take the file {name}: {file.status_details or 'no reason given'}")
            return id_ if file.status == "processed" else None

        return eventually(look, FILE_PATIENCE, f"The file {name} ({id_}) is still not processed")
