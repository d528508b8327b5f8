"""The one protocol behind which files live, in a folder or in Azure Blob Storage."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Protocol

from cloud.errors import CloudError, CloudRefused

INBOX = "inbox"
DATA = "data"
LEDGER = "ledger"
AREAS = (INBOX, DATA, LEDGER)
"""First part of every path: the three containers of the account, or subfolders of the folder."""


class NotFound(CloudError):
    """There is nothing at that path."""

    def __str__(self) -> str:
        """What is missing, by its path."""
        return f"nothing is stored at {self.args[0]}"


def split_path(path: str) -> tuple[str, str]:
    """Area and name of *path*; raises CloudRefused for a path that leads outside the areas."""
    area, _, name = path.partition("/")
    if area not in AREAS or any(part in ("", ".", "..") or "\0" in part for part in name.split("/")):
        raise CloudRefused(f"'{path}' is no path of the store; it has to begin with one of {', '.join(AREAS)}")
    return area, name


@dataclass(frozen=True)
class Stored:
    """Bytes with the tag that tells whether they were changed since."""

    content: bytes
    tag: str


class Store(Protocol):
    """Files by path, such as `data/loops/steel/champion.json`; the first part is one of AREAS."""

    def get(self, path: str) -> Stored:
        """The bytes at *path* with their tag; raises NotFound."""
        ...

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """The bytes at *path* as a stream, for what does not fit into memory; raises NotFound."""
        ...

    def put(self, path: str, content: bytes | IO[bytes]) -> None:
        """Store *content* at *path*, replacing what was there; seen whole or not at all."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Store *content* only if nothing is at *path*; False when something is. Atomic and durable."""
        ...

    def replace(self, path: str, content: bytes, tag: str) -> str | None:
        """Store *content* only if *path* still carries *tag*; the new tag, or None when it was changed or removed."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """All paths that begin with *prefix*, in order."""
        ...

    def address(self, path: str) -> str:
        """Where a person finds *path*, a file or a folder of files: an address for a browser."""
        ...

    def delete(self, path: str) -> None:
        """Remove what is at *path*; removing nothing is no error."""
        ...


def account_folder(account: str) -> str:
    """Where the store keeps what is of the Azure *account*, a resource id: accounts of two groups may have one name."""
    return f"{DATA}/accounts/{account.rpartition('/')[2]}-{hashlib.sha256(account.encode()).hexdigest()[:8]}"
