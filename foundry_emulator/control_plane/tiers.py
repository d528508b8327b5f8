"""The kinds of model deployment that Azure sells, and which model may be deployed as which."""

from foundry_emulator import errors
from foundry_emulator.models.table import BaseModel

DEVELOPER = "DeveloperTier"
PAY_PER_TOKEN = ("Standard", "GlobalStandard", "DataZoneStandard")
PROVISIONED = ("ProvisionedManaged", "GlobalProvisionedManaged", "DataZoneProvisionedManaged")
BATCH = ("GlobalBatch", "DataZoneBatch")
ALL = (*PAY_PER_TOKEN, DEVELOPER, *PROVISIONED, *BATCH)
FOR_FINE_TUNED = (*PAY_PER_TOKEN, DEVELOPER, *PROVISIONED)
FOR_BASE = (*PAY_PER_TOKEN, *PROVISIONED, *BATCH)
_BY_LOWER_NAME = {name.lower(): name for name in ALL}
_DEVELOPER_FAMILY = "gpt-4.1"
# where a fine-tuned model may be deployed as Standard; the other tiers are sold everywhere
_STANDARD_REGIONS = {
    "gpt-4o": frozenset({"eastus2", "swedencentral"}),
    "gpt-4.1": frozenset({"northcentralus", "swedencentral"}),
}


def tier(name: str) -> str | None:
    """Return the tier of this *name*, written in any case, as Azure writes it; None if there is none."""
    return _BY_LOWER_NAME.get(name.lower())


def tiers_for(base: BaseModel, *, fine_tuned: bool) -> tuple[str, ...]:
    """Return the tiers that a model can be deployed as: the developer tier is for fine-tuned gpt-4.1 models only."""
    if not fine_tuned:
        return FOR_BASE
    return FOR_FINE_TUNED if base.name.startswith(_DEVELOPER_FAMILY) else (*PAY_PER_TOKEN, *PROVISIONED)


def check(sku: str, base: BaseModel, *, fine_tuned: bool, model: str, version: str) -> None:
    """Return if the model may be deployed as *sku*; ServiceError 400 if not."""
    if sku not in tiers_for(base, fine_tuned=fine_tuned):
        raise errors.arm_sku_not_supported(sku, model, version)


def check_region(sku: str, base: BaseModel, region: str) -> None:
    """Return if fine-tuned models of *base* are deployed as *sku* in *region*; ServiceError 400 if not."""
    sold_in = _STANDARD_REGIONS.get(base.name)
    if sku == "Standard" and sold_in is not None and plain_region(region) not in sold_in:
        raise errors.arm_sku_not_in_region(sku, f"{base.name} {base.version}", region)


def check_change(before: str, after: str) -> None:
    """Return if a model deployment may change its tier so; ServiceError 400 if not."""
    if before == after or {before, after} <= set(PAY_PER_TOKEN):
        return
    raise errors.arm_properties(f"The SKU of account deployment cannot be changed from '{before}' to '{after}'.")


def plain_region(region: str) -> str:
    """Return a region's name as addresses have it: `Sweden Central` is `swedencentral`."""
    return region.replace(" ", "").lower()
