"""Idle model deployments: what is known of each, what is planned, and why one is left alone."""

from typing import Literal

from pydantic import AwareDatetime, Field

from data_contracts.record import Record

Owner = Literal["this loop", "another loop", "stranger"]
Role = Literal["champion", "rollback twin", "running evaluation", "orphan"]
"""What a model deployment of ours is needed for; an orphan's iteration is over."""
Code = Literal["not ours", "not fine-tuned", "kept", "protected", "unknown", "has traffic"]
"""Why a model deployment is left alone."""


class HourlyCalls(Record):
    """Successful chat and responses calls of one model deployment, hour by hour, by source."""

    begins: AwareDatetime = Field(description="Beginning of the first hour, on the hour.")
    observed_at: AwareDatetime = Field(description="When the metric was asked.")
    successes: tuple[int | None, ...] = Field(
        description="By the provider's metric; None where it is missing, 0 where it answered without a series."
    )
    own: tuple[int | None, ...] = Field(
        description="Our evaluations, probes and audits that succeeded, by our own log; None where it cannot be read."
    )


class CallEvidence(Record):
    """What the hours say about the calls of one model deployment."""

    begins: AwareDatetime
    until: AwareDatetime = Field(description="End of the last hour that was looked at, or the moment of observation.")
    observed_at: AwareDatetime
    last_customer_call: AwareDatetime | None = Field(
        None, description="End of the last hour with a call that was not ours, at the latest when observed."
    )
    last_unknown: AwareDatetime | None = Field(None, description="End of the last hour that says nothing.")
    last_call: AwareDatetime | None = Field(None, description="Beginning of the last hour with a call, ours included.")
    unknown_now: bool = Field(default=False, description="Whether the last hour that should be known says nothing.")


class Keep(Record):
    """A person's word that a model deployment stays."""

    until: AwareDatetime
    by: str
    why: str


class ObservedDeployment(Record):
    """A model deployment of the account with everything that its deletion hangs on."""

    account: str
    name: str
    model: str
    sku: str
    created_at: AwareDatetime | None
    owner: Owner
    roles: frozenset[Role] = frozenset()
    calls: CallEvidence | None = Field(None, description="None where nothing could be found out.")
    kept_alive_at: AwareDatetime | None = Field(None, description="Our last keep-alive call, by the ledger.")
    keeps: tuple[Keep, ...] = ()
    planned_for: AwareDatetime | None = Field(None, description="Moment of the deletion that is planned already.")
    runs_ended: int = Field(0, ge=0, description="Its deletion runs that were cancelled or ended without deleting it.")


class PlannedDeletion(Record):
    """One deletion of one model deployment, as a run is scheduled for it."""

    account: str
    name: str
    created_at: AwareDatetime
    at: AwareDatetime
    reason: str
    azure_deletes_at: AwareDatetime
    forced: bool = Field(description="Azure's date left no later moment, so its idle days are not over yet.")
    saved_per_day: float = Field(description="US dollars of hosting.")
    key: str = Field(description="Idempotency key of the run; another one once a run has ended, however it did.")


class KeepAlive(Record):
    """Calls that keep a model deployment from the provider's idle rule, and what that costs in US dollars."""

    calls: tuple[AwareDatetime, ...] = Field(description="The next one only, where no end is known.")
    until: AwareDatetime | None = Field(None, description="None where no end is known.")
    per_call: float | None = Field(description="None where the price table does not know the model.")
    hosting: float = Field(description="Hosting until then, or for 30 days where no end is known.")


class LeftAlone(Record):
    """A model deployment that is not planned to be deleted, and why."""

    account: str
    name: str
    code: Code
    reason: str
    azure_deletes_at: AwareDatetime | None = Field(description="The earliest that it can be; None where unknown.")
    keep_alive: KeepAlive | None = None


class DeletionPlan(Record):
    """What becomes of each model deployment of an account."""

    deletions: tuple[PlannedDeletion, ...] = Field(description="Earliest first.")
    left_alone: tuple[LeftAlone, ...] = Field(description="By account and name.")


class DeletionVerdict(Record):
    """Whether a planned deletion is carried out now."""

    delete: bool
    reason: str


class Vanished(Record):
    """A model deployment of ours that is gone though nobody of us deleted it."""

    account: str
    name: str
    model: str
    reason: str
    then: Literal["revive", "park"]
