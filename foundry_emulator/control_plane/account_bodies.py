"""Accounts, models, tiers and capacities as the control plane tells them."""

from collections.abc import Iterable
from typing import Any

from foundry_emulator.accounts import Account
from foundry_emulator.clock import iso
from foundry_emulator.control_plane import tiers
from foundry_emulator.control_plane.bodies import capabilities_of
from foundry_emulator.control_plane.deployment_requests import LARGEST_CAPACITY
from foundry_emulator.control_plane.places import Place
from foundry_emulator.control_plane.quotas import Held, QuotaName, Quotas, names_of, used_of
from foundry_emulator.files.store import LARGEST_BYTES
from foundry_emulator.fine_tuning.runner import MOST_RUNNING
from foundry_emulator.models import catalogue
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.models.table import BaseModel

_KIND = "AIServices"
_TYPE = "Microsoft.CognitiveServices/accounts"
_SKU = {"name": "S0"}
_CAPABILITIES = {
    "MaxFineTuneCount": 500,
    "MaxRunningFineTuneCount": MOST_RUNNING,
    "MaxRunningGlobalStandardFineTuneCount": MOST_RUNNING,
    "MaxUserFileCount": 100,
    "MaxTrainingFileSize": LARGEST_BYTES,
    "MaxUserFileImportDurationInHours": 1,
    "MaxFineTuneJobDurationInHours": 720,
    "MaxEvaluationRunDurationInHours": 5,
    "MaxRunningEvaluationCount": 5,
}


def account_body(place: Place, account: Account, address: str) -> dict[str, Any]:
    """Return an account, whose data plane is at *address*."""
    return {
        "id": place.account_id,
        "name": place.account,
        "type": _TYPE,
        "kind": _KIND,
        "location": account.region,
        "sku": _SKU,
        "properties": {
            "endpoint": address,
            "provisioningState": "Succeeded",
            "customSubDomainName": place.account,
            "publicNetworkAccess": "Enabled",
            "capabilities": [{"name": name, "value": str(value)} for name, value in _CAPABILITIES.items()],
            "endpoints": {"OpenAI Language Model Instance API": address},
            "disableLocalAuth": False,
        },
    }


def account_skus() -> list[dict[str, Any]]:
    """Return the tiers that an account itself can have."""
    return [{"resourceType": _TYPE, "sku": {**_SKU, "tier": "Standard"}}]


def resource_skus(regions: Iterable[str]) -> list[dict[str, Any]]:
    """Return what kinds of account can be made in the *regions*."""
    return [
        {
            "resourceType": "accounts",
            "name": "S0",
            "tier": "Standard",
            "kind": kind,
            "locations": [region.upper()],
            "restrictions": [],
        }
        for region in sorted(set(regions))
        for kind in (_KIND, "OpenAI")
    ]


def account_models(tuned: Iterable[tuple[str, str]], retirement: Retirement) -> list[dict[str, Any]]:
    """Return the base models and the *tuned* ones, each of these with its base model's id, as the account knows them.

    Where retirement is not enforced nothing ever retires, so that no model tells an end.
    """
    bases = [_model(base, retirement) for base in catalogue.base_models()]
    return bases + [_tuned_model(name, base) for name, base_id in tuned if (base := catalogue.base_model(base_id))]


def location_models(retirement: Retirement) -> list[dict[str, Any]]:
    """Return the base models that can be deployed in a region."""
    return [
        {"kind": kind, "skuName": _SKU["name"], "model": _model(base, retirement)}
        for base in catalogue.base_models()
        for kind in (_KIND, "OpenAI")
    ]


def model_capacities(
    subscription: str, base: BaseModel, region: str, quotas: Quotas, held: Iterable[Held]
) -> list[dict[str, Any]]:
    """Return how much capacity is left in a region for a base model and for those tuned from it, tier by tier."""
    used = used_of(held)
    path = f"/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{region}/modelCapacities"
    left = {name: float(max(0, quotas.limit(name) - used[name])) for name in names_of(base)}
    return [
        {
            "id": f"{path}/OpenAI.{sku}.{base.name}.{base.version}",
            "type": "Microsoft.CognitiveServices/locations/modelCapacities",
            "name": f"OpenAI.{sku}.{base.name}.{base.version}",
            "location": region,
            "properties": {
                "model": {"format": "OpenAI", "name": base.name, "version": base.version},
                "skuName": sku,
                "availableCapacity": left.get(QuotaName(sku, base.name, fine_tuned=False), 0.0),
                "availableFinetuneCapacity": left.get(QuotaName(sku, base.name, fine_tuned=True), 0.0),
            },
        }
        for sku in tiers.ALL
        if any(name.sku == sku for name in left)
    ]


def _model(base: BaseModel, retirement: Retirement) -> dict[str, Any]:
    created = {"createdAt": iso(base.created_at), "createdBy": "Microsoft", "createdByType": "Application"}
    tuning = {"fineTune": "true", "maxFineTuneCount": "500"} if base.trainable else {}
    return {
        "format": "OpenAI",
        "name": base.name,
        "version": base.version,
        "isDefaultVersion": True,
        "skus": [_sku(QuotaName(sku, base.name, fine_tuned=False)) for sku in tiers.tiers_for(base, fine_tuned=False)],
        "maxCapacity": LARGEST_CAPACITY,
        "capabilities": _capabilities(base) | tuning,
        "finetuneCapabilities": tuning,
        **_ends(base, retirement),
        "systemData": {**created, "lastModifiedAt": iso(base.created_at)},
    }


def _ends(base: BaseModel, retirement: Retirement) -> dict[str, Any]:
    if not retirement.enforced:
        return {"lifecycleStatus": "GenerallyAvailable"}
    inference = retirement.inference_ends(KnownModel(base.id, base, None))
    training = retirement.training_ends(base)
    tuning = {"fineTune": iso(training)} if training is not None else {}
    over = retirement.clock.now() >= inference
    return {
        "lifecycleStatus": "Deprecated" if over else "GenerallyAvailable",
        "deprecation": {**tuning, "inference": iso(inference)},
    }


def _tuned_model(name: str, base: BaseModel) -> dict[str, Any]:
    return {
        "format": "OpenAI",
        "name": name,
        "version": "1",
        "baseModel": {"format": "OpenAI", "name": base.name, "version": base.version},
        "isDefaultVersion": True,
        "skus": [_sku(QuotaName(sku, base.name, fine_tuned=True)) for sku in tiers.tiers_for(base, fine_tuned=True)],
        "maxCapacity": LARGEST_CAPACITY,
        "capabilities": _capabilities(base),
        "lifecycleStatus": "GenerallyAvailable",
    }


def _sku(name: QuotaName) -> dict[str, Any]:
    capacity = {"minimum": 1, "maximum": LARGEST_CAPACITY, "step": 1, "default": 10}
    return {"name": name.sku, "usageName": name.value, "capacity": capacity}


def _capabilities(base: BaseModel) -> dict[str, str]:
    return {**capabilities_of(base), "inference": "true"}
