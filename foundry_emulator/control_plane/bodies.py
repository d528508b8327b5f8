"""Model deployments as the control plane tells them."""

import json
from typing import Any

from foundry_emulator.clock import iso
from foundry_emulator.control_plane.deployment_records import Deployment
from foundry_emulator.control_plane.deployment_requests import LARGEST_CAPACITY
from foundry_emulator.control_plane.places import Place
from foundry_emulator.models import catalogue
from foundry_emulator.models.table import BaseModel

TOKENS_PER_UNIT = 1_000
REQUESTS_PER_UNIT = 6
TOKEN_SECONDS = 60
REQUEST_SECONDS = 10


def body_of(place: Place, deployment: Deployment, now: float) -> dict[str, Any]:
    """Return a model deployment as the control plane tells it."""
    life, span = deployment.life, deployment.span
    model = {"format": span.model_format, "name": span.model, "version": span.model_version}
    body: dict[str, Any] = {
        "id": place.deployment_id(life.name),
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "name": life.name,
        "sku": {"name": span.sku, "capacity": span.capacity},
        "properties": {
            "model": {**model, "source": span.model_source} if span.model_source else model,
            "versionUpgradeOption": "NoAutoUpgrade" if span.fine_tuned else "OnceNewDefaultVersionAvailable",
            "currentCapacity": span.capacity,
            "capabilities": capabilities_of(catalogue.base_model(span.base_model)),
            **json.loads(life.kept),
            "provisioningState": deployment.state(now),
            "rateLimits": rate_limits(span.capacity),
        },
        "systemData": system_data(life.created_at, life.modified_at),
        "etag": deployment.etag(now),
    }
    return {**body, "tags": json.loads(life.tags)} if life.tags else body


def system_data(created_at: float, modified_at: float) -> dict[str, str]:
    """Return who made a resource and changed it last, and when."""
    return {
        "createdBy": "emulator",
        "createdByType": "Application",
        "createdAt": iso(created_at),
        "lastModifiedBy": "emulator",
        "lastModifiedByType": "Application",
        "lastModifiedAt": iso(modified_at),
    }


def rate_limits(capacity: int) -> list[dict[str, Any]]:
    """Return what a capacity allows: 6 requests a minute counted over 10 seconds, 1,000 tokens a minute, per unit."""
    requests = max(1, capacity * REQUESTS_PER_UNIT * REQUEST_SECONDS // 60)
    return [
        {"key": "request", "renewalPeriod": REQUEST_SECONDS, "count": requests},
        {"key": "token", "renewalPeriod": TOKEN_SECONDS, "count": capacity * TOKENS_PER_UNIT},
    ]


def skus_of(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the tier that a model deployment has, with the capacities it may be given."""
    span = deployment.span
    capacity = {"minimum": 1, "maximum": LARGEST_CAPACITY, "step": 1, "default": 1}
    resource_type = "Microsoft.CognitiveServices/accounts/deployments"
    return [{"resourceType": resource_type, "sku": {"name": span.sku, "capacity": span.capacity}, "capacity": capacity}]


def capabilities_of(base: BaseModel | None) -> dict[str, str]:
    """Return what a model that is or was tuned from *base* can do."""
    return {
        "chatCompletion": "true",
        "responses": "true",
        "maxContextToken": str(base.max_context_tokens if base else 0),
        "maxOutputToken": "16384",
    }
