"""Checkpoints copied into another account of the same emulator, under the same name."""

import re
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.accounts import Account, Accounts
from foundry_emulator.clock import Clock
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

PREVIEW_HEADER = "aoai-copy-ft-checkpoints"
_RESOURCE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/([^/]+)", re.IGNORECASE
)
_FIELDS = ("destinationResourceId", "region")


@dataclass(frozen=True)
class Copies:
    """Copies between accounts; a copy is complete at once and is in no list of its new account."""

    state: State
    clock: Clock
    accounts: Accounts

    def copy(self, account: str, job: str, checkpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """Copy a checkpoint and return where it is now; ServiceError if it or the destination cannot be."""
        source = self._source(account, job, checkpoint)
        destination = self._destination(account, body)
        with self.state.transaction() as database:
            database.execute(
                "insert or replace into model_copies (account, name, checkpoint, job, base_model, weights, created_at,"
                " source, resource, region) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    destination.name,
                    catalogue.checkpoint_name(source),
                    source["id"],
                    job,
                    source["base_model"],
                    source["weights"],
                    self.clock.now(),
                    account,
                    body["destinationResourceId"],
                    body["region"],
                ),
            )
        return self.status(account, job, checkpoint)

    def status(self, account: str, job: str, checkpoint: str) -> dict[str, Any]:
        """Return where a checkpoint was copied to; ServiceError 404 if there is none or it never was."""
        source = self._source(account, job, checkpoint)
        rows = self.state.rows(
            "select * from model_copies where source = ? and checkpoint = ? order by created_at", account, source["id"]
        )
        if not rows:
            raise errors.not_found("copy of the checkpoint", checkpoint)
        return {
            "checkpointedModelName": rows[0]["name"],
            "fineTuningJobId": job,
            "copiedAccountDetails": [
                {"destinationResourceId": row["resource"], "region": row["region"], "status": "Completed"}
                for row in rows
            ],
        }

    def _source(self, account: str, job: str, checkpoint: str) -> Row:
        owner = self.state.row("select id from jobs where account = ? and id = ? and deleted_at is null", account, job)
        if owner is None:
            raise errors.not_found("job", job)
        rows = catalogue.deployable(self.state, account, job, checkpoint)
        found = [row for row in rows if row["job"] == job and checkpoint in (row["id"], *catalogue.names(row))]
        if not found:
            raise errors.not_found("checkpoint", checkpoint)
        return found[0]

    def _destination(self, account: str, body: dict[str, Any]) -> Account:
        resource, region = (body.get(name) for name in _FIELDS)
        if set(body) != set(_FIELDS) or not isinstance(resource, str) or not isinstance(region, str):
            raise errors.invalid_payload("A copy needs the texts 'destinationResourceId' and 'region', no more.")
        match = _RESOURCE.fullmatch(resource)
        found = self.accounts.find(match.group(1)) if match else None
        if found is None or found.name == account:
            raise errors.invalid_payload(f"The destination '{resource[:200]}' is no other account of this service.")
        if found.region.lower() != region.lower().replace(" ", ""):
            raise errors.invalid_payload(f"The destination is in the region '{found.region}', not '{region[:50]}'.")
        if self.state.row("select id from jobs where account = ?", found.name) is None:
            raise errors.invalid_payload("The destination account must have had at least one fine-tuning job.")
        return found
