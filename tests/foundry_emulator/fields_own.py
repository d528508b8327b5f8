"""The fields of what the emulator answers under addresses of its own; its README describes them."""

from tests.foundry_emulator.shapes import (
    COUNT,
    FLAG,
    HEX,
    ID,
    ISO,
    NUMBER,
    TEXT,
    WORDS,
    Schema,
    fields,
    list_of,
    named,
    or_null,
    shaped,
)

AMOUNT: Schema = {"type": "number", "minimum": 0}
TOKEN = fields({"access_token": WORDS, "expires_on": shaped(r"\d+"), "resource": WORDS, "token_type": named("Bearer")})
CLOCK = fields({"now": ISO, "rate": {"type": "number", "exclusiveMinimum": 0}})
MODEL_DELETED = fields({"id": WORDS, "object": named("model"), "deleted": {"const": True}})
METRICS_CONDITION = fields({"outage": {"enum": [True, False, "empty"]}, "delay_seconds": AMOUNT})
RESET = fields({"emptied": list_of(WORDS)})

# faults

_FAULT_ID = shaped(f"fault-{HEX}")
FAULT_IDS = fields({"ids": list_of(_FAULT_ID)})
FAULTS_REMOVED = fields({"removed": COUNT})
FAULT = fields(
    {
        "id": _FAULT_ID,
        "fault": {"type": "object", "minProperties": 1},
        "from": named("file", "request"),
        "matched": COUNT,
        "struck": COUNT,
        "left": or_null(COUNT),
    }
)
FAULTS = fields({"faults": list_of(FAULT)})

# webhooks

WEBHOOK = fields({"id": WORDS, "url": shaped("https?://.+")})
DELIVERY = fields(
    {
        "event": shaped(f"evt_{HEX}"),
        "webhook": WORDS,
        "attempts": COUNT,
        "accepted": FLAG,
        "problem": or_null(WORDS),
    }
)
WEBHOOKS = fields({"webhooks": list_of(WEBHOOK), "deliveries": list_of(DELIVERY)})

# what was ever deployed, and what it all cost

_WHICH = {"account": WORDS, "name": WORDS, "number": COUNT, "model": WORDS, "sku": WORDS}
HISTORIES = fields(
    {
        "value": list_of(
            fields(
                {
                    **_WHICH,
                    "version": WORDS,
                    "fine_tuned": FLAG,
                    "capacity": {"type": "integer", "minimum": 1},
                    "state": named("Creating", "Updating", "Succeeded", "Failed", "Deleting", "Gone"),
                    "created_at": ISO,
                    "hours_hosted": AMOUNT,
                    **dict.fromkeys(("succeeded_at", "gone_at", "due_at", "last_completed_call_at"), or_null(ISO)),
                    **dict.fromkeys(("gone_because", "due_because"), or_null(WORDS)),
                }
            )
        )
    }
)
_JOB_COST = fields(
    {
        "id": ID["ftjob"],
        "account": WORDS,
        "model": WORDS,
        "training_type": or_null(WORDS),
        "status": named("succeeded", "cancelled"),
        "finished_at": ISO,
        "trained_tokens": COUNT,
        "price_per_million_tokens": or_null(AMOUNT),
        "cost": or_null(AMOUNT),
    }
)
_DEPLOYMENT_COST = fields(
    {
        **_WHICH,
        "created_at": ISO,
        "gone_at": or_null(ISO),
        "gone_because": or_null(WORDS),
        "hosting_hours": AMOUNT,
        "hosting_cost": or_null(AMOUNT),
        **dict.fromkeys(("calls", "prompt_tokens", "completion_tokens"), COUNT),
        "inference_cost": or_null(AMOUNT),
    }
)
_UNPRICED: Schema = {
    "oneOf": [
        fields(
            {
                "what": named("training"),
                "job": ID["ftjob"],
                "model": WORDS,
                "training_type": or_null(WORDS),
                "trained_tokens": COUNT,
            }
        ),
        fields({"what": named("hosting"), **_WHICH, "hosting_hours": AMOUNT}),
        fields({"what": named("inference"), **_WHICH, "prompt_tokens": COUNT, "completion_tokens": COUNT}),
    ]
}
METER = fields(
    {
        "currency": shaped("[A-Z]{3}"),
        "prices_as_of": shaped(r"\d{4}-\d\d-\d\d"),
        "price_sources": list_of(TEXT),
        "since": ISO,
        "until": ISO,
        "jobs": list_of(_JOB_COST),
        "model_deployments": list_of(_DEPLOYMENT_COST),
        "totals": fields(dict.fromkeys(("training", "hosting", "inference", "total"), NUMBER)),
        "unpriced": list_of(_UNPRICED),
    }
)
