"""The fields of the data plane's answers on files, fine-tuning and models, and of its errors."""

from tests.foundry_emulator.fields_inference import INPUT_FILTER
from tests.foundry_emulator.shapes import (
    COUNT,
    FINE_TUNED,
    FLAG,
    HEX,
    ID,
    MODEL_NAME,
    MOMENT,
    NUMBER,
    SHARE,
    TEXT,
    WORDS,
    Schema,
    fields,
    list_of,
    map_of,
    named,
    or_null,
    page_of,
    shaped,
)

# files

FILE = fields(
    {
        "id": ID["file"],
        "object": named("file"),
        "bytes": COUNT,
        "created_at": MOMENT,
        "filename": WORDS,
        "purpose": named(
            "assistants", "batch", "fine-tune", "evals", "assistants_output", "batch_output", "fine-tune-results"
        ),
        "status": named("pending", "running", "processed", "error", "deleted"),
    },
    {"expires_at": MOMENT, "status_details": or_null(WORDS)},
)
FILE_DELETED = fields({"id": ID["file"], "object": named("file"), "deleted": {"const": True}})
UPLOAD_ID = shaped(f"(fine-tune|upload)[-_]{HEX}")
UPLOAD = fields(
    {
        "id": UPLOAD_ID,
        "object": named("upload"),
        "status": named("pending", "completed", "cancelled", "expired"),
        "bytes": COUNT,
        "filename": WORDS,
        "purpose": WORDS,
        "created_at": MOMENT,
        "expires_at": MOMENT,
    },
    {"file": or_null(FILE)},
)
PART = fields(
    {"id": WORDS, "object": named("upload.part"), "created_at": MOMENT, "upload_id": UPLOAD_ID},
    {"azure_block_id": WORDS},
)

# fine-tuning

AUTO_OR_COUNT: Schema = {"anyOf": [{"const": -1}, {"type": "integer", "minimum": 1}]}
AUTO_OR_NUMBER: Schema = {"anyOf": [{"const": -1}, {"type": "number", "exclusiveMinimum": 0}]}
KNOWN_HYPERPARAMETERS = fields(
    {
        "batch_size": {"type": "integer", "minimum": 1},
        "learning_rate_multiplier": {"type": "number", "exclusiveMinimum": 0},
        "n_epochs": {"type": "integer", "minimum": 1, "maximum": 50},
    },
    {"prompt_loss_weight": SHARE},
)
HYPERPARAMETERS = fields(
    {"batch_size": AUTO_OR_COUNT, "learning_rate_multiplier": AUTO_OR_NUMBER, "n_epochs": AUTO_OR_COUNT},
    {"prompt_loss_weight": SHARE},
)
ASKED: Schema = {"anyOf": [named("auto"), NUMBER]}
METHOD = fields(
    {"type": named("supervised")},
    {
        "supervised": fields(
            {},
            {
                "hyperparameters": fields(
                    {}, {"batch_size": ASKED, "learning_rate_multiplier": ASKED, "n_epochs": ASKED}
                )
            },
        )
    },
)
WANDB = fields(
    {"project": WORDS},
    {"name": or_null(TEXT), "entity": or_null(TEXT), "tags": list_of(TEXT)},
)
INTEGRATION = fields({"type": named("wandb"), "wandb": WANDB})
JOB_ERROR = fields({"code": or_null(WORDS), "message": WORDS}, {"param": or_null(TEXT)})


def _job(status: tuple[str, ...], required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the shape of a job; what is in neither list must be absent in that status."""
    return fields(
        {
            "id": ID["ftjob"],
            "object": named("fine_tuning.job"),
            "created_at": MOMENT,
            "model": MODEL_NAME,
            "status": named(*status),
            "training_file": ID["file"],
            "seed": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
            "hyperparameters": HYPERPARAMETERS,
            **required,
        },
        {
            "validation_file": ID["file"],
            "suffix": shaped("[A-Za-z0-9_-]{1,40}"),
            "method": METHOD,
            "metadata": {**map_of({"type": "string", "maxLength": 512}), "maxProperties": 16},
            "integrations": list_of(INTEGRATION, most=5),
            "trainingType": named("standard", "globalStandard", "developerTier"),
            **(optional or {}),
        },
    )


_FINISHED = {"finished_at": MOMENT, "result_files": list_of(ID["file"], most=1)}
JOBS = {
    "pending": _job(("pending",), {"estimated_finish": MOMENT}),
    "running": _job(("running", "pausing"), {"estimated_finish": MOMENT}),
    "paused": _job(("paused",), {"hyperparameters": KNOWN_HYPERPARAMETERS}),
    "succeeded": _job(
        ("succeeded",),
        {
            **_FINISHED,
            "hyperparameters": KNOWN_HYPERPARAMETERS,
            "fine_tuned_model": shaped(FINE_TUNED),
            "trained_tokens": {"type": "integer", "minimum": 1},
            "estimated_finish": MOMENT,
        },
    ),
    "failed": _job(("failed",), {"finished_at": MOMENT, "error": JOB_ERROR, "estimated_finish": MOMENT}),
    "cancelled": _job(
        ("cancelled",),
        {"finished_at": MOMENT, "estimated_finish": MOMENT},
        {"trained_tokens": COUNT},
    ),
}
JOB: Schema = {"oneOf": list(JOBS.values())}
METRICS = {
    "train_loss": NUMBER,
    "train_mean_token_accuracy": SHARE,
    "valid_loss": NUMBER,
    "valid_mean_token_accuracy": SHARE,
    "full_valid_loss": NUMBER,
    "full_valid_mean_token_accuracy": SHARE,
}
STEP_METRICS = fields({"step": {"type": "integer", "minimum": 1}}, METRICS)
_EVENT = {
    "id": ID["ftevent"],
    "object": named("fine_tuning.job.event"),
    "created_at": MOMENT,
    "level": named("info", "warning", "error"),
    "message": WORDS,
}
EVENT: Schema = {
    "oneOf": [
        fields({**_EVENT, "type": named("message")}),
        fields({**_EVENT, "type": named("metrics"), "data": STEP_METRICS}),
    ]
}
CHECKPOINT = fields(
    {
        "id": ID["ftchkpt"],
        "object": named("fine_tuning.job.checkpoint"),
        "created_at": MOMENT,
        "fine_tuned_model_checkpoint": shaped(rf"{FINE_TUNED}(:ckpt-step-\d+)?"),
        "fine_tuning_job_id": ID["ftjob"],
        "step_number": {"type": "integer", "minimum": 1},
        "metrics": STEP_METRICS,
    }
)
CHECKPOINT_PAGE = {**page_of(CHECKPOINT)}
CHECKPOINT_PAGE["properties"] = {**CHECKPOINT_PAGE["properties"], "data": list_of(CHECKPOINT, most=3)}
CHECKPOINT_COPY = fields(
    {
        "checkpointedModelName": shaped(rf"{FINE_TUNED}(:ckpt-step-\d+)?"),
        "fineTuningJobId": ID["ftjob"],
        "copiedAccountDetails": list_of(
            fields(
                {
                    "destinationResourceId": WORDS,
                    "region": WORDS,
                    "status": named("Completed", "Failed", "InProgress"),
                }
            )
        ),
    }
)
WEBHOOK_EVENT = fields(
    {
        "id": shaped(f"evt_{HEX}"),
        "object": named("event"),
        "created_at": MOMENT,
        "type": named("fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled"),
        "data": fields({"id": ID["ftjob"]}),
    }
)

# models

MODEL = fields(
    {
        "id": MODEL_NAME,
        "object": named("model"),
        "created": MOMENT,
        "created_at": MOMENT,
        "owned_by": WORDS,
        "status": named("succeeded"),
        "capabilities": fields(
            dict.fromkeys(("fine_tune", "inference", "completion", "chat_completion", "embeddings"), FLAG)
        ),
        "lifecycle_status": named("preview", "generally-available"),
        "deprecation": fields({"inference": MOMENT}, {"fine_tune": MOMENT}),
    },
    {"model": MODEL_NAME, "fine_tune": ID["ftjob"]},
)

# errors

INNER_ERROR = fields({"code": WORDS}, {"content_filter_result": INPUT_FILTER})
ERROR = fields(
    {
        "error": fields(
            {"code": or_null(WORDS), "message": WORDS},
            {
                "param": or_null(TEXT),
                "type": or_null(TEXT),
                "status": COUNT,
                "innererror": INNER_ERROR,
                "inner_error": INNER_ERROR,
            },
        )
    }
)
