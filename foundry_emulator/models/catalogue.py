"""The models that exist: base models from a table, and those that jobs have left or that were copied here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from sqlite3 import Row

from foundry_emulator.models.table import OWN_TABLE, BaseModel, read_table
from foundry_emulator.state import State

CHECKPOINT_MARK = ":ckpt-step-"
SCHEMA = """
create table if not exists model_copies (
    account text not null, name text not null, checkpoint text not null, job text not null,
    base_model text not null, weights text not null, created_at real not null, source text not null,
    resource text not null, region text not null, primary key (account, name));
"""
_tables = [OWN_TABLE]
_JOB_IN_NAME = re.compile(r"\.ft-([0-9a-f]{32})(?:-|:|$)")


@dataclass(frozen=True)
class KnownModel:
    """A model that can be trained further or deployed; *weights* is None for a base model."""

    name: str
    base: BaseModel
    weights: str | None
    job: str | None = None
    created_at: float = 0.0


def use(table: Path) -> None:
    """Make the models of *table* the base models of this process, once, before it answers; TableError if it cannot."""
    _tables[:] = [table]
    base_models.cache_clear()
    base_models()


@cache
def base_models() -> tuple[BaseModel, ...]:
    """Return the base models: those of the package's own table, unless another is used."""
    return tuple(read_table(_tables[0]))


def base_model(model_id: str) -> BaseModel | None:
    """Return the base model with this data plane id, None if there is none."""
    return next((model for model in base_models() if model.id == model_id), None)


def base_model_version(name: str, version: str | None) -> BaseModel | None:
    """Return the base model with this control plane name and version, None if there is none."""
    return next((m for m in base_models() if m.name == name and version in (None, "", m.version)), None)


def trained_model(state: State, account: str, name: str) -> KnownModel | None:
    """Return a fine-tuned model by its name or a checkpoint by its name or id, None if there is none.

    A checkpoint counts once its job has succeeded or was paused at it; a deleted model takes its checkpoints along.
    """
    row = _checkpoint(state, account, name) or state.row(
        "select * from model_copies where account = ? and (name = ? or checkpoint = ?)", account, name, name
    )
    base = base_model(row["base_model"]) if row else None
    return KnownModel(name, base, row["weights"], row["job"], row["created_at"]) if row and base else None


def trained_names(state: State, account: str) -> list[tuple[str, str]]:
    """Return the name of each fine-tuned model with its base model's id, oldest first; no checkpoints."""
    rows = state.rows(
        "select fine_tuned_model, base_model from jobs"
        " where account = ? and status = 'succeeded' and model_deleted_at is null order by number",
        account,
    )
    return [(row["fine_tuned_model"], row["base_model"]) for row in rows]


def fine_tuned_name(job: str, base: str, suffix: str | None) -> str:
    """Return the name of the model that a job makes."""
    name = f"{base}.ft-{job.removeprefix('ftjob-')}"
    return f"{name}-{suffix}" if suffix else name


def checkpoint_name(checkpoint: Row) -> str:
    """Return the name of a row of `deployable`: the last of a succeeded job is the model itself."""
    name = fine_tuned_name(checkpoint["job"], checkpoint["base_model"], checkpoint["suffix"])
    final = checkpoint["status"] == "succeeded" and checkpoint["step"] == checkpoint["last_step"]
    return name if final else f"{name}{CHECKPOINT_MARK}{checkpoint['step']}"


def names(checkpoint: Row) -> tuple[str, str]:
    """Return the names by which a row of `deployable` is known; both are the same but for the last checkpoint."""
    model = fine_tuned_name(checkpoint["job"], checkpoint["base_model"], checkpoint["suffix"])
    return checkpoint_name(checkpoint), f"{model}{CHECKPOINT_MARK}{checkpoint['step']}"


def _checkpoint(state: State, account: str, name: str) -> Row | None:
    named = _JOB_IN_NAME.search(name)
    rows = deployable(state, account, f"ftjob-{named.group(1)}" if named else None, name)
    return next((row for row in rows if name in (row["id"], *names(row))), None)


def deployable(state: State, account: str, job: str | None, checkpoint: str) -> list[Row]:
    """Return the usable checkpoints of *job*, or the one that has the id *checkpoint*, newest first."""
    return state.rows(
        "select checkpoints.*, jobs.base_model, jobs.suffix, jobs.status,"
        " (select max(step) from checkpoints as others where others.job = jobs.id) as last_step"
        " from checkpoints join jobs on jobs.id = checkpoints.job"
        " where jobs.account = ? and (jobs.id = ? or checkpoints.id = ?) and jobs.model_deleted_at is null"
        " and (jobs.status = 'succeeded' or (checkpoints.paused and jobs.status != 'failed'))"
        " order by checkpoints.step desc",
        account,
        job,
        checkpoint,
    )


def remove_unneeded_weights(state: State, names: Sequence[str]) -> None:
    """Remove the files of these weights that no model deployment, unfinished job or copy needs."""
    needed = state.rows(
        "select weights from deployment_spans join model_deployments on number = deployment"
        " where gone_at is null and weights is not null"
        " union select weights from model_copies"
        " union select parent_weights from jobs where parent_weights is not null"
        " and status not in ('succeeded', 'failed', 'cancelled')"
    )
    for name in set(names) - {row["weights"] for row in needed}:
        (state.weights / name).unlink(missing_ok=True)
