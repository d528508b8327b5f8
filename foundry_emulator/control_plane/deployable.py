"""Which model a request for a model deployment means, and whether there is room for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundry_emulator import errors
from foundry_emulator.accounts import Accounts
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.deployment_records import Span
from foundry_emulator.control_plane.deployment_requests import ModelReference
from foundry_emulator.models import catalogue
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.state import State

MOST_FINE_TUNED = 10
MOST_STANDARD = 32
FINE_TUNED_VERSION = "1"
_FORMAT = "OpenAI"


@dataclass(frozen=True)
class Deployable:
    """A model that exists, as the control plane was asked for it."""

    reference: ModelReference
    known: KnownModel
    version: str

    def check_tier(self, sku: str) -> None:
        """Return if the model may be deployed as *sku*; ServiceError 400 if not."""
        fine_tuned = self.known.weights is not None
        tiers.check(sku, self.known.base, fine_tuned=fine_tuned, model=self.reference.name, version=self.version)

    def span(self, began_at: float, sku: str, capacity: int) -> Span:
        """Return a span of a model deployment's life in which it serves this model."""
        return Span(
            began_at=began_at,
            sku=sku,
            capacity=capacity,
            model_format=_FORMAT,
            model=self.reference.name,
            model_version=self.version,
            model_source=self.reference.source,
            weights=self.known.weights,
            base_model=self.known.base.id,
        )


def find(state: State, accounts: Accounts, account: str, wanted: ModelReference) -> Deployable:
    """Return the model that is *wanted*; ServiceError DeploymentModelNotSupported if there is none."""
    refusal = errors.arm_model_not_supported(wanted.format, wanted.name, wanted.version)
    if wanted.format != _FORMAT:
        raise refusal
    base = catalogue.base_model_version(wanted.name, wanted.version)
    if base is not None:
        return Deployable(wanted, KnownModel(base.name, base, None), base.version)
    owner = _owner(accounts, account, wanted.source)
    known = catalogue.trained_model(state, owner, wanted.name) if owner is not None else None
    if known is None or wanted.version not in ("", FINE_TUNED_VERSION):
        raise refusal
    return Deployable(wanted, known, FINE_TUNED_VERSION)


def check_room(span: Span, others: Sequence[Span]) -> None:
    """Return if an account that has the *others* may have this one too; ServiceError 400 if not."""
    if span.fine_tuned and sum(each.fine_tuned for each in others) >= MOST_FINE_TUNED:
        raise errors.arm_too_many_deployments("fine-tuned model", MOST_FINE_TUNED)
    standard = sum(each.sku not in tiers.PROVISIONED for each in others)
    if span.sku not in tiers.PROVISIONED and standard >= MOST_STANDARD:
        raise errors.arm_too_many_deployments("standard", MOST_STANDARD)


def check_region(span: Span, region: str) -> None:
    """Return if Azure sells this in *region*; ServiceError 400 if not."""
    base = catalogue.base_model(span.base_model)
    if base is not None:
        tiers.check_region(span.sku, base, region)


def _owner(accounts: Accounts, account: str, source: str | None) -> str | None:
    """Return the account whose model is meant: the one that *source* (a resource id) names, if any."""
    if source is None:
        return account
    named = accounts.find_in_any_case(source.rstrip("/").rpartition("/")[2])
    return named.name if named is not None else None
