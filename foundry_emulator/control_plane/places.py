"""Where things stand in Azure's tree, and what a write there comes to."""

from dataclasses import dataclass
from typing import Any

PROVIDER = "/providers/Microsoft.CognitiveServices"


@dataclass(frozen=True)
class Place:
    """Where in Azure's tree an account stands, as the caller wrote it."""

    subscription: str
    group: str
    account: str

    @property
    def account_id(self) -> str:
        """The account's resource id."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}{PROVIDER}/accounts/{self.account}"

    def deployment_id(self, name: str) -> str:
        """Return the resource id of a model deployment of the account."""
        return f"{self.account_id}/deployments/{name}"


@dataclass(frozen=True)
class Written:
    """The outcome of a write: an HTTP status, a body, and the operation to follow, if it takes time."""

    status: int
    body: dict[str, Any] | None
    operation: str | None = None


@dataclass(frozen=True)
class Conditions:
    """The If-Match and If-None-Match headers of a write."""

    match: str | None = None
    none_match: str | None = None

    def hold_for(self, etag: str | None) -> bool:
        """Return whether a write may go ahead on what has *etag*, None for what does not exist."""
        if self.match is not None and (etag is None or not _names(self.match, etag)):
            return False
        return self.none_match is None or etag is None or not _names(self.none_match, etag)


def _names(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags or etag.strip('"') in tags
