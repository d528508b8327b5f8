"""Models as callers see them: listed, shown with their dates, deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foundry_emulator import errors
from foundry_emulator.clock import Clock
from foundry_emulator.models import catalogue
from foundry_emulator.models.catalogue import KnownModel
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.models.table import BaseModel
from foundry_emulator.state import State


@dataclass(frozen=True)
class Models:
    """The models of every account; *settle* ends the model deployments of an account that are due."""

    state: State
    clock: Clock
    retirement: Retirement
    settle: Callable[[str], None]

    def all(self, account: str) -> list[dict[str, Any]]:
        """Return base models, then fine-tuned ones, oldest first; checkpoints are not listed."""
        names = catalogue.trained_names(self.state, account)
        tuned = (catalogue.trained_model(self.state, account, name) for name, _ in names)
        bases = [self._body(_base(model)) for model in catalogue.base_models()]
        return bases + [self._body(model) for model in tuned if model is not None]

    def retrieve(self, account: str, name: str) -> dict[str, Any]:
        """Return a base model, a fine-tuned one or a checkpoint; ServiceError 404 if there is none."""
        base = catalogue.base_model(name)
        model = _base(base) if base else catalogue.trained_model(self.state, account, name)
        if model is None:
            raise errors.not_found("model", name)
        return self._body(model)

    def delete(self, account: str, name: str) -> dict[str, Any]:
        """Delete a fine-tuned model with its checkpoints, or a copy; ServiceError if unknown or still deployed."""
        self.settle(account)
        with self.state.transaction() as database:
            job = self.state.row(
                "select id from jobs where account = ? and fine_tuned_model = ? and model_deleted_at is null",
                account,
                name,
            )
            copy = self.state.row("select weights from model_copies where account = ? and name = ?", account, name)
            if job is None and copy is None:
                raise errors.not_found("model", name)
            rows = self.state.rows("select weights from checkpoints where job = ?", job["id"]) if job else [copy]
            weights = [row["weights"] for row in rows if row is not None]
            self._check_unused(account, weights)
            if job:
                database.execute("update jobs set model_deleted_at = ? where id = ?", (self.clock.now(), job["id"]))
            else:
                database.execute("delete from model_copies where account = ? and name = ?", (account, name))
        if job:
            catalogue.remove_unneeded_weights(self.state, weights)
        return {"id": name, "object": "model", "deleted": True}

    def _check_unused(self, account: str, weights: list[str]) -> None:
        users = self.state.rows(
            "select name, weights from deployment_spans join model_deployments on number = deployment"
            " where account = ? and gone_at is null",
            account,
        )
        user = next((row["name"] for row in users if row["weights"] in weights), None)
        if user is not None:
            raise errors.conflict(
                f"Model with a live deployment cannot be deleted: delete the deployment '{user}' first."
            )

    def _body(self, model: KnownModel) -> dict[str, Any]:
        created = int(model.created_at)
        body = {
            "id": model.name,
            "object": "model",
            "created": created,
            "created_at": created,
            "owned_by": "organization-owner" if model.weights else "azure-openai",
            "status": "succeeded",
            "capabilities": {
                "fine_tune": model.base.trainable,
                "inference": True,
                "completion": False,
                "chat_completion": True,
                "embeddings": False,
            },
            "lifecycle_status": "preview" if model.base.preview else "generally-available",
            "deprecation": self._deprecation(model),
        }
        return {**body, "model": model.base.id, "fine_tune": model.job} if model.weights else body

    def _deprecation(self, model: KnownModel) -> dict[str, int]:
        training = self.retirement.training_ends(model.base)
        dates = {"inference": self.retirement.inference_ends(model)}
        return {"fine_tune": training, **dates} if training is not None else dates


def _base(model: BaseModel) -> KnownModel:
    return KnownModel(model.id, model, None, created_at=model.created_at)
