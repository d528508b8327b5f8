"""Stands before the routes and lets a fault strike a request: an error, a reset, a delay, half an answer."""

import asyncio
import json
import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundry_emulator.addresses import again, true_path, whole_body
from foundry_emulator.controls import connections, fault_answers
from foundry_emulator.controls.fault_script import Fault
from foundry_emulator.controls.faults import Faults
from foundry_emulator.http_answers import identified, refused

OWN = "/emulator/"
_ACCOUNT_IN_PATH = re.compile(r"/accounts/([^/]+)")
_DEPLOYMENT_IN_PATH = re.compile(r"/accounts/[^/]+/deployments/([^/]+)")


class FaultGate:
    """Hands every request on, unless a fault strikes it; the emulator's own addresses are never struck."""

    def __init__(self, application: ASGIApp, faults: Faults) -> None:
        self._application = application
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not self._faults.http or scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        path = true_path(scope)
        fault, receive = await self._struck(scope, path, receive)
        if fault is None:
            await self._application(scope, receive, send)
        elif fault.action == "status":
            await self._answer_status(fault, path, scope, receive, send)
        elif fault.action == "reset":
            await self._reset(fault, scope, receive, send)
        elif fault.action == "slow":
            await self._serve_slowly(fault, scope, receive, send)
        else:
            await self._truncate(fault, scope, receive, send)

    async def _struck(self, scope: Scope, path: str, receive: Receive) -> tuple[Fault | None, Receive]:
        """Return the fault that strikes a request, and its body for whoever reads it next."""
        if path.startswith(OWN):
            return None, receive
        facts = _facts(scope, path)
        candidates = [fault for fault in self._faults.http if fault.meets(facts, all_but="deployment")]
        if "deployment" not in facts and any("deployment" in fault.patterns for fault in candidates):
            named, receive = await _model_in_body(scope, receive)
            facts = {**facts, "deployment": named}
        if not any(fault.meets(facts) for fault in candidates):
            return None, receive
        return await run_in_threadpool(self._faults.strike_request, candidates, facts), receive

    async def _answer_status(self, fault: Fault, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.after_work:
            await self._application(scope, receive, _nowhere)
        else:
            await connections.read_to_the_end(receive)
        answer = identified(refused(fault_answers.answer(fault, path)))
        await answer(scope, receive, send)

    async def _reset(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.after_work:
            await self._application(scope, receive, _nowhere)
        else:
            await connections.read_to_the_end(receive)
        connections.reset(send)

    async def _serve_slowly(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if not fault.after_work:
            await asyncio.sleep(fault.value)
            await self._application(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._application(scope, receive, keep)
        await asyncio.sleep(fault.value)
        for message in answer:
            await send(message)

    async def _truncate(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head of an answer that promises the whole body, and at most all but its last byte."""
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))

        await self._application(scope, receive, keep)
        if body:
            await send({**start, "headers": [*_without_length(start), (b"content-length", b"%d" % len(body))]})
            arriving = bytes(body[: min(fault.value, len(body) - 1)])
            await send({"type": "http.response.body", "body": arriving, "more_body": True})
        connections.end(send)


def _facts(scope: Scope, path: str) -> dict[str, tuple[str, ...]]:
    """Return what is known of a request without its body; ARM paths name the account and the model deployment."""
    facts: dict[str, tuple[str, ...]] = {"path": (path,), "method": (scope["method"],)}
    if not fault_answers.is_control_plane(path):
        return {**facts, "account": (scope["state"]["account"].name,)}
    account, deployment = _ACCOUNT_IN_PATH.search(path), _DEPLOYMENT_IN_PATH.search(path)
    facts["account"] = (account.group(1),) if account else ()
    facts["deployment"] = (deployment.group(1),) if deployment else ()
    return facts


async def _model_in_body(scope: Scope, receive: Receive) -> tuple[tuple[str, ...], Receive]:
    """Return the model deployment that a JSON body names, and the same body to read again."""
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not content_type.startswith(b"application/json"):
        return (), receive
    content = await whole_body(receive)
    return _model_of(content), again(content, receive)


def _model_of(content: bytes) -> tuple[str, ...]:
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    model = body.get("model") if isinstance(body, dict) else None
    return (model,) if isinstance(model, str) else ()


def _without_length(start: Message) -> list[tuple[bytes, bytes]]:
    framing = (b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in start.get("headers", []) if name.lower() not in framing]


async def _nowhere(_message: Message) -> None:
    """Drop what would have been answered."""
