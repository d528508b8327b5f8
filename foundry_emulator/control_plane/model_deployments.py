"""Model deployments: created, changed and deleted through the control plane, one write at a time."""

import json
import uuid
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock, iso
from foundry_emulator.controls.faults import Faults
from foundry_emulator.models import catalogue
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.settings import Durations
from foundry_emulator.state import State

SCHEMA = """
create table if not exists model_deployments (
    number integer primary key autoincrement, account text not null, name text not null,
    resource text not null, sku text not null, capacity integer not null, model text not null,
    model_version text not null, weights text, base_model text not null, tags text,
    created_at real not null, modified_at real not null, succeeded_at real not null,
    callable_at real not null, etag text not null, gone_at real, gone_because text);
create unique index if not exists living_model_deployments
    on model_deployments (account, name) where gone_at is null;
create table if not exists operations (
    id text primary key, account text not null, resource text not null,
    started_at real not null, ends_at real not null);
create table if not exists deployment_failures (
    number integer primary key, account text not null, operation text not null, error text not null);
"""
MOST_FINE_TUNED = 10
TOKENS_PER_UNIT = 1_000
REQUESTS_PER_UNIT = 6
TOKEN_SECONDS = 60
REQUEST_SECONDS = 10
SKUS = {
    name.lower(): name
    for name in ("Standard", "GlobalStandard", "DataZoneStandard", "DeveloperTier", "GlobalBatch", "DataZoneBatch")
}

BATCH_SKUS = ("GlobalBatch", "DataZoneBatch")


@dataclass(frozen=True)
class Place:
    """Where in Azure's tree an account stands, as the caller wrote it."""

    subscription: str
    group: str
    account: str

    @property
    def account_id(self) -> str:
        """The account's resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.CognitiveServices/accounts/{self.account}"
        )


@dataclass(frozen=True)
class Written:
    """The outcome of a write: an HTTP status, a body, and the operation to follow, if it takes time."""

    status: int
    body: dict[str, Any] | None
    operation: str | None = None


@dataclass(frozen=True)
class AnsweringDeployment:
    """A model deployment that answers; *number* tells it from others that had the same name."""

    number: int
    name: str
    capacity: int
    model: str
    weights: str | None
    base: str
    sku: str


@dataclass(frozen=True)
class _Request:
    sku: str
    capacity: int
    model_format: str
    model: str
    version: str
    tags: dict[str, str] | None


@dataclass(frozen=True)
class ModelDeployments:
    """The model deployments of every account."""

    state: State
    clock: Clock
    durations: Durations
    retirement: Retirement
    faults: Faults

    def answering(self, account: str, name: str) -> AnsweringDeployment:
        """Return the model deployment that answers under *name*; ServiceError DeploymentNotFound if none does."""
        row = self._find(account, name)
        if row is None or self.clock.now() < row["callable_at"] or self._failure("number", row["number"]):
            raise errors.deployment_not_found()
        model = row["model"] if row["weights"] else row["base_model"]
        return AnsweringDeployment(
            row["number"], row["name"], row["capacity"], model, row["weights"], row["base_model"], row["sku"]
        )

    def put(self, place: Place, name: str, body: dict[str, Any]) -> Written:
        """Create a model deployment, or change its size and tags; ServiceError if it is refused."""
        request = _parse(body)
        with self.state.transaction():
            self._check_quiet(place)
            row = self._find(place.account, name)
            if row is not None:
                return self._change(place, row, request)
            model = self._model(place.account, request)
            return self._create(place, name, request, model)

    def get(self, place: Place, name: str) -> dict[str, Any]:
        """Return one model deployment; ServiceError 404 if there is none."""
        row = self._find(place.account, name)
        if row is None:
            raise errors.arm_deployment_not_found(name)
        return self._body(place, row)

    def all(self, place: Place) -> list[dict[str, Any]]:
        """Return all model deployments of an account, oldest first."""
        rows = self.state.rows(
            "select * from model_deployments where account = ? and gone_at is null order by number", place.account
        )
        return [self._body(place, row) for row in rows]

    def delete(self, place: Place, name: str) -> Written:
        """Delete a model deployment: 202 with an operation, or 204 if there was none."""
        now = self.clock.now()
        with self.state.transaction() as database:
            self._check_quiet(place)
            gone = database.execute(
                "update model_deployments set gone_at = ?, gone_because = 'deleted'"
                " where account = ? and name = ? and gone_at is null",
                (now, place.account, name),
            ).rowcount
            if not gone:
                return Written(204, None)
            operation = self._operation(place, name, now + self.durations.deployment_deletion)
        return Written(202, None, operation)

    def operation(self, operation: str) -> dict[str, Any] | None:
        """Return how far an operation is, None if there is no such operation."""
        row = self.state.row("select * from operations where id = ?", operation)
        if row is None:
            return None
        body = {"id": row["resource"], "name": row["id"], "startTime": iso(row["started_at"])}
        if self.clock.now() < row["ends_at"]:
            return {**body, "status": "Running"}
        failure = self._failure("operation", operation)
        if failure is not None:
            return {**body, "status": "Failed", "endTime": iso(row["ends_at"]), "error": failure}
        return {**body, "status": "Succeeded", "endTime": iso(row["ends_at"])}

    def _find(self, account: str, name: str) -> Row | None:
        return self.state.row(
            "select * from model_deployments where account = ? and name = ? and gone_at is null", account, name
        )

    def _check_quiet(self, place: Place) -> None:
        busy = self.state.row(
            "select id from operations where account = ? and ends_at > ?", place.account, self.clock.now()
        )
        if busy is not None:
            raise errors.arm_conflict(place.account_id)

    def _model(self, account: str, request: _Request) -> KnownModel:
        base = catalogue.base_model_version(request.model, request.version)
        if base is not None:
            return self._deployable(KnownModel(base.name, base, None))
        known = catalogue.trained_model(self.state, account, request.model)
        if known is None or request.model_format != "OpenAI":
            raise errors.arm_model_not_supported(request.model_format, request.model, request.version)
        self._check_room(account)
        return self._deployable(known)

    def _deployable(self, model: KnownModel) -> KnownModel:
        self.retirement.check_deployment(model)
        return model

    def _check_room(self, account: str) -> None:
        row = self.state.row(
            "select count(*) as n from model_deployments where account = ? and weights is not null and gone_at is null",
            account,
        )
        if row is not None and row["n"] >= MOST_FINE_TUNED:
            raise errors.arm_too_many_deployments(MOST_FINE_TUNED)

    def _create(self, place: Place, name: str, request: _Request, model: KnownModel) -> Written:
        now = self.clock.now()
        failure = self.faults.deployment_failure(place.account, name, request.model)
        ready = now + self.durations.deployment_creation if model.weights or failure else now
        values = {
            "account": place.account,
            "name": name,
            "resource": f"{place.account_id}/deployments/{name}",
            "sku": request.sku,
            "capacity": request.capacity,
            "model": request.model,
            "model_version": request.version or (model.base.version if not model.weights else "1"),
            "weights": model.weights,
            "base_model": model.base.id,
            "tags": json.dumps(request.tags) if request.tags is not None else None,
            "created_at": now,
            "modified_at": now,
            "succeeded_at": ready,
            "callable_at": ready + self.durations.deployment_propagation,
            "etag": _etag(),
        }
        marks = ", ".join(f":{column}" for column in values)
        with self.state.transaction() as database:
            inserted = database.execute(f"insert into model_deployments ({', '.join(values)}) values ({marks})", values)
            operation = self._operation(place, name, ready) if ready > now or failure else None
            if failure:
                failed = (inserted.lastrowid, place.account, operation, json.dumps(failure))
                database.execute("insert into deployment_failures values (?, ?, ?, ?)", failed)
        return Written(201, self.get(place, name), operation)

    def _change(self, place: Place, row: Row, request: _Request) -> Written:
        if request.model != row["model"]:
            raise errors.arm_model_cannot_change()
        tags = json.dumps(request.tags) if request.tags is not None else row["tags"]
        with self.state.transaction() as database:
            database.execute(
                "update model_deployments set sku = ?, capacity = ?, tags = ?, modified_at = ?, etag = ?"
                " where number = ?",
                (request.sku, request.capacity, tags, self.clock.now(), _etag(), row["number"]),
            )
        return Written(200, self.get(place, row["name"]))

    def _operation(self, place: Place, name: str, ends_at: float) -> str:
        operation = str(uuid.uuid4())
        with self.state.transaction() as database:
            database.execute(
                "insert into operations (id, account, resource, started_at, ends_at) values (?, ?, ?, ?, ?)",
                (operation, place.account, f"{place.account_id}/deployments/{name}", self.clock.now(), ends_at),
            )
        return operation

    def _failure(self, column: str, value: object) -> dict[str, str] | None:
        """Return the error of a model deployment, found by its number or operation, None if it did not fail."""
        row = self.state.row(f"select error from deployment_failures where {column} = ?", value)
        failure: dict[str, str] | None = json.loads(row["error"]) if row else None
        return failure

    def _provisioning_state(self, row: Row) -> str:
        if self.clock.now() < row["succeeded_at"]:
            return "Creating"
        return "Failed" if self._failure("number", row["number"]) else "Succeeded"

    def _body(self, place: Place, row: Row) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": f"{place.account_id}/deployments/{row['name']}",
            "type": "Microsoft.CognitiveServices/accounts/deployments",
            "name": row["name"],
            "sku": {"name": row["sku"], "capacity": row["capacity"]},
            "properties": {
                "model": {"format": "OpenAI", "name": row["model"], "version": row["model_version"]},
                "versionUpgradeOption": "NoAutoUpgrade" if row["weights"] else "OnceNewDefaultVersionAvailable",
                "currentCapacity": row["capacity"],
                "capabilities": _capabilities(row["base_model"]),
                "provisioningState": self._provisioning_state(row),
                "rateLimits": rate_limits(row["capacity"]),
            },
            "systemData": {
                "createdBy": "emulator",
                "createdByType": "Application",
                "createdAt": iso(row["created_at"]),
                "lastModifiedBy": "emulator",
                "lastModifiedByType": "Application",
                "lastModifiedAt": iso(row["modified_at"]),
            },
            "etag": row["etag"],
        }
        return {**body, "tags": json.loads(row["tags"])} if row["tags"] else body


def rate_limits(capacity: int) -> list[dict[str, Any]]:
    """Return what a capacity allows: 6 requests a minute counted over 10 seconds, 1,000 tokens a minute, per unit."""
    requests = max(1, capacity * REQUESTS_PER_UNIT * REQUEST_SECONDS // 60)
    return [
        {"key": "request", "renewalPeriod": REQUEST_SECONDS, "count": requests},
        {"key": "token", "renewalPeriod": TOKEN_SECONDS, "count": capacity * TOKENS_PER_UNIT},
    ]


def _capabilities(base_id: str) -> dict[str, str]:
    base = catalogue.base_model(base_id)
    context = base.max_context_tokens if base else 0
    return {
        "chatCompletion": "true",
        "responses": "true",
        "maxContextToken": str(context),
        "maxOutputToken": "16384",
    }


def _parse(body: dict[str, Any]) -> _Request:
    sku = _object(body, "sku")
    model = _object(_object(body, "properties"), "model")
    name = SKUS.get(str(sku.get("name", "Standard")).lower())
    capacity = sku.get("capacity", 1)
    if name is None:
        raise errors.arm_invalid(f"The sku '{sku.get('name')}' is not supported.")
    if not isinstance(capacity, int) or capacity < 1:
        raise errors.arm_invalid(f"The sku capacity must be a positive whole number, not {capacity!r}.")
    if not model.get("name"):
        raise errors.arm_invalid("The properties.model.name is required.")
    return _Request(
        sku=name,
        capacity=capacity,
        model_format=str(model.get("format") or "OpenAI"),
        model=str(model["name"]),
        version=str(model.get("version") or ""),
        tags=_object(body, "tags") if body.get("tags") is not None else None,
    )


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name) or {}
    if not isinstance(value, dict):
        raise errors.arm_invalid(f"The field '{name}' must be an object.")
    return value


def _etag() -> str:
    return f'"{uuid.uuid4()}"'
