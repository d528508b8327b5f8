"""The meter: what training, hosting and calls would have cost."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from foundry_emulator.meter.prices import PricesUnusable, read_prices
from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.azure_clients import (
    BASE,
    Management,
    ask,
    emulated_now,
    forward,
    managing,
    own,
    quick_model,
)
from tests.foundry_emulator.support import (
    MODEL,
    ROOT,
    EmulatorProcess,
    ended,
    examples,
    running,
    train,
    training_file,
    upload,
)

AT_ONCE = ("--deployment-creation-seconds", "0", "--deployment-propagation-seconds", "0")
NO_DELETION = ("--deployment-deletion-seconds", "0")
TABLE = """
as_of = 2030-05-01
currency = "EUR"
sources = ["an offer"]
batch_factor = 0.5

[training."gpt-4o-2024-08-06"]
global = 1000.0

[hosting]
Standard = 2.0
GlobalStandard = 4.0

[inference."gpt-4o-2024-08-06"]
base = { input = 100.0, output = 1000.0 }
fine_tuned = { input = 200.0, output = 2000.0 }
"""


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator with round prices; its clock is turned."""
    table = tmp_path_factory.mktemp("prices") / "prices.toml"
    table.write_text(TABLE)
    options = (*AT_ONCE, *NO_DELETION, "--prices", str(table), "--account", "local", "--account", "other")
    with running(tmp_path_factory.mktemp("metered"), *options) as process:
        yield process


@pytest.fixture(scope="module")
def model(metered: EmulatorProcess) -> str:
    return quick_model(metered, extra_body={"trainingType": "GlobalStandard"})


@pytest.fixture
def management(metered: EmulatorProcess) -> Iterator[Management]:
    with managing(metered) as opened:
        yield opened
        for name in opened.names():
            opened.delete(name)


def line(emulator: EmulatorProcess, name: str, **parameters: str) -> dict[str, Any]:
    """Return what the meter tells of the last model deployment with a name."""
    found = own(emulator, "meter", **parameters)["model_deployments"]
    return next(each for each in reversed(found) if each["name"] == name)


def test_training_costs_its_tokens_at_the_price_of_its_place(metered: EmulatorProcess) -> None:
    with metered.client() as client:
        job = train(
            client, examples(range(3)), hyperparameters={"n_epochs": 2}, extra_body={"trainingType": "globalstandard"}
        )
    told = next(each for each in own(metered, "meter")["jobs"] if each["id"] == job.id)

    assert told["trained_tokens"] == job.trained_tokens
    assert told["cost"] == pytest.approx((job.trained_tokens or 0) / 1e6 * 1000.0)


def test_what_the_table_does_not_list_is_told_as_unpriced(metered: EmulatorProcess, management: Management) -> None:
    with metered.client() as client:
        job = train(
            client, examples(range(3)), hyperparameters={"n_epochs": 1}, extra_body={"trainingType": "developerTier"}
        )
    management.put("dear", "gpt-4.1", "2025-04-14")
    management.put("tuned", str(job.fine_tuned_model), sku_name="DataZoneStandard")
    with metered.client() as client:
        ask(client, "dear")
    forward(metered, hours=1)
    bill = own(metered, "meter")
    unpriced = {(each["what"], each.get("job") or each["name"]) for each in bill["unpriced"]}

    assert unpriced >= {("training", job.id), ("inference", "dear"), ("hosting", "tuned")}
    assert line(metered, "tuned")["hosting_cost"] is None


def test_hosting_is_billed_by_the_second_until_it_is_deleted(
    metered: EmulatorProcess, management: Management, model: str
) -> None:
    management.put("tuned", model)
    forward(metered, hours=36)
    management.delete("tuned")
    forward(metered, days=400)
    told = line(metered, "tuned")

    assert told["hosting_hours"] == pytest.approx(36, rel=1e-3)
    assert told["hosting_cost"] == pytest.approx(36 * 4.0, rel=1e-3)
    assert told["gone_because"] == "deleted"


def test_another_tier_costs_its_price_from_then_on(
    metered: EmulatorProcess, management: Management, model: str
) -> None:
    management.put("tuned", model)
    forward(metered, hours=10)
    management.patch("tuned", {"sku": {"name": "Standard"}})
    forward(metered, hours=10)

    assert line(metered, "tuned")["hosting_cost"] == pytest.approx(10 * 4.0 + 10 * 2.0, rel=1e-3)


def test_calls_cost_what_they_read_and_write_and_a_fine_tuned_model_its_own_price(
    metered: EmulatorProcess, management: Management, model: str
) -> None:
    management.put("base", *BASE)
    management.put("tuned", model)
    with metered.client() as client:
        for name in ("base", "tuned"):
            ask(client, name)
            ask(client, name)
    base, tuned = line(metered, "base"), line(metered, "tuned")

    assert (base["calls"], tuned["calls"]) == (2, 2)
    assert base["inference_cost"] == pytest.approx(
        (base["prompt_tokens"] * 100 + base["completion_tokens"] * 1000) / 1e6
    )
    assert tuned["inference_cost"] == pytest.approx(
        (tuned["prompt_tokens"] * 200 + tuned["completion_tokens"] * 2000) / 1e6
    )
    assert base["hosting_cost"] == 0


def test_a_bill_can_be_for_a_part_of_the_time(metered: EmulatorProcess, management: Management, model: str) -> None:
    management.put("tuned", model)
    forward(metered, hours=10)
    since = emulated_now(metered)
    forward(metered, hours=10)
    until = (since + timedelta(hours=5)).isoformat()
    told = line(metered, "tuned", since=since.isoformat(), until=until)

    assert told["hosting_hours"] == pytest.approx(5)
    assert line(metered, "tuned", until=since.isoformat())["hosting_hours"] == pytest.approx(10, rel=1e-3)


def test_totals_add_up(metered: EmulatorProcess, management: Management, model: str) -> None:
    management.put("tuned", model)
    forward(metered, hours=1)
    bill = own(metered, "meter")
    totals = bill["totals"]

    assert totals["total"] == pytest.approx(totals["training"] + totals["hosting"] + totals["inference"])
    assert totals["hosting"] == pytest.approx(sum(each["hosting_cost"] or 0 for each in bill["model_deployments"]))
    assert (bill["currency"], bill["prices_as_of"]) == ("EUR", "2030-05-01")


def test_an_account_pays_for_its_own(metered: EmulatorProcess, management: Management, model: str) -> None:
    management.put("tuned", model)
    bill = own(metered, "meter", account="other")

    assert (bill["jobs"], bill["model_deployments"]) == ([], [])
    assert own(metered, "meter", account="local")["jobs"]


def test_a_job_that_failed_or_was_cancelled_before_training_costs_nothing(metered: EmulatorProcess) -> None:
    with metered.client() as client:
        file = upload(client, training_file(examples(range(3))))
        job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id)
        client.fine_tuning.jobs.cancel(job.id)
        ended(client, job.id)

    assert job.id not in {each["id"] for each in own(metered, "meter")["jobs"]}


@pytest.mark.parametrize(
    "parameters",
    [{"since": "yesterday"}, {"until": "0001-01-01"}, {"since": "2030-01-02", "until": "2030-01-01"}],
)
def test_a_time_that_makes_no_sense_is_refused(metered: EmulatorProcess, parameters: dict[str, str]) -> None:
    with pytest.raises(ControlRefused, match=": 400: "):
        own(metered, "meter", **parameters)


def test_the_bill_survives_a_kill(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path, *AT_ONCE)
    model = quick_model(killed)
    with managing(killed) as management, killed.client() as client:
        management.put("tuned", model)
        ask(client, "tuned")
        forward(killed, days=40)
        before = own(killed, "meter")
        killed.kill()
    with running(tmp_path) as restarted:
        after = own(restarted, "meter")

    assert before["model_deployments"][0]["hosting_hours"] == pytest.approx(360, rel=1e-3)
    assert {**after, "until": before["until"]} == before


def test_the_own_table_prices_vision_fine_tuning() -> None:
    prices = read_prices()

    assert prices.training_rate("gpt-4o-2024-08-06", "Standard") == 27.5
    assert prices.hosting_rate("GlobalStandard", 1, fine_tuned=True) == 1.7
    assert prices.hosting_rate("DeveloperTier", 1, fine_tuned=True) == 0
    assert prices.inference_rates("gpt-4o-2024-08-06", "GlobalBatch", fine_tuned=False, batch=True) == (1.25, 5.0)


def test_provisioned_tiers_are_paid_by_unit_and_hour_alone(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(TABLE.replace("Standard = 2.0", "Standard = 2.0\nProvisionedManaged = 3.0"))
    prices = read_prices(tmp_path / "prices.toml")

    assert prices.hosting_rate("ProvisionedManaged", 50, fine_tuned=True) == 150.0
    assert prices.inference_rates("anything", "ProvisionedManaged", fine_tuned=True, batch=False) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("as_of = 2030-05-01", 'as_of = "soon"', "as_of must be a day"),
        ('currency = "EUR"', "", "lacks currency"),
        ('sources = ["an offer"]', "sources = 3", "sources"),
        ("[hosting]", "hosting = 3\n[hosts]", "unknown 'hosts'"),
        ("Standard = 2.0", "Standard = -2.0", "hosting.Standard must be a price"),
        ("Standard = 2.0", "Standard = nan", "hosting.Standard must be a price"),
        ("Standard = 2.0", "Gold = 2.0", "unknown 'Gold'"),
        ("global = 1000.0", "moon = 1000.0", "unknown 'moon'"),
        ("input = 100.0, ", "", "needs an input and an output"),
        ("as_of", "as_of as_of", "Expected"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    (tmp_path / "prices.toml").write_text(TABLE.replace(old, new, 1))

    with pytest.raises(PricesUnusable, match=reason):
        read_prices(tmp_path / "prices.toml")


def test_a_table_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "foundry_emulator", "--port", "0", "--state", str(tmp_path / "state")]
    nowhere = ["--prices", str(tmp_path / "nowhere.toml")]
    ended_at_once = subprocess.run([*command, *nowhere], cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert ended_at_once.returncode == 1
    assert ended_at_once.stderr.startswith("foundry_emulator: cannot use the price table")
    assert ended_at_once.stderr.count("\n") == 1
