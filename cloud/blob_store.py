"""The store in an Azure storage account: one container for each area."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, ParamSpec, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobServiceClient

from cloud.errors import CloudRefused, CloudUnavailable
from cloud.store import AREAS, NotFound, Stored, split_path

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

P = ParamSpec("P")
R = TypeVar("R")


def _in_our_terms(call: Callable[P, R]) -> Callable[P, R]:
    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (ClientAuthenticationError, HttpResponseError) as error:
            status = error.status_code or 0
            raise (CloudUnavailable if status >= 500 or status == 429 else CloudRefused)(  # noqa: PLR2004
                f"Azure Storage answered {status}: {error.reason or error.message}"
            ) from error
        except AzureError as error:
            raise CloudUnavailable(f"Azure Storage cannot be reached: {error.message}") from error

    return translated


class BlobStore:
    """Blobs of one account; conditions on the ETag make create and replace atomic."""

    def __init__(self, service: BlobServiceClient) -> None:
        """Use the containers `inbox`, `data` and `ledger` behind *service*; they have to exist."""
        self._service = service

    @_in_our_terms
    def make_containers(self) -> None:
        """Create the three containers where they are missing."""
        for area in AREAS:
            try:
                self._service.create_container(area)
            except ResourceExistsError:
                continue

    @_in_our_terms
    def get(self, path: str) -> Stored:
        """See Store.get; the tag is the blob's ETag."""
        try:
            download = self._blob(path).download_blob()
        except ResourceNotFoundError:
            raise NotFound(path) from None
        return Stored(download.readall(), str(download.properties.etag))

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """See Store.open; the bytes wait in memory up to 8 MB, beyond that in a temporary file."""
        with SpooledTemporaryFile(max_size=8 << 20) as stream:
            self._download(path, stream)
            stream.seek(0)
            yield stream

    @_in_our_terms
    def put(self, path: str, content: bytes | IO[bytes]) -> None:
        """See Store.put."""
        self._blob(path).upload_blob(content, overwrite=True)

    @_in_our_terms
    def create(self, path: str, content: bytes) -> bool:
        """See Store.create. After a lost answer the client's own retry meets its blob: that too is False."""
        try:
            self._blob(path).upload_blob(content, overwrite=False)
        except ResourceExistsError:
            return False
        return True

    @_in_our_terms
    def replace(self, path: str, content: bytes, tag: str) -> str | None:
        """See Store.replace."""
        try:
            answer = self._blob(path).upload_blob(
                content, overwrite=True, etag=tag, match_condition=MatchConditions.IfNotModified
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return None
        return str(answer["etag"])

    def list(self, prefix: str) -> Iterator[str]:
        """See Store.list."""
        area, _, within = prefix.partition("/")
        yield from (f"{area}/{name}" for name in self._names(area, within))

    def address(self, path: str) -> str:
        """See Store.address; without what would let anybody in, so that opening it takes a login."""
        return str(self._blob(path).url).partition("?")[0]

    @_in_our_terms
    def delete(self, path: str) -> None:
        """See Store.delete."""
        try:
            self._blob(path).delete_blob()
        except ResourceNotFoundError:
            return

    @_in_our_terms
    def _download(self, path: str, stream: IO[bytes]) -> None:
        try:
            self._blob(path).download_blob().readinto(stream)
        except ResourceNotFoundError:
            raise NotFound(path) from None

    @_in_our_terms
    def _names(self, area: str, within: str) -> Sequence[str]:
        return tuple(self._service.get_container_client(area).list_blob_names(name_starts_with=within))

    def _blob(self, path: str) -> "BlobClient":
        return self._service.get_blob_client(*split_path(path))
