"""On which tier a challenger is evaluated: one without a fee by the hour where its model is offered on it."""

from data_contracts.models import Models, base_of

FREE_TIER = "DeveloperTier"
"""No fee by the hour, no promise of availability, and gone after 24 hours."""


def evaluation_tier(wanted: str, production: str, model: str, models: Models, region: str | None = None) -> str:
    """The tier that is *wanted*; for "auto" the free one where *model* is offered on it, else that of *production*.

    *region* is where the account is, as far as known: a tier that is not offered everywhere needs it.
    """
    if wanted != "auto":
        return wanted
    known = models.models.get(base_of(model))
    offered = (known.deployment_tiers or {}).get(FREE_TIER) if known is not None else None
    if offered is None:
        return production
    everywhere = offered.only is None and not offered.not_for_images
    return FREE_TIER if everywhere or (region and offered.has(region, images=True)) else production
