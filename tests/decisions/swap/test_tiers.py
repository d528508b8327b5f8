"""The tier on which a challenger is evaluated."""

import pytest

from data_contracts.models import ModelFacts, Models, TierRegions, current_models
from decisions.swap.tiers import evaluation_tier

TUNED = "gpt-4.1-2025-04-14.ft-k1"


@pytest.mark.parametrize(
    ("model", "tier"),
    [
        (TUNED, "DeveloperTier"),
        ("gpt-4.1-2025-04-14", "DeveloperTier"),
        ("gpt-4o-2024-08-06.ft-k1", "GlobalStandard"),
        ("gpt-4.1-mini-2025-04-14.ft-k1", "GlobalStandard"),
        ("unheard.ft-k1", "GlobalStandard"),
    ],
)
def test_auto_takes_the_developer_tier_where_the_model_is_known_to_be_offered_on_it(model: str, tier: str) -> None:
    assert evaluation_tier("auto", "GlobalStandard", model, current_models()) == tier


def test_what_is_set_counts() -> None:
    assert evaluation_tier("Standard", "GlobalStandard", TUNED, current_models()) == "Standard"


@pytest.mark.parametrize(("region", "tier"), [("swedencentral", "DeveloperTier"), ("japaneast", "Any"), (None, "Any")])
def test_a_tier_that_is_not_offered_everywhere_needs_the_region(region: str | None, tier: str) -> None:
    known = current_models().models["gpt-4.1-2025-04-14"]
    limited: ModelFacts = known.model_copy(
        update={"deployment_tiers": {"DeveloperTier": TierRegions(only=("swedencentral",))}}
    )
    models: Models = current_models().model_copy(update={"models": {"gpt-4.1-2025-04-14": limited}})

    assert evaluation_tier("auto", "Any", TUNED, models, region) == tier
