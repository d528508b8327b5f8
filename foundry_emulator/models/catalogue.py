"""The models that exist: base models from a table, and those that jobs have left."""

from dataclasses import dataclass
from typing import Any

from foundry_emulator.state import State

CHECKPOINT_MARK = ":ckpt-step-"


@dataclass(frozen=True)
class BaseModel:
    """A base model as the control plane names it, and what can be done with it."""

    name: str
    version: str
    created_at: int
    max_context_tokens: int
    images: bool
    trainable: bool = True

    @property
    def id(self) -> str:
        """The name that the data plane uses."""
        return f"{self.name}-{self.version}"


BASE_MODELS = (
    BaseModel("gpt-4o", "2024-08-06", created_at=1_722_902_400, max_context_tokens=128_000, images=True),
    BaseModel("gpt-4.1", "2025-04-14", created_at=1_744_588_800, max_context_tokens=1_047_576, images=True),
    BaseModel("gpt-4.1-mini", "2025-04-14", created_at=1_744_588_800, max_context_tokens=1_047_576, images=False),
    BaseModel("gpt-4.1-nano", "2025-04-14", created_at=1_744_588_800, max_context_tokens=1_047_576, images=False),
    BaseModel("gpt-4o-mini", "2024-07-18", created_at=1_721_260_800, max_context_tokens=128_000, images=False),
)
_BY_ID = {model.id: model for model in BASE_MODELS}


@dataclass(frozen=True)
class KnownModel:
    """A model that can be trained further or deployed; *weights* is None for a base model."""

    name: str
    base: BaseModel
    weights: str | None


def base_model(model_id: str) -> BaseModel | None:
    """Return the base model with this data plane id, None if there is none."""
    return _BY_ID.get(model_id)


def base_model_version(name: str, version: str | None) -> BaseModel | None:
    """Return the base model with this control plane name and version, None if there is none."""
    return next((m for m in BASE_MODELS if m.name == name and version in (None, "", m.version)), None)


def trained_model(state: State, account: str, name: str) -> KnownModel | None:
    """Return a fine-tuned model by its name or a checkpoint by its name or id, None if there is none."""
    model, _, step = name.partition(CHECKPOINT_MARK)
    row = state.row(
        "select jobs.base_model, jobs.fine_tuned_model, checkpoints.step, checkpoints.weights"
        " from checkpoints join jobs on jobs.id = checkpoints.job"
        " where jobs.account = ? and jobs.status = 'succeeded'"
        " and (checkpoints.id = ? or (jobs.fine_tuned_model = ? and (? = '' or checkpoints.step = ?)))"
        " order by checkpoints.step desc limit 1",
        account,
        name,
        model,
        step,
        int(step) if step.isdecimal() else -1 if step else 0,
    )
    if row is None:
        return None
    return KnownModel(name, _BY_ID[row["base_model"]], row["weights"])


def fine_tuned_name(job: str, base: str, suffix: str | None) -> str:
    """Return the name of the model that a job makes."""
    name = f"{base}.ft-{job.removeprefix('ftjob-')}"
    return f"{name}-{suffix}" if suffix else name


def list_models(state: State, account: str) -> list[dict[str, Any]]:
    """Return all models, base models first."""
    rows = state.rows(
        "select fine_tuned_model, base_model, finished_at from jobs"
        " where account = ? and status = 'succeeded' order by number",
        account,
    )
    bases = [_body(model.id, model, model.created_at) for model in BASE_MODELS]
    return bases + [
        {**_body(r["fine_tuned_model"], _BY_ID[r["base_model"]], int(r["finished_at"])), "model": r["base_model"]}
        for r in rows
    ]


def _body(model_id: str, base: BaseModel, created_at: int) -> dict[str, Any]:
    return {
        "id": model_id,
        "object": "model",
        "created_at": created_at,
        "status": "succeeded",
        "capabilities": {
            "fine_tune": base.trainable,
            "inference": True,
            "completion": False,
            "chat_completion": True,
            "embeddings": False,
        },
        "lifecycle_status": "generally-available",
    }
