"""Model deployments: created, changed and deleted through the control plane, one write at a time."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from foundry_emulator import errors
from foundry_emulator.accounts import Accounts
from foundry_emulator.calls import Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import bodies, deployable, tiers
from foundry_emulator.control_plane.deployable import Deployable
from foundry_emulator.control_plane.deployment_records import Deployment, DeploymentRecords, Span
from foundry_emulator.control_plane.deployment_requests import PutRequest, check_name, parse_patch, parse_put
from foundry_emulator.control_plane.operations import Operations
from foundry_emulator.control_plane.places import Conditions, Place, Written
from foundry_emulator.control_plane.quotas import Held, Quotas
from foundry_emulator.control_plane.retention import Retention
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.settings import DeploymentRules, Durations
from foundry_emulator.state import State

Fails = Callable[[str, str, str], Mapping[str, str] | None]
CheckModel = Callable[[KnownModel], None]
_ALWAYS = Conditions()


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


def none_fails(_account: str, _name: str, _model: str) -> Mapping[str, str] | None:
    """Return None: every model deployment succeeds."""
    return None


def every_model(_model: KnownModel) -> None:
    """Return: every model that exists may be deployed."""


@dataclass(frozen=True)
class ModelDeployments:
    """The model deployments of every account.

    *fails* is asked once for every one that is created, with its account, name and model; a code and a message make it
    end Failed. *check_model* raises ServiceError for a model that exists, but may not be deployed any more.
    """

    state: State
    clock: Clock
    durations: Durations
    calls: Calls
    accounts: Accounts
    rules: DeploymentRules = field(default_factory=DeploymentRules)
    fails: Fails = none_fails
    check_model: CheckModel = every_model

    @cached_property
    def records(self) -> DeploymentRecords:
        """What is kept of them."""
        return DeploymentRecords(self.state)

    @cached_property
    def retention(self) -> Retention:
        """The rules that end idle ones."""
        return Retention(self.records, self.clock, self.calls)

    @cached_property
    def operations(self) -> Operations:
        """The writes that take time."""
        return Operations(self.state, self.clock)

    @cached_property
    def quotas(self) -> Quotas:
        """How much capacity an account may hold."""
        return Quotas(self.rules.quotas)

    def answering(self, account: str, name: str) -> AnsweringDeployment:
        """Return the model deployment that answers under *name*; ServiceError DeploymentNotFound if none does."""
        found = self._find(account, name)
        now = self.clock.now()
        if found is None or found.life.gone_at is not None or found.life.failure or now < found.life.callable_at:
            raise errors.deployment_not_found()
        life = found.life
        span = found.span if found.span.began_at <= now else self.records.serving(life.number, now) or found.span
        model = span.model if span.fine_tuned else span.base_model
        return AnsweringDeployment(
            life.number, life.name, span.capacity, model, span.weights, span.base_model, span.sku
        )

    def put(self, place: Place, name: str, body: dict[str, Any], conditions: Conditions = _ALWAYS) -> Written:
        """Create a model deployment, or put another in its place; ServiceError if it is refused."""
        check_name(name)
        request = parse_put(body)
        with self.state.transaction():
            found = self._writable(place, name, conditions)
            if found is None:
                return self._create(place, name, request)
            if found.life.failure:
                raise errors.arm_failed_state(name)
            if request.sku is None:
                raise errors.arm_properties("The sku of model deployment is not provided.")
            if request.model.name != found.span.model or request.model.version not in ("", found.span.model_version):
                return self._change_model(place, found, request)
            kept = {"tags": _json(request.tags), "kept": json.dumps(request.kept)}
            return self._resize(place, found, request.sku, request.capacity, kept)

    def patch(self, place: Place, name: str, body: dict[str, Any], conditions: Conditions = _ALWAYS) -> Written:
        """Change tags, tier or capacity; ServiceError if that is refused."""
        request = parse_patch(body)
        with self.state.transaction():
            found = self._writable(place, name, conditions)
            if found is None:
                raise errors.arm_deployment_not_found(name)
            if found.life.failure:
                raise errors.arm_failed_state(name)
            kept = {} if request.tags is None else {"tags": _json(request.tags)}
            sku, capacity = request.sku or found.span.sku, request.capacity or found.span.capacity
            return self._resize(place, found, sku, capacity, kept)

    def delete(self, place: Place, name: str, conditions: Conditions = _ALWAYS) -> Written:
        """Delete a model deployment: 200 if it is gone at once, 202 with an operation if not, 204 if there was none."""
        with self.state.transaction():
            found = self._writable(place, name, conditions)
            if found is None:
                return Written(204, None)
            now = self.clock.now()
            if not found.span.fine_tuned:
                self.records.go(found.life.number, now, "deleted")
                return Written(200, None)
            ends_at = now + self.durations.deployment_deletion
            self.records.go(found.life.number, ends_at, "deleted")
            operation = self.operations.begin(place, place.deployment_id(name), ends_at)
        return Written(200, None) if self.rules.without_async_header else Written(202, None, operation)

    def get(self, place: Place, name: str) -> dict[str, Any]:
        """Return one model deployment; ServiceError 404 if there is none."""
        return bodies.body_of(place, self._existing(place, name), self.clock.now())

    def skus(self, place: Place, name: str) -> list[dict[str, Any]]:
        """Return the tier of one model deployment; ServiceError 404 if there is none."""
        return bodies.skus_of(self._existing(place, name))

    def all(self, place: Place) -> list[dict[str, Any]]:
        """Return all model deployments of an account, oldest first."""
        now = self.clock.now()
        return [bodies.body_of(place, each, now) for each in self.living(place.account)]

    def living(self, account: str) -> list[Deployment]:
        """Return the model deployments that an account has now, oldest first, after those that are due have gone."""
        self.retention.settle(account)
        return self.records.living(account, self.clock.now())

    def held(self, account: str) -> list[Held]:
        """Return the capacity that each model deployment of an account holds; a failed one holds its own."""
        return [each.held for each in self.living(account)]

    def _find(self, account: str, name: str) -> Deployment | None:
        found = self.records.find(account, name, self.clock.now())
        return found if found is not None and self.retention.settle_one(found) else None

    def _existing(self, place: Place, name: str) -> Deployment:
        found = self._find(place.account, name)
        if found is None:
            raise errors.arm_deployment_not_found(name)
        return found

    def _writable(self, place: Place, name: str, conditions: Conditions) -> Deployment | None:
        """Return what has *name*; ServiceError 409 while anything is being written, 412 if a condition fails."""
        self.operations.check_quiet(place)
        self.retention.settle(place.account)
        found = self._find(place.account, name)
        if not conditions.hold_for(found.etag(self.clock.now()) if found else None):
            raise errors.arm_precondition_failed()
        return found

    def _create(self, place: Place, name: str, request: PutRequest) -> Written:
        now = self.clock.now()
        sku = request.sku or "Standard"
        model = self._deployable(place.account, request, sku)
        span = model.span(now, sku, request.capacity)
        self._check_room(span, self.records.living(place.account, now))
        told = self.fails(place.account, name, span.model)
        failure = json.dumps(dict(told)) if told is not None else None
        takes_time = span.fine_tuned or failure is not None
        ready = now + self.durations.deployment_creation if takes_time else now
        life = {
            "account": place.account,
            "name": name,
            "resource": place.deployment_id(name),
            "tags": _json(request.tags),
            "kept": json.dumps(request.kept),
            "created_at": now,
            "modified_at": now,
            "deployed_at": now,
            "succeeded_at": ready,
            "callable_at": ready + self.durations.deployment_propagation,
            "failure": failure,
            "etag": str(uuid.uuid4()),
        }
        self.records.add(life, span)
        return self._written(201, place, name, ready if takes_time else None, failure)

    def _change_model(self, place: Place, found: Deployment, request: PutRequest) -> Written:
        """Put another model into a model deployment, which answers with the old one until the new one is there."""
        if not self.rules.allow_model_change and request.model.name != found.span.model:
            raise errors.arm_model_cannot_change()
        if request.capacity != found.span.capacity or request.sku != found.span.sku:
            raise errors.arm_properties("Cannot change capacity and model at the same time for deployment.")
        model = self._deployable(place.account, request, found.span.sku)
        ready = self.clock.now() + self.durations.deployment_creation
        span = model.span(ready, found.span.sku, found.span.capacity)
        others = [each for each in self.records.living(place.account, self.clock.now()) if each != found]
        self._check_room(span, others)
        self.records.add_span(found.life.number, span)
        kept = {"tags": _json(request.tags), "kept": json.dumps(request.kept), "deployed_at": ready}
        self._touch(found, kept)
        return self._written(200, place, found.life.name, ready)

    def _resize(self, place: Place, found: Deployment, sku: str, capacity: int, kept: dict[str, Any]) -> Written:
        span = replace(found.span, sku=sku, capacity=capacity, began_at=self.clock.now())
        tiers.check_change(found.span.sku, sku)
        self._check_region(place.account, span)
        new = capacity if span.quota != found.span.quota else capacity - found.span.capacity
        self.quotas.check(span.quota, new, self.held(place.account))
        if (sku, capacity) != (found.span.sku, found.span.capacity):
            self.records.add_span(found.life.number, span)
        self._touch(found, kept)
        return self._written(200, place, found.life.name)

    def _touch(self, found: Deployment, values: dict[str, Any]) -> None:
        self.records.change(found.life.number, **values, modified_at=self.clock.now(), etag=str(uuid.uuid4()))

    def _written(
        self, status: int, place: Place, name: str, ready: float | None = None, failure: str | None = None
    ) -> Written:
        """Return the outcome of a write, with the operation to follow if it is only *ready* later."""
        operation = self.operations.begin(place, place.deployment_id(name), ready, failure) if ready else None
        followed = None if self.rules.without_async_header else operation
        return Written(status, self.get(place, name), followed)

    def _deployable(self, account: str, request: PutRequest, sku: str) -> Deployable:
        model = deployable.find(self.state, self.accounts, account, request.model)
        self.check_model(model.known)
        model.check_tier(sku)
        self._check_region(account, model.span(0.0, sku, 1))
        return model

    def _check_room(self, span: Span, others: list[Deployment]) -> None:
        deployable.check_room(span, [each.span for each in others])
        self.quotas.check(span.quota, span.capacity, [each.held for each in others])

    def _check_region(self, account: str, span: Span) -> None:
        known = self.accounts.find(account)
        if self.rules.enforce_regions and known is not None and span.fine_tuned:
            deployable.check_region(span, known.region)


def _json(tags: dict[str, str] | None) -> str | None:
    return json.dumps(tags) if tags is not None else None
