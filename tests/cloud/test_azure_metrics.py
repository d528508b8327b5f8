"""Calls by hour and model deployment from Azure Monitor: successes only, and unknown where it is unknown."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import openai
import pytest

from cloud.azure_metrics import METRIC, AzureMetrics, check_available, hour_of
from cloud.azure_openai import AzureOpenAI
from cloud.errors import CloudRefused, CloudUnavailable
from cloud.settings import FoundrySettings
from cloud.waiting import eventually
from data_contracts.batches import BATCH_TIER
from data_contracts.calls import METRICS_KEPT_DAYS, CountedCalls, by_hour
from deployments.servers import emulator_environment
from tests.foundry_emulator.azure_clients import ask, emulated_now, forward, quick_model
from tests.foundry_emulator.support import API_KEY, MODEL, EmulatorProcess, data_url, draw, running
from tests.support.proxy import Nth, lossy

ACCOUNTS = ("--account", "local", "--account", "other")
AT_ONCE = ("--deployment-creation-seconds", "0", "--deployment-propagation-seconds", "0", "--speed", "5")
DAYS = timedelta(days=1)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("emulator")
    with running(folder, *AT_ONCE, *ACCOUNTS) as found, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator_environment(found.address).items():
            patch.setenv(name, value)
        yield found


@pytest.fixture(autouse=True)
def metrics_in_order(emulator: EmulatorProcess) -> Iterator[None]:
    yield
    emulator.ask("PUT", "/emulator/metrics", {"outage": False, "delay_seconds": 0})


def settings(emulator: EmulatorProcess, account: str = "local", **changed: Any) -> FoundrySettings:
    where = {
        "endpoint": f"{emulator.address}/{account}/openai/v1/",
        "management": emulator.address,
        "metrics": emulator.address,
    }
    who = {"subscription": "any-subscription", "resource_group": "any", "account": account}
    return FoundrySettings.model_validate({**where, **who, **changed})


def service(emulator: EmulatorProcess, account: str = "local") -> AzureOpenAI:
    return AzureOpenAI(settings(emulator, account), API_KEY)


def counted(emulator: EmulatorProcess, account: str = "local", days: float = 1) -> CountedCalls:
    now = emulated_now(emulator)
    return AzureMetrics(settings(emulator, account)).calls_per_hour(now - days * DAYS, now)


def sums(listed: CountedCalls) -> Mapping[str, int]:
    names = {each.model_deployment for each in listed.calls}
    return {name: sum(by_hour(listed.calls, name).values()) for name in names}


def metrics_are(emulator: EmulatorProcess, **condition: Any) -> None:
    emulator.ask("PUT", "/emulator/metrics", condition)


def asked(emulator: EmulatorProcess, name: str, times: int = 1, account: str = "local") -> None:
    """A base model's deployment that was asked so many times."""
    service(emulator, account).deploy(name, MODEL, {})
    with emulator.openai(account, max_retries=0) as client:
        for _ in range(times):
            ask(client, name)


def test_calls_are_told_by_the_hour_they_were_made_in(emulator: EmulatorProcess) -> None:
    hours = []
    for times in (1, 3):
        hours.append(hour_of(forward(emulator, hours=5)))
        asked(emulator, "hourly", times)

    assert by_hour(counted(emulator).calls, "hourly") == {hours[0]: 1, hours[1]: 3}


def test_answers_of_both_kinds_count_and_refused_calls_do_not(emulator: EmulatorProcess) -> None:
    asked(emulator, "kinds")
    with emulator.client() as client:
        client.responses.create(model="kinds", input="ready?")
        with pytest.raises(openai.BadRequestError):
            ask(client, "kinds", url=data_url(b"no image"))

    assert sums(counted(emulator))["kinds"] == 2


def test_questions_of_a_batch_are_use_but_no_activity(emulator: EmulatorProcess, tmp_path: Path) -> None:
    us = service(emulator)
    us.deploy("many", MODEL, {}, BATCH_TIER)
    (tmp_path / "questions.jsonl").write_bytes(us.batch_line("many", "one", "What?", data_url(draw("dots", 1)), "low"))
    batch = us.submit_batch(us.upload_batch_file(tmp_path / "questions.jsonl", "questions.jsonl"))
    eventually(lambda: us.batch(batch.id).ended or None, 60, "The batch has not ended")
    told = counted(emulator)

    assert "many" not in sums(told)
    assert sum(by_hour(told.others, "many").values()) == 1


def test_more_model_deployments_than_the_service_tells_unasked_are_told(emulator: EmulatorProcess) -> None:
    names = [f"one-of-twelve-{number}" for number in range(12)]
    for name in names:
        asked(emulator, name)

    assert set(names) <= sums(counted(emulator)).keys()


def test_three_months_are_told_in_pages_without_a_gap(emulator: EmulatorProcess) -> None:
    before = sums(counted(emulator, days=METRICS_KEPT_DAYS)).get("pages", 0)
    for _ in range(9):
        asked(emulator, "pages")
        forward(emulator, days=10)

    told = counted(emulator, days=METRICS_KEPT_DAYS)
    assert before == 0
    assert list(by_hour(told.calls, "pages").values()) == [1] * 9


def test_a_longer_time_than_is_kept_is_refused(emulator: EmulatorProcess) -> None:
    with pytest.raises(CloudRefused, match="at most 93 days"):
        counted(emulator, days=METRICS_KEPT_DAYS + 1)


def test_two_accounts_are_told_apart(emulator: EmulatorProcess) -> None:
    asked(emulator, "same-name", 2)
    asked(emulator, "same-name", 1, account="other")

    assert sums(counted(emulator))["same-name"] == 2
    assert sums(counted(emulator, "other")) == {"same-name": 1}


def test_an_outage_is_unknown_and_not_no_calls(emulator: EmulatorProcess) -> None:
    metrics_are(emulator, outage=True)

    with pytest.raises(CloudUnavailable, match="Azure Monitor answered 503"):
        counted(emulator)


@pytest.mark.parametrize("code", ["NoData", "InternalError"])
def test_a_metric_that_the_service_calls_unavailable_is_unknown(code: str) -> None:
    body = {"values": [{"value": [{"name": {"value": METRIC}, "errorCode": code, "timeseries": []}]}]}

    with pytest.raises(CloudUnavailable, match=code):
        check_available(body)


def test_calls_that_arrive_late_are_told_once_they_arrived(emulator: EmulatorProcess) -> None:
    metrics_are(emulator, delay_seconds=900)
    asked(emulator, "late")
    at_first = sums(counted(emulator))
    forward(emulator, minutes=20)

    assert "late" not in at_first
    assert sums(counted(emulator))["late"] == 1


def test_an_account_that_is_not_there_is_refused(emulator: EmulatorProcess) -> None:
    with pytest.raises(CloudRefused, match="Azure Monitor answered 404"):
        counted(emulator, "nobody")


def test_a_role_that_is_missing_is_refused(emulator: EmulatorProcess) -> None:
    emulator.fault(method="POST", path="*/metrics:getBatch", status=403, count=1)

    with pytest.raises(CloudRefused, match="Azure Monitor answered 403"):
        counted(emulator)


def test_a_login_that_is_not_accepted_is_refused(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/nowhere")

    with pytest.raises(CloudRefused, match="did not accept the login"):
        counted(emulator)


def test_a_month_of_a_whole_account_is_one_query(emulator: EmulatorProcess) -> None:
    asked(emulator, "first-of-two")
    asked(emulator, "second-of-two")
    queries, now = Nth("nothing", path="/metrics:getBatch"), emulated_now(emulator)
    with lossy(emulator.address, queries) as address:
        told = AzureMetrics(settings(emulator, metrics=address)).calls_per_hour(now - 30 * DAYS, now)

    assert {"first-of-two", "second-of-two"} <= sums(told).keys()
    assert queries.count == 1


def test_the_inventory_tells_age_tags_size_and_whether_it_is_fine_tuned(emulator: EmulatorProcess) -> None:
    began = emulated_now(emulator)
    us = service(emulator)
    us.deploy("tuned", quick_model(emulator), {"kaizen-loop": "steel"})
    us.deploy("plain", MODEL, {})
    found = {each.name: each for each in us.model_deployments()}

    assert found["tuned"].tags == {"kaizen-loop": "steel"}
    assert (found["tuned"].fine_tuned, found["plain"].fine_tuned) == (True, False)
    assert (found["tuned"].sku, found["tuned"].capacity) == ("GlobalStandard", 50)
    assert found["tuned"].created_at is not None
    assert began - timedelta(seconds=1) <= found["tuned"].created_at <= emulated_now(emulator)
