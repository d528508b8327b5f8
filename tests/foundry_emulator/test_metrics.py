"""Azure Monitor: calls by model deployment and status, through the official client and over the ARM path."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import openai
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity.aio import ManagedIdentityCredential
from azure.monitor.querymetrics import MetricsClient
from azure.monitor.querymetrics.aio import MetricsClient as AsyncMetricsClient

from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.azure_clients import (
    ACCOUNT_ID,
    BASE,
    HTTP,
    NAMESPACE,
    ask,
    chart,
    charting,
    emulated_now,
    forward,
    logged_in,
    managing,
    own,
    totals,
)
from tests.foundry_emulator.support import EmulatorProcess, data_url, running

AT_ONCE = ("--deployment-creation-seconds", "0", "--deployment-propagation-seconds", "0")
ACCOUNTS = ("--account", "local", "--account", "other")
SPLIT = "ModelDeploymentName eq '*' and StatusCode eq '*'"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator on which `many` answered three calls and refused one, `few` answered one and `none` was not asked."""
    with running(tmp_path_factory.mktemp("busy"), *AT_ONCE, *ACCOUNTS) as process:
        with managing(process) as management, process.client() as client:
            for name in ("many", "few", "none"):
                management.put(name, *BASE)
            for name in ("many", "many", "many", "few"):
                ask(client, name)
            with pytest.raises(openai.BadRequestError):
                ask(client, "many", url=data_url(b"no image"))
        yield process


@pytest.fixture
def metrics(busy: EmulatorProcess) -> Iterator[MetricsClient]:
    with charting(busy) as client:
        yield client


def over_arm(emulator: EmulatorProcess, **query: str) -> Any:
    """Return what the ARM path answers, asked as its REST reference has it."""
    with logged_in(emulator) as credential:
        token = credential.get_token("https://management.azure.com/.default").token
    given = {"api-version": "2024-02-01", "metricnames": "AzureOpenAIRequests", **query}
    address = f"{emulator.address}{ACCOUNT_ID}/local/providers/microsoft.insights/metrics?{urlencode(given)}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_calls_are_counted_by_model_deployment_and_status(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    assert totals(chart(metrics, busy, filter=SPLIT)) == {"few/200": 1, "many/200": 3, "many/400": 1}


def test_names_come_back_in_lower_case(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    series = chart(metrics, busy, filter=SPLIT).metrics["AzureOpenAIRequests"].timeseries  # type: ignore[call-overload]

    assert {name for each in series for name in each.metadata_values} == {"modeldeploymentname", "statuscode"}


def test_what_was_never_called_has_no_series(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    assert totals(chart(metrics, busy, filter="ModelDeploymentName eq 'none'")) == {}
    assert totals(chart(metrics, busy, account="other")) == {}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("modeldeploymentname eq '*' and StatusCode eq '200'", {"few/200": 1, "many/200": 3}),
        ("StatusCode eq '400' or StatusCode eq '200'", {"200": 4, "400": 1}),
        ("ModelDeploymentName eq 'MANY'", {"many": 4}),
        ("ModelDeploymentName ne 'many' and OperationName eq '*'", {"few/ChatCompletions_Create": 1}),
        ("ModelDeploymentName sw 'ma'", {"many": 4}),
        ("ModelName eq '*' and Region eq '*'", {"gpt-4o/swedencentral": 5}),
        ("ModelDeploymentName eq 'it''s'", {}),
        (None, {"": 5}),
    ],
)
def test_a_filter_splits_and_selects(
    metrics: MetricsClient, busy: EmulatorProcess, wanted: str | None, expected: dict[str, float]
) -> None:
    assert totals(chart(metrics, busy, filter=wanted)) == expected


def test_the_busiest_come_first_and_no_more_than_asked_for(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    assert totals(chart(metrics, busy, order_by="sum desc", max_results=1)) == {"many": 4}
    assert totals(chart(metrics, busy, order_by="sum asc", max_results=1)) == {"few": 1}


def test_a_dimension_can_be_rolled_up(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    assert totals(chart(metrics, busy, filter=SPLIT, roll_up_by="ModelDeploymentName")) == {"200": 4, "400": 1}


def test_tokens_are_counted_of_answered_calls(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    names = ["ProcessedPromptTokens", "GeneratedTokens", "TokenTransaction", "TotalTokens"]
    answer = chart(metrics, busy, metric_names=names)
    prompt, generated, both, total = (totals(answer, name)["many"] for name in names)

    assert prompt > 3 * 85
    assert generated > 0
    assert both == total == prompt + generated


def test_counts_and_averages_are_told_beside_totals(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    query = {"metric_names": ["GeneratedTokens"], "aggregations": ["Total", "Count", "Average"]}
    answer = chart(metrics, busy, filter="ModelDeploymentName eq 'many'", granularity=timedelta(days=1), **query)
    points = answer.metrics["GeneratedTokens"].timeseries[0].data  # type: ignore[call-overload]
    called = next(point for point in points if point.count)

    assert called.count == 3
    assert called.average == called.total / 3


def test_every_step_has_a_point(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    now = emulated_now(busy).replace(second=0, microsecond=0)
    span = (now - timedelta(hours=5), now + timedelta(hours=1))
    answer = chart(metrics, busy, timespan=span, filter="ModelDeploymentName eq 'few'")
    points = answer.metrics["AzureOpenAIRequests"].timeseries[0].data  # type: ignore[call-overload]

    assert [point.timestamp for point in points] == [span[0] + timedelta(hours=hour) for hour in range(6)]
    assert answer.granularity == timedelta(hours=1)


def test_more_than_ten_series_are_told_only_when_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, *AT_ONCE) as emulator, managing(emulator) as management, emulator.client() as client:
        for number in range(12):
            management.put(f"base-{number}", *BASE)
            ask(client, f"base-{number}")
        with charting(emulator) as metrics:
            assert len(totals(chart(metrics, emulator))) == 10
            assert len(totals(chart(metrics, emulator, max_results=50))) == 12


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"granularity": timedelta(minutes=3)}, "Invalid time grain duration: PT3M, supported ones are: 00:01:00"),
        ({"granularity": timedelta(days=7)}, "Invalid time grain duration"),
        ({"timespan": timedelta(days=94)}, "longer than the 93 days"),
        ({"timespan": timedelta(days=90), "granularity": timedelta(minutes=1)}, "more than 50,000 points"),
        ({"metric_names": ["Nope"]}, "metric: Nope, Valid metrics: AzureOpenAIRequests"),
        ({"metric_namespace": "Microsoft.Storage/storageAccounts"}, "metric namespace"),
        ({"aggregations": ["Maximum"]}, "aggregation"),
        ({"filter": "Colour eq '*'"}, "does not support requested dimension combination: colour"),
        ({"filter": "StatusCode = '200'"}, "only conditions of the form"),
        ({"filter": "StatusCode eq '200' or ApiName eq '*'"}, "'or' joins values of one dimension"),
        ({"filter": "StatusCode eq '200' and"}, "Invalid filter"),
        ({"filter": "StatusCode eq '200' xor StatusCode eq '201'"}, "joined by 'and' or 'or'"),
        ({"max_results": 0}, "top"),
        ({"order_by": "sideways"}, "orderby"),
        ({"resource_ids": ["/subscriptions/any-subscription/resourceGroups/g"]}, "resource id"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    metrics: MetricsClient, busy: EmulatorProcess, query: dict[str, Any], reason: str
) -> None:
    with pytest.raises(HttpResponseError, match="BadRequest") as refused:
        chart(metrics, busy, **query)
    assert refused.value.status_code == 400
    assert reason in str(refused.value)


def test_an_account_that_does_not_exist_has_no_metrics(metrics: MetricsClient, busy: EmulatorProcess) -> None:
    with pytest.raises(ResourceNotFoundError):
        chart(metrics, busy, account="nobody")


def test_a_token_for_another_audience_is_refused(busy: EmulatorProcess) -> None:
    with (
        charting(busy, audience="https://management.azure.com") as stranger,
        pytest.raises(ClientAuthenticationError, match="wrong audience"),
    ):
        chart(stranger, busy)


def test_the_arm_path_tells_the_same(busy: EmulatorProcess) -> None:
    now = emulated_now(busy)
    span = f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}/{now + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    told = over_arm(busy, timespan=span, interval="P1D", aggregation="Total", **{"$filter": SPLIT})
    (metric,) = told["value"]
    found = {
        "/".join(each["value"] for each in series["metadatavalues"]): sum(p["total"] for p in series["data"])
        for series in metric["timeseries"]
    }

    assert found == {"few/200": 1, "many/200": 3, "many/400": 1}
    assert metric["name"]["value"] == "AzureOpenAIRequests"
    assert (told["interval"], told["namespace"], told["resourceregion"]) == ("P1D", NAMESPACE, "swedencentral")


def test_the_arm_path_tells_the_last_hour_unless_asked_for_more(busy: EmulatorProcess) -> None:
    start, _, end = over_arm(busy)["timespan"].partition("/")

    assert timedelta(hours=1) <= datetime.fromisoformat(end) - datetime.fromisoformat(start) <= timedelta(minutes=62)


@pytest.mark.parametrize(
    "query",
    [
        {"timespan": "yesterday"},
        {"timespan": "a/b"},
        {"timespan": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"},
        {"interval": "P1Y"},
        {"interval": "PT" + "9" * 400 + "M"},
        {"top": "ten"},
        {"metricnames": ""},
    ],
)
def test_the_arm_path_refuses_without_an_envelope(busy: EmulatorProcess, query: dict[str, str]) -> None:
    with pytest.raises(HTTPError) as refused:
        over_arm(busy, **query)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["code"]) == (400, "BadRequest")


def test_the_asynchronous_client_reads_the_same(busy: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{busy.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    now = emulated_now(busy)

    async def run() -> dict[str, float]:
        async with (
            ManagedIdentityCredential(transport=AsyncioRequestsTransport()) as credential,
            AsyncMetricsClient(busy.address, credential, transport=AsyncioRequestsTransport(), retry_total=0) as client,
        ):
            answers = await client.query_resources(
                resource_ids=[f"{ACCOUNT_ID}/local"],
                metric_namespace=NAMESPACE,
                metric_names=["ModelRequests"],
                timespan=(now - timedelta(days=1), now + timedelta(minutes=1)),
                granularity=timedelta(days=1),
                aggregations=["Total"],
                filter="ModelDeploymentName eq '*'",
                **HTTP,
            )
            return totals(answers[0], "ModelRequests")

    assert asyncio.run(run()) == {"few": 1, "many": 4}


def test_calls_arrive_late_when_a_delay_is_set(tmp_path: Path) -> None:
    options = (*AT_ONCE, "--metrics-delay-seconds", "300")
    with running(tmp_path, *options) as emulator, managing(emulator) as management, emulator.client() as client:
        management.put("base", *BASE)
        ask(client, "base")
        with charting(emulator) as metrics:
            at_once = totals(chart(metrics, emulator))
            forward(emulator, minutes=4)
            soon = totals(chart(metrics, emulator))
            forward(emulator, minutes=2)

            assert (at_once, soon, totals(chart(metrics, emulator))) == ({}, {}, {"base": 1})


def test_an_outage_is_told_and_outlives_a_kill(tmp_path: Path) -> None:
    killed = EmulatorProcess(tmp_path, *AT_ONCE)
    with managing(killed) as management, killed.client() as client:
        management.put("base", *BASE)
        ask(client, "base")
        own(killed, "metrics", {"outage": True})
        killed.kill()
    with running(tmp_path) as restarted, charting(restarted) as metrics:
        with pytest.raises(HttpResponseError, match="ServiceUnavailable"):
            chart(metrics, restarted)
        own(restarted, "metrics", {"outage": "empty"})
        empty = totals(chart(metrics, restarted))
        own(restarted, "metrics", {"outage": False})

        assert (empty, totals(chart(metrics, restarted))) == ({}, {"base": 1})


@pytest.mark.parametrize(
    "body",
    [{}, {"outage": "sometimes"}, {"delay_seconds": -1}, {"delay_seconds": "1"}, {"delay_seconds": 1e99}, {"x": 1}],
)
def test_a_condition_that_makes_no_sense_is_refused(busy: EmulatorProcess, body: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused, match=": 400: "):
        own(busy, "metrics", body)


def test_calls_are_kept_for_93_days(tmp_path: Path) -> None:
    with running(tmp_path, *AT_ONCE) as emulator, managing(emulator) as management, emulator.client() as client:
        management.put("base", *BASE)
        ask(client, "base")
        called = emulated_now(emulator)
        span = {"timespan": (called - timedelta(days=1), called + timedelta(days=1)), "granularity": timedelta(days=1)}
        forward(emulator, days=92)
        with charting(emulator) as metrics:
            kept = totals(chart(metrics, emulator, **span))
            forward(emulator, days=2)

            assert (kept, totals(chart(metrics, emulator, **span))) == ({"base": 1}, {})
