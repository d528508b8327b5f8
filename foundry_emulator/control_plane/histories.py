"""Everything that was ever deployed: what it served, what became of it and why."""

from typing import Any

from foundry_emulator.clock import iso
from foundry_emulator.control_plane.deployment_records import Deployment
from foundry_emulator.control_plane.model_deployments import ModelDeployments

HOUR = 3600


def hosted_seconds(deployment: Deployment, since: float, until: float) -> float:
    """Return how long a model deployment was hosted between two moments: from its success until it was gone."""
    life = deployment.life
    if life.failure is not None:
        return 0.0
    ended = until if life.gone_at is None else min(life.gone_at, until)
    return max(0.0, ended - max(life.succeeded_at, since))


def histories(deployments: ModelDeployments, account: str | None) -> list[dict[str, Any]]:
    """Return every model deployment of one account or all, oldest first, after those that are due have gone."""
    for each in deployments.accounts:
        deployments.retention.settle(each.name)
    return [_history(deployments, deployment) for deployment in deployments.records.all(account)]


def _history(deployments: ModelDeployments, deployment: Deployment) -> dict[str, Any]:
    life, span = deployment.life, deployment.span
    now = deployments.clock.now()
    gone = life.gone_at is not None and life.gone_at <= now
    due = None if gone else deployments.retention.due(deployment, now)
    last = deployments.calls.last_completed(life.number)
    return {
        "number": life.number,
        "account": life.account,
        "name": life.name,
        "model": span.model,
        "version": span.model_version,
        "fine_tuned": span.fine_tuned,
        "sku": span.sku,
        "capacity": span.capacity,
        "state": "Gone" if gone else deployment.state(now),
        "created_at": iso(life.created_at),
        "succeeded_at": iso(life.succeeded_at) if life.failure is None and life.succeeded_at <= now else None,
        "gone_at": iso(life.gone_at) if gone and life.gone_at is not None else None,
        "gone_because": life.gone_because if gone else None,
        "due_at": iso(due[0]) if due else None,
        "due_because": due[1] if due else None,
        "last_completed_call_at": iso(last) if last is not None else None,
        "hours_hosted": hosted_seconds(deployment, 0.0, now) / HOUR,
    }
