"""What may be deployed as which tier and how much of it; accounts, models and usages as lists tell them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.foundry_emulator.azure_clients import (
    ACCOUNT,
    BASE,
    GROUP,
    HTTP,
    Management,
    ask,
    forward,
    managing,
    quick_model,
)
from tests.foundry_emulator.support import ROOT, EmulatorProcess, running

REGION = "swedencentral"
TUNED_QUOTA = "OpenAI.GlobalStandard.gpt-4o-finetune"
OPTIONS = (
    *("--deployment-creation-seconds", "60", "--deployment-propagation-seconds", "0", "--enforce-regions"),
    *("--quota", f"{TUNED_QUOTA}=500", "--quota", "openai.standard.gpt-4o=240"),
    *("--account", "local", "--account", "Tokyo,region=japaneast"),
)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("limited"), *OPTIONS) as process:
        yield process


@pytest.fixture(scope="module")
def model(limited: EmulatorProcess) -> str:
    return quick_model(limited)


@pytest.fixture
def management(limited: EmulatorProcess) -> Iterator[Management]:
    with managing(limited) as opened:
        yield opened
        forward(limited, minutes=1)
        for name in opened.names():
            opened.client.deployments.begin_delete(*opened.account, name, **HTTP)
            forward(limited, minutes=1)


def usages(management: Management) -> dict[str, tuple[float, float]]:
    """Return what is held and may be held of every quota."""
    listed = management.client.accounts.list_usages(*management.account, **HTTP)
    return {each.name.value: (each.current_value, each.limit) for each in listed.value}


@pytest.mark.parametrize(
    "sku", ["standard", "GLOBALSTANDARD", "dataZoneStandard", "ProvisionedManaged", "globalprovisionedmanaged"]
)
def test_a_fine_tuned_model_goes_with_these_tiers_in_any_case(management: Management, model: str, sku: str) -> None:
    poller = management.begin_put("tuned", model, sku_name=sku, capacity=1)

    assert management.get("tuned").sku.name.lower() == sku.lower()
    assert not poller.done()


@pytest.mark.parametrize("sku", ["DeveloperTier", "GlobalBatch", "DataZoneBatch"])
def test_a_fine_tuned_gpt_4o_does_not_go_with_these(management: Management, model: str, sku: str) -> None:
    with pytest.raises(HttpResponseError, match=f"The specified SKU '{sku}' of account deployment is not supported"):
        management.put("tuned", model, sku_name=sku)


def test_the_developer_tier_is_for_fine_tuned_gpt_4_1(limited: EmulatorProcess, management: Management) -> None:
    tuned = quick_model(limited, "gpt-4.1-2025-04-14")
    management.begin_put("tuned", tuned, sku_name="developertier")

    assert management.get("tuned").sku.name == "DeveloperTier"


def test_the_developer_tier_is_not_for_base_models(management: Management) -> None:
    with pytest.raises(HttpResponseError, match="InvalidResourceProperties"):
        management.put("base", "gpt-4.1", "2025-04-14", sku_name="DeveloperTier")


def test_a_batch_tier_does_not_chat(limited: EmulatorProcess, management: Management) -> None:
    management.put("batches", *BASE, sku_name="GlobalBatch")

    with limited.client() as client, pytest.raises(openai.BadRequestError, match="operation does not work"):
        ask(client, "batches")


def test_a_tier_can_be_changed_among_those_paid_by_the_token_only(management: Management) -> None:
    management.put("base", *BASE, sku_name="Standard", capacity=5)
    changed = management.put("base", *BASE, sku_name="DataZoneStandard", capacity=5)

    assert changed.sku.name == "DataZoneStandard"
    with pytest.raises(HttpResponseError, match="cannot be changed from 'DataZoneStandard' to 'GlobalBatch'"):
        management.put("base", *BASE, sku_name="GlobalBatch", capacity=5)


def test_standard_is_not_sold_in_every_region(limited: EmulatorProcess) -> None:
    tuned = quick_model(limited)
    with managing(limited, "Tokyo") as tokyo:
        source = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT}"
        with pytest.raises(HttpResponseError, match="is not supported in this region 'japaneast'"):
            tokyo.put("tuned", tuned, sku_name="Standard", source=source)
        assert not tokyo.begin_put("tuned", tuned, source=source).done()


def test_more_than_the_quota_is_refused_in_the_words_of_azure(management: Management) -> None:
    management.put("first", *BASE, sku_name="Standard", capacity=240)

    with pytest.raises(HttpResponseError) as refusal:
        management.put("second", *BASE, sku_name="Standard", capacity=240)
    told: Any = refusal.value.error
    assert refusal.value.status_code == 400
    assert told.code == "InsufficientQuota"
    assert told.message == (
        "This operation require 240 new capacity in quota Tokens Per Minute (thousands) - gpt-4o, which is bigger than"
        " the current available capacity 0. The current quota usage is 240 and the quota limit is 240 for quota Tokens"
        " Per Minute (thousands) - gpt-4o."
    )


def test_growing_beyond_the_quota_is_refused_and_shrinking_frees_it(management: Management) -> None:
    management.put("first", *BASE, sku_name="Standard", capacity=200)
    with pytest.raises(HttpResponseError, match="require 41 new capacity"):
        management.patch("first", {"sku": {"capacity": 241}})
    management.patch("first", {"sku": {"capacity": 40}})

    assert management.put("second", *BASE, sku_name="Standard", capacity=200).name == "second"


def test_deleting_frees_quota_once_it_is_done(management: Management, limited: EmulatorProcess, model: str) -> None:
    management.begin_put("first", model, capacity=500)
    forward(limited, minutes=1)
    held = usages(management)[TUNED_QUOTA]
    with pytest.raises(HttpResponseError, match="InsufficientQuota"):
        management.put("second", model, capacity=1)
    management.client.deployments.begin_delete(*management.account, "first", **HTTP)
    forward(limited, seconds=1)

    assert held == (500, 500)
    assert usages(management)[TUNED_QUOTA] == (0, 500)
    assert not management.begin_put("second", model, capacity=500).done()


def test_quotas_are_apart_for_tiers_models_and_tuned_models(management: Management, model: str) -> None:
    management.put("base", *BASE, sku_name="GlobalStandard", capacity=30)
    management.begin_put("tuned", model, sku_name="GlobalStandard", capacity=70)
    held = {name: used for name, (used, _) in usages(management).items() if used}

    assert held == {"OpenAI.GlobalStandard.gpt-4o": 30, TUNED_QUOTA: 70}


def test_usages_of_a_region_are_those_of_its_accounts(management: Management) -> None:
    management.put("base", *BASE, sku_name="Standard", capacity=30)
    name = "OpenAI.Standard.gpt-4o"

    def of(region: str) -> list[float]:
        listed = management.client.usages.list(region, filter=f"name.value eq '{name}'", **HTTP)
        return [each.current_value for each in listed]

    assert (of("Sweden Central"), of("japaneast")) == ([30], [0])


def test_a_filter_of_usages_that_makes_no_sense_is_refused(management: Management) -> None:
    with pytest.raises(HttpResponseError, match="InvalidRequestContent"):
        list(management.client.usages.list(REGION, filter="limit gt 3", **HTTP))


def test_model_capacities_tell_what_is_left(management: Management, model: str) -> None:
    management.put("base", *BASE, sku_name="Standard", capacity=200)
    management.begin_put("tuned", model, capacity=100)
    here = management.client.location_based_model_capacities.list(REGION, "OpenAI", *BASE, **HTTP)
    left = {each.properties.sku_name: each.properties for each in here}
    everywhere = management.client.model_capacities.list("OpenAI", *BASE, **HTTP)

    assert left["Standard"].available_capacity == 40
    assert left["GlobalStandard"].available_finetune_capacity == 400
    assert {each.location for each in everywhere} == {REGION, "japaneast"}


def test_models_of_an_account_are_base_models_and_its_own(management: Management, model: str) -> None:
    listed = list(management.client.accounts.list_models(*management.account, **HTTP))
    models = {each.name: each for each in listed}

    assert ("gpt-4o", "2024-08-06") in {(each.name, each.version) for each in listed}
    assert models[model].base_model.name == "gpt-4o"
    assert "DeveloperTier" not in {sku.name for sku in models[model].skus}


def test_models_of_another_account_are_not_shown(limited: EmulatorProcess, model: str) -> None:
    with managing(limited, "Tokyo") as tokyo:
        assert model not in {each.name for each in tokyo.client.accounts.list_models(GROUP, "Tokyo", **HTTP)}


def test_models_of_a_region_name_their_quotas(management: Management) -> None:
    models = list(management.client.models.list(REGION, **HTTP))
    first = next(each.model for each in models if each.model.name == "gpt-4o")

    assert {sku.usage_name for sku in first.skus} >= {"OpenAI.Standard.gpt-4o", "OpenAI.GlobalBatch.gpt-4o"}


def test_accounts_are_listed_and_found_in_any_case(management: Management) -> None:
    client = management.client
    listed = [each.name for each in client.accounts.list(**HTTP)]
    tokyo = client.accounts.get(GROUP, "TOKYO", **HTTP)

    assert listed == [each.name for each in client.accounts.list_by_resource_group(GROUP, **HTTP)] == [ACCOUNT, "Tokyo"]
    assert (tokyo.name, tokyo.location) == ("Tokyo", "japaneast")
    with pytest.raises(ResourceNotFoundError):
        client.accounts.get(GROUP, "nobody", **HTTP)


def test_an_account_tells_what_it_can_do(management: Management) -> None:
    account = management.client.accounts.get(*management.account, **HTTP)
    told = {each.name: each.value for each in account.properties.capabilities or []}

    assert told["MaxFineTuneCount"] == "500"
    assert told["MaxTrainingFileSize"] == "512000000"
    assert told["MaxUserFileCount"] == "100"


def test_tiers_of_accounts_and_model_deployments_are_listed(management: Management) -> None:
    management.put("base", *BASE, capacity=9)
    client = management.client
    of_account = client.accounts.list_skus(*management.account, **HTTP)
    of_deployment = list(client.deployments.list_skus(*management.account, "base", **HTTP))

    assert [each.sku.name for each in of_account.value] == ["S0"]
    assert [(each.sku.name, each.sku.capacity) for each in of_deployment] == [("GlobalStandard", 9)]
    assert {each.name for each in client.resource_skus.list(**HTTP)} == {"S0"}


@pytest.mark.parametrize("quota", ["gpt-4o=3", "OpenAI.Gold.gpt-4o=3", "OpenAI.Standard.gpt-4o=many", "*", "*=-1"])
def test_a_quota_that_makes_no_sense_is_told_in_one_line(tmp_path: Path, quota: str) -> None:
    command = [sys.executable, "-m", "foundry_emulator", "--port", "0", "--state", str(tmp_path), "--quota", quota]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert ended.returncode == 2
    assert "argument --quota" in ended.stderr.splitlines()[-1]
