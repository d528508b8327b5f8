"""Every call of the control plane, of metrics and of the emulator itself; `seen.py` hears what is answered."""

from datetime import timedelta
from typing import Any

import httpx2
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.monitor.querymetrics import MetricsClient

from tests.foundry_emulator.azure_clients import ACCOUNT_ID, BASE, HTTP, NAMESPACE, at, wanted_deployment
from tests.foundry_emulator.journey_data import (
    BASE_DEPLOYMENT,
    BATCH_DEPLOYMENT,
    FATED,
    SMALL_DEPLOYMENT,
    TUNED_DEPLOYMENT,
    refused,
)

PLACE = ("group", "local")
REGION = "swedencentral"
FAILING = "fields-failing"
LOCAL = f"{ACCOUNT_ID}/local"


class Controls:
    """The emulator's own addresses, which no official client has."""

    def __init__(self, address: str, http: httpx2.Client) -> None:
        self._root = address
        self._http = http

    def ask(self, method: str, path: str, body: Any = None, **parameters: str) -> Any:
        """Return what an address answers, None if nothing."""
        answer = self._http.request(method, f"{self._root}/emulator/{path}", json=body, params=parameters)
        return answer.json() if answer.content else None

    def identify(self, header: str) -> None:
        """Ask the managed identity endpoint as azure-identity does, whose own call cannot be listened to."""
        asked = {"resource": "https://management.azure.com", "api-version": "2019-08-01"}
        self._http.get(f"{self._root}/identity/token", params=asked, headers={"X-IDENTITY-HEADER": header})

    def forward(self, seconds: float) -> None:
        """Set the clock forward."""
        self.ask("PUT", "clock", {"forward_seconds": seconds})


def on_faults(controls: Controls) -> None:
    """Leave the faults that fail one job and one model deployment."""
    first, second = (
        controls.ask("POST", "faults", {"status": 503, "path": "/nowhere", "count": 1})["ids"][0] for _ in range(2)
    )
    controls.ask("GET", f"faults/{first}")
    controls.ask("DELETE", f"faults/{first}")
    controls.ask("DELETE", f"faults/{first}")
    controls.ask("GET", f"faults/{second}")
    controls.ask("DELETE", "faults")
    controls.ask("POST", "faults", {"nonsense": True})
    scripts = [
        {"job_fails": "data_check", "suffix": FATED},
        {"deployment_fails": True, "deployment": FAILING},
    ]
    controls.ask("POST", "faults", scripts)
    controls.ask("GET", "faults")


def on_webhooks(controls: Controls, url: str, secret: str) -> str:
    """Return the id of the webhook that is kept."""
    kept = controls.ask("POST", "webhooks", {"url": url, "secret": secret})["id"]
    controls.ask("POST", "webhooks", {"url": url})
    controls.ask("GET", "webhooks")
    return str(kept)


def on_accounts(control: Any) -> None:
    control.accounts.get(*PLACE, **HTTP)
    list(control.accounts.list(**HTTP))
    list(control.accounts.list_by_resource_group(PLACE[0], **HTTP))
    control.accounts.list_usages(*PLACE, **HTTP)
    control.accounts.list_skus(*PLACE, **HTTP)
    list(control.accounts.list_models(*PLACE, **HTTP))
    list(control.usages.list(REGION, **HTTP))
    list(control.models.list(REGION, **HTTP))
    list(control.resource_skus.list(**HTTP))
    list(control.model_capacities.list("OpenAI", *BASE, **HTTP))
    list(control.location_based_model_capacities.list(REGION, "OpenAI", *BASE, **HTTP))
    refused(lambda: control.accounts.get(PLACE[0], "nope", **HTTP))
    refused(lambda: control.accounts.list_usages(PLACE[0], "nope", **HTTP))
    refused(lambda: list(control.usages.list(REGION, filter="nonsense", **HTTP)))


def on_deployments(control: Any, fine_tuned: str) -> None:
    """Leave a base and a tuned model deployment, a small and a batch one, and one that has failed."""
    deployments = control.deployments

    def put(name: str, *model: str, **wanted: Any) -> Any:
        return deployments.begin_create_or_update(*PLACE, name, wanted_deployment(*model, **wanted), **HTTP)

    put(BASE_DEPLOYMENT, *BASE, capacity=10_000, tags={"owner": "tests"}).result()
    put(SMALL_DEPLOYMENT, *BASE, capacity=1).result()
    put(BATCH_DEPLOYMENT, *BASE, sku_name="GlobalBatch").result()
    creating = put(TUNED_DEPLOYMENT, fine_tuned, capacity=10_000)
    refused(lambda: put(FAILING, fine_tuned))
    creating.result()
    refused(lambda: put(FAILING, fine_tuned).result())
    refused(lambda: put("fields-much", *BASE, sku_name="Standard", capacity=1_000))
    refused(lambda: put("fields-none", "gpt-nope"))
    for name in (BASE_DEPLOYMENT, TUNED_DEPLOYMENT, FAILING):
        deployments.get(*PLACE, name, **HTTP)
    deployments.begin_update(
        *PLACE, TUNED_DEPLOYMENT, {"tags": {"a": "b"}, "sku": {"capacity": 9_000}}, **HTTP
    ).result()
    list(deployments.list(*PLACE, **HTTP))
    list(deployments.list_skus(*PLACE, TUNED_DEPLOYMENT, **HTTP))
    refused(lambda: deployments.get(*PLACE, "nope", **HTTP))
    refused(lambda: list(deployments.list_skus(*PLACE, "nope", **HTTP)))


def after_deployments(control: Any) -> None:
    for name in (FAILING, TUNED_DEPLOYMENT, BASE_DEPLOYMENT):
        control.deployments.begin_delete(*PLACE, name, **HTTP).result()
        refused(lambda name=name: control.deployments.get(*PLACE, name, **HTTP))  # type: ignore[misc]


def on_metrics(client: MetricsClient, control: CognitiveServicesManagementClient, controls: Controls) -> None:
    """Query both shapes, well and badly, and in an outage."""
    now = at(controls.ask("GET", "clock")["now"])
    span = (now - timedelta(hours=2), now)

    def batch(**query: Any) -> None:
        asked: dict[str, Any] = {
            "metric_names": ["AzureOpenAIRequests", "ProcessedPromptTokens"],
            "timespan": span,
            "granularity": timedelta(minutes=5),
            "aggregations": ["Total", "Count", "Average"],
            "filter": "ModelDeploymentName eq '*'",
            **query,
        }
        client.query_resources(resource_ids=[LOCAL.lower()], metric_namespace=NAMESPACE, **asked, **HTTP)

    def one(**query: str) -> None:
        _metrics_of_account(control, "/".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in span), query)

    for ask in (batch, one):
        ask()
        refused(lambda ask=ask: ask(filter="Nonsense eq '*'"))  # type: ignore[misc]
    batch(metric_names=["AzureOpenAIRequests"], filter="ModelDeploymentName eq '*' and StatusCode eq '*'")
    refused(lambda: one(api_version=""))
    controls.ask("GET", "metrics")
    controls.ask("PUT", "metrics", {"outage": "empty", "delay_seconds": 60})
    batch()
    controls.ask("PUT", "metrics", {"outage": True})
    for ask in (batch, one):
        refused(ask)
    controls.ask("PUT", "metrics", {"outage": "nonsense"})
    controls.ask("PUT", "metrics", {"outage": False, "delay_seconds": 0})


def _metrics_of_account(control: Any, span: str, query: dict[str, str]) -> None:
    """Ask over the ARM path; raise what the client would if it is refused."""
    asked = {"api-version": query.get("api_version", "2024-02-01"), "metricnames": "AzureOpenAIRequests"}
    shown = {"timespan": span, "interval": "PT5M", "aggregation": "Total"}
    filtered = {"$filter": query.get("filter", "ModelDeploymentName eq '*'")}
    address = f"{LOCAL}/providers/Microsoft.Insights/metrics"
    request = HttpRequest("GET", control._client.format_url(address), params={**asked, **shown, **filtered})
    answer = control._client.send_request(request, **HTTP)
    if answer.status_code >= 400:
        raise HttpResponseError(response=answer)


def on_own_addresses(controls: Controls, webhook: str) -> None:
    for header in ("anything", ""):
        controls.identify(header)
    controls.ask("GET", "clock")
    controls.ask("PUT", "clock", {"rate": 0})
    controls.ask("GET", "meter")
    controls.ask("GET", "meter", since="nonsense")
    controls.ask("GET", "model-deployments")
    controls.ask("GET", "webhooks")
    controls.ask("DELETE", f"webhooks/{webhook}")
    controls.ask("DELETE", f"webhooks/{webhook}")


def at_the_end(controls: Controls, fine_tuned: str) -> None:
    """Delete a model and empty everything."""
    controls.ask("DELETE", f"models/{fine_tuned}")
    controls.ask("DELETE", f"models/{fine_tuned}")
    controls.ask("POST", "reset", {"account": "second"})
    controls.ask("POST", "reset", {"account": "nope"})
    controls.ask("POST", "reset")
