"""Model deployments as they are kept: their lives, and what each served in every span of its life."""

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from foundry_emulator.control_plane.quotas import Held, QuotaName
from foundry_emulator.models import catalogue
from foundry_emulator.state import State

SCHEMA = """
create table if not exists model_deployments (
    number integer primary key autoincrement, account text not null, name text not null, resource text not null,
    tags text, kept text not null, created_at real not null, modified_at real not null, deployed_at real not null,
    succeeded_at real not null, callable_at real not null, failure text, etag text not null,
    gone_at real, gone_because text);
create unique index if not exists living_model_deployments
    on model_deployments (account, name) where gone_at is null;
create table if not exists deployment_spans (
    deployment integer not null, began_at real not null, sku text not null, capacity integer not null,
    model_format text not null, model text not null, model_version text not null, model_source text, weights text,
    base_model text not null, primary key (deployment, began_at)) without rowid;
"""
_LIVES = "select * from model_deployments join deployment_spans on deployment = number where "
_NEWEST = "began_at = (select max(began_at) from deployment_spans where deployment = number)"
_SERVED_AT = "began_at = (select max(began_at) from deployment_spans where deployment = number and began_at <= ?)"


@dataclass(frozen=True)
class Span:
    """What a model deployment serves from a moment on; *weights* is None for a base model."""

    began_at: float
    sku: str
    capacity: int
    model_format: str
    model: str
    model_version: str
    model_source: str | None
    weights: str | None
    base_model: str

    @property
    def fine_tuned(self) -> bool:
        """Whether the model is fine-tuned."""
        return self.weights is not None

    @property
    def quota(self) -> QuotaName:
        """The quota that its capacity is taken from."""
        base = catalogue.base_model(self.base_model)
        return QuotaName(self.sku, base.name if base else self.base_model, self.fine_tuned)


@dataclass(frozen=True)
class Life:
    """One model deployment from its creation on; *number* tells it from others that had the same name.

    *deployed_at* is when its model was asked for, *succeeded_at* when its creation ends, well or in a *failure*; it
    is being deleted while *gone_at* lies ahead.
    """

    number: int
    account: str
    name: str
    resource: str
    tags: str | None
    kept: str
    created_at: float
    modified_at: float
    deployed_at: float
    succeeded_at: float
    callable_at: float
    failure: str | None
    etag: str
    gone_at: float | None
    gone_because: str | None


@dataclass(frozen=True)
class Deployment:
    """A model deployment with one span of its life, its newest unless asked otherwise."""

    life: Life
    span: Span

    def state(self, now: float) -> str:
        """Return the provisioningState at the moment *now*."""
        if self.life.gone_at is not None:
            return "Deleting"
        if now < self.life.succeeded_at:
            return "Creating"
        if self.life.failure is not None:
            return "Failed"
        return "Updating" if now < self.span.began_at else "Succeeded"

    def etag(self, now: float) -> str:
        """Return what tells this state of it from all others."""
        return f'"{uuid.uuid5(uuid.UUID(self.life.etag), self.state(now))}"'

    @property
    def held(self) -> Held:
        """The capacity that it holds."""
        return Held(self.span.quota, self.span.capacity)


@dataclass(frozen=True)
class DeploymentRecords:
    """Reads and writes model deployments; it decides nothing."""

    state: State

    def find(self, account: str, name: str, now: float) -> Deployment | None:
        """Return the model deployment that has *name* at the moment *now*, None if there is none."""
        found = self._select(
            f"account = ? and name = ? and (gone_at is null or gone_at > ?) and {_NEWEST} order by number desc limit 1",
            account,
            name,
            now,
        )
        return found[0] if found else None

    def serving(self, number: int, now: float) -> Span | None:
        """Return what a model deployment serves at the moment *now*."""
        found = self._select(f"number = ? and {_SERVED_AT}", number, now)
        return found[0].span if found else None

    def living(self, account: str, now: float) -> list[Deployment]:
        """Return the model deployments that an account has at the moment *now*, oldest first."""
        return self._select(
            f"account = ? and (gone_at is null or gone_at > ?) and {_NEWEST} order by number", account, now
        )

    def idle_candidates(self, account: str, deployed_before: float) -> list[Deployment]:
        """Return the living fine-tuned model deployments that are old enough to be taken away."""
        return self._select(
            "account = ? and gone_at is null and failure is null and weights is not null and deployed_at <= ?"
            f" and {_NEWEST} order by number",
            account,
            deployed_before,
        )

    def all(self, account: str | None = None) -> list[Deployment]:
        """Return every model deployment there ever was, of one account or all, oldest first."""
        return self._select(f"(? is null or account = ?) and {_NEWEST} order by number", account, account)

    def spans(self, number: int) -> list[Span]:
        """Return all spans of a model deployment's life, oldest first."""
        rows = self.state.rows("select * from deployment_spans where deployment = ? order by began_at", number)
        return [Span(**{name: row[name] for name in Span.__dataclass_fields__}) for row in rows]

    def add(self, life: dict[str, Any], span: Span) -> int:
        """Keep a new model deployment with its first span; return its number."""
        with self.state.transaction() as database:
            names = ", ".join(life)
            marks = ", ".join(f":{name}" for name in life)
            number = database.execute(f"insert into model_deployments ({names}) values ({marks})", life).lastrowid
        self.add_span(number or 0, span)
        return number or 0

    def add_span(self, number: int, span: Span) -> None:
        """Keep what a model deployment serves from a moment on, in the place of a span that began then."""
        values = {"deployment": number, **asdict(span)}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self.state.transaction() as database:
            database.execute(f"insert or replace into deployment_spans ({names}) values ({marks})", values)

    def change(self, number: int, **values: Any) -> None:
        """Put *values* in the place of those of a model deployment."""
        changes = ", ".join(f"{name} = :{name}" for name in values)
        with self.state.transaction() as database:
            database.execute(
                f"update model_deployments set {changes} where number = :number", values | {"number": number}
            )

    def go(self, number: int, at: float, because: str) -> None:
        """End a model deployment at the moment *at*, unless its end is settled."""
        with self.state.transaction() as database:
            database.execute(
                "update model_deployments set gone_at = ?, gone_because = ? where number = ? and gone_at is null",
                (at, because, number),
            )

    def _select(self, condition: str, *values: object) -> list[Deployment]:
        return [
            Deployment(
                Life(**{name: row[name] for name in Life.__dataclass_fields__}),
                Span(**{name: row[name] for name in Span.__dataclass_fields__}),
            )
            for row in self.state.rows(_LIVES + condition, *values)
        ]
