"""The official clients of the control plane and of metrics, logged in against an emulator, and its own controls."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from azure.identity import DefaultAzureCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult
from openai import OpenAI

from tests.foundry_emulator.support import TEXTURES, EmulatorProcess, data_url, draw, examples, question, train

SUBSCRIPTION, GROUP, ACCOUNT = "any-subscription", "group", "local"
ACCOUNT_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.CognitiveServices/accounts"
HTTP: dict[str, Any] = {"enforce_https": False}
BASE = ("gpt-4o", "2024-08-06")
NAMESPACE = "Microsoft.CognitiveServices/accounts"


@contextmanager
def logged_in(emulator: EmulatorProcess) -> Iterator[Any]:
    """Yield the credential that finds the emulator's managed identity."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/identity/token")
        patch.setenv("IDENTITY_HEADER", "anything")
        with DefaultAzureCredential() as credential:
            yield credential


class Management:
    """Model deployments of one account, through the official client, which retries nothing."""

    def __init__(self, client: CognitiveServicesManagementClient, account: str = ACCOUNT) -> None:
        # the client's types allow None for everything that a service may leave out
        self.client: Any = client
        self.account = (GROUP, account)

    def put(self, name: str, model: str, version: str | None = "1", **wanted: Any) -> Any:
        """Create or change a model deployment and wait."""
        return self.begin_put(name, model, version, **wanted).result()

    def begin_put(self, name: str, model: str, version: str | None = "1", **wanted: Any) -> Any:
        """Begin to create or change a model deployment."""
        headers = wanted.pop("headers", {})
        body = wanted_deployment(model, version, **wanted)
        return self.client.deployments.begin_create_or_update(*self.account, name, body, headers=headers, **HTTP)

    def patch(self, name: str, body: dict[str, Any], **options: Any) -> Any:
        """Patch tags and sku, and wait."""
        return self.client.deployments.begin_update(*self.account, name, body, **options, **HTTP).result()

    def get(self, name: str) -> Any:
        """Return one model deployment."""
        return self.client.deployments.get(*self.account, name, **HTTP)

    def state(self, name: str) -> str:
        """Return the provisioningState of one model deployment."""
        return str(self.get(name).as_dict()["properties"]["provisioning_state"])

    def names(self) -> list[str]:
        """Return the names of all model deployments."""
        return [str(each.name) for each in self.client.deployments.list(*self.account, **HTTP)]

    def delete(self, name: str) -> None:
        """Delete a model deployment and wait."""
        self.client.deployments.begin_delete(*self.account, name, **HTTP).result()


def wanted_deployment(model: str, version: str | None = "1", **wanted: Any) -> Any:
    """Return the body that asks for a model deployment."""
    reference = {"format": "OpenAI", "name": model, "version": version, "source": wanted.get("source")}
    return {
        "sku": wanted.get(
            "sku", {"name": wanted.get("sku_name", "GlobalStandard"), "capacity": wanted.get("capacity", 100)}
        ),
        "tags": wanted.get("tags"),
        "properties": {
            "model": {name: value for name, value in reference.items() if value is not None},
            **wanted.get("properties", {}),
        },
    }


@contextmanager
def managing(emulator: EmulatorProcess, account: str = ACCOUNT) -> Iterator[Management]:
    """Yield the model deployments of an account of *emulator*."""
    with (
        logged_in(emulator) as credential,
        CognitiveServicesManagementClient(
            credential, SUBSCRIPTION, base_url=emulator.address, polling_interval=0.05, retry_total=0
        ) as client,
    ):
        yield Management(client, account)


@contextmanager
def charting(emulator: EmulatorProcess, **options: Any) -> Iterator[MetricsClient]:
    """Yield the client of metrics."""
    with (
        logged_in(emulator) as credential,
        MetricsClient(emulator.address, credential, retry_total=0, **options) as client,
    ):
        yield client


def chart(client: MetricsClient, emulator: EmulatorProcess, **query: Any) -> MetricsQueryResult:
    """Return the answer to a query of one account, of the emulator's last day unless it says otherwise."""
    now = emulated_now(emulator)
    asked: dict[str, Any] = {
        "resource_ids": [f"{ACCOUNT_ID}/{query.pop('account', ACCOUNT)}".lower()],
        "metric_namespace": NAMESPACE,
        "metric_names": ["AzureOpenAIRequests"],
        "timespan": (now - timedelta(days=1), now + timedelta(minutes=1)),
        "granularity": timedelta(hours=1),
        "aggregations": ["Total"],
        "filter": "ModelDeploymentName eq '*'",
        **HTTP,
        **query,
    }
    return client.query_resources(**asked)[0]


def totals(answer: MetricsQueryResult, metric: str = "AzureOpenAIRequests") -> dict[str, float]:
    """Return the sum of every series, by what it was split by."""
    return {
        "/".join(series.metadata_values.values()): sum(point.total or 0.0 for point in series.data)
        for series in answer.metrics[metric].timeseries  # type: ignore[call-overload]
    }


def own(emulator: EmulatorProcess, path: str, body: Any = None, **parameters: str) -> Any:
    """Return the answer of one of the emulator's own addresses; with a *body* it is put there."""
    path = f"/emulator/{path}?{urlencode(parameters, quote_via=quote)}"
    return emulator.ask("GET" if body is None else "PUT", path, body)


def forward(emulator: EmulatorProcess, **time: float) -> datetime:
    """Set the emulator's clock forward, such as by days=40; return what it shows then."""
    return datetime.fromisoformat(emulator.forward(timedelta(**time).total_seconds())["now"])


def emulated_now(emulator: EmulatorProcess) -> datetime:
    """Return what the emulator's clock shows."""
    return datetime.fromisoformat(emulator.clock()["now"])


def history(emulator: EmulatorProcess, name: str) -> dict[str, Any]:
    """Return what the emulator knows of the last model deployment that had a name."""
    found: dict[str, Any] = [each for each in own(emulator, "model-deployments")["value"] if each["name"] == name][-1]
    return found


def ask(client: OpenAI, name: str, *, url: str | None = None) -> None:
    """Ask a model deployment which texture an image shows."""
    shown = url or data_url(draw(TEXTURES[0], 1))
    client.chat.completions.create(model=name, messages=question(shown), max_tokens=4)


def quick_model(emulator: EmulatorProcess, model: str = "gpt-4o-2024-08-06", **request: Any) -> str:
    """Return the name of a model that was trained for one short epoch."""
    with emulator.client() as client:
        options = {"hyperparameters": {"n_epochs": 1}, **request}
        job = train(client, examples(range(3)), model=model, **options)
    return str(job.fine_tuned_model)


def at(text: str) -> datetime:
    """Return a moment that was told as text."""
    return datetime.fromisoformat(text).astimezone(UTC)
