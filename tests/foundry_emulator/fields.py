"""The fields of every answer, written down from the specifications; `check` says what an answer has wrong.

Where they come from: Azure's `auth2024` and `v1spec` for the data plane, the recorded calls in azure.md, the OpenAI
types for what Azure leaves out, and the ARM and Azure Monitor specifications. An answer may have no other fields.
To add one, write its fields down in `fields_*.py` and name it in FIELDS; `seen.py` says which address answers with it.
"""

from typing import Any

from jsonschema import Draft202012Validator

from tests.foundry_emulator import fields_arm as arm
from tests.foundry_emulator import fields_data as data
from tests.foundry_emulator import fields_inference as inference
from tests.foundry_emulator import fields_own as own
from tests.foundry_emulator.shapes import FLAG, TEXT, Schema, fields, list_of, named, or_null, page_of

FIELDS: dict[str, Schema] = {
    "file": data.FILE,
    "file deleted": data.FILE_DELETED,
    "file list": page_of(data.FILE, ends=True),
    "upload": data.UPLOAD,
    "part": data.PART,
    "job": data.JOB,
    "job list": page_of(data.JOB),
    "event": data.EVENT,
    "event list": page_of(data.EVENT),
    "checkpoint": data.CHECKPOINT,
    "checkpoint list": data.CHECKPOINT_PAGE,
    "checkpoint copy": data.CHECKPOINT_COPY,
    "webhook event": data.WEBHOOK_EVENT,
    "model": data.MODEL,
    "model list": page_of(data.MODEL, more=False),
    "error": data.ERROR,
    "batch": inference.BATCH,
    "batch output line": inference.batch_line(inference.CHAT_COMPLETION, 200),
    "batch error line": inference.batch_line(data.ERROR, 400),
    "batch list": fields(
        {"object": named("list"), "data": list_of(inference.BATCH), "has_more": FLAG},
        {"first_id": or_null(TEXT), "last_id": or_null(TEXT)},
    ),
    "chat completion": inference.CHAT_COMPLETION,
    "response": inference.RESPONSE,
    "chat chunk": inference.CHAT_CHUNK,
    "first chat chunk": inference.FIRST_CHUNK,
    "response deleted": inference.RESPONSE_DELETED,
    "input item list": page_of(inference.INPUT_ITEM, ends=True),
    **inference.RESPONSE_EVENTS,
    "arm error": arm.ARM_ERROR,
    "deployment": arm.DEPLOYMENT,
    "deployment list": arm.arm_list(arm.DEPLOYMENT),
    "operation": arm.OPERATION,
    "account": arm.ACCOUNT,
    "account list": arm.arm_list(arm.ACCOUNT),
    "usage list": arm.arm_list(arm.USAGE),
    "account sku list": arm.arm_list(arm.ACCOUNT_SKU),
    "resource sku list": arm.arm_list(arm.RESOURCE_SKU),
    "deployment sku list": arm.arm_list(arm.DEPLOYMENT_SKU),
    "arm model list": arm.arm_list(arm.ARM_MODEL),
    "location model list": arm.arm_list(arm.LOCATION_MODEL),
    "metrics": arm.METRICS_ANSWER,
    "metrics batch": arm.METRICS_BATCH,
    "monitor error": arm.MONITOR_ERROR,
    "model capacity list": arm.arm_list(arm.MODEL_CAPACITY),
    "token": own.TOKEN,
    "clock": own.CLOCK,
    "model deleted": own.MODEL_DELETED,
    "metrics condition": own.METRICS_CONDITION,
    "reset": own.RESET,
    "fault": own.FAULT,
    "fault ids": own.FAULT_IDS,
    "fault list": own.FAULTS,
    "faults removed": own.FAULTS_REMOVED,
    "webhook": own.WEBHOOK,
    "webhook list": own.WEBHOOKS,
    "histories": own.HISTORIES,
    "meter": own.METER,
    **{f"batch {status}": schema for status, schema in inference.BATCHES.items()},
    **{f"job {status}": schema for status, schema in data.JOBS.items()},
}
_CHECKS = {name: Draft202012Validator(schema) for name, schema in FIELDS.items()}


def problems(name: str, body: Any) -> list[str]:
    """Return what *body* has wrong as the answer called *name* in FIELDS, [] if nothing."""
    name = exactly(name, body)
    found = sorted(_CHECKS[name].iter_errors(body), key=lambda each: list(map(str, each.absolute_path)))
    return [f"{name}{each.json_path[1:]}: {each.message[:600]}" for each in found]


def check(name: str, body: Any) -> None:
    """Fail with everything that *body* has wrong as the answer called *name* in FIELDS."""
    assert problems(name, body) == []


def exactly(name: str, body: Any) -> str:
    """Return the name of the shape of a job or a batch in its status, because what must be absent depends on it."""
    if name not in ("job", "batch") or not isinstance(body, dict):
        return name
    in_status = f"{name} {'running' if body.get('status') == 'pausing' else body.get('status')}"
    return in_status if in_status in FIELDS else name
