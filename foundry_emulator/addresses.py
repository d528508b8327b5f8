"""One table of routes for all the ways in which Azure's clients write an address.

An account is named by the first part of the path (as in Azurite), or by the first label of the host (as on Azure), or
not at all; a data plane call is written under /openai/v1, or in the dated form that the AzureOpenAI client uses.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundry_emulator import errors
from foundry_emulator.accounts import Accounts
from foundry_emulator.http_answers import refused

V1 = "/openai/v1"
_ROOT = "/openai"
_OF_DEPLOYMENT = re.compile(r"/deployments/([^/]+)(/chat/completions)")


@dataclass(frozen=True)
class Dated:
    """A data plane path in the v1 form, and the model deployment that the dated form had in it."""

    path: str
    deployment: str | None


def undated(path: str) -> Dated | None:
    """Return what a dated path means in the v1 form, None if it is in the v1 form or no data plane path."""
    if not path.startswith(f"{_ROOT}/") or path.startswith(f"{V1}/") or path == V1:
        return None
    rest = path.removeprefix(_ROOT)
    match = _OF_DEPLOYMENT.fullmatch(rest)
    if match:
        return Dated(V1 + match.group(2), unquote(match.group(1)))
    return Dated(V1 + rest, None)


class Addresses:
    """Gives every request its account and its one true path, then hands it on."""

    def __init__(self, application: ASGIApp, accounts: Accounts) -> None:
        self._application = application
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        scope = self._with_account(scope)
        dated = undated(true_path(scope))
        if dated is None:
            await self._application(scope, receive, send)
        elif not parse_qs(scope["query_string"].decode("latin-1")).get("api-version"):
            await refused(errors.path_not_found())(scope, receive, send)
        else:
            receiving = _naming(receive, dated.deployment) if dated.deployment else receive
            await self._application(_moved(scope, dated.path), receiving, send)

    def _with_account(self, scope: Scope) -> Scope:
        first, _, rest = scope["path"].removeprefix("/").partition("/")
        named = self._accounts.find(first) if rest else None
        if named is not None:
            scope = {**scope, "root_path": f"/{quote(first)}"}
        account = named or self._accounts.find(_host_label(scope)) or self._accounts.default
        return {**scope, "state": {**scope.get("state", {}), "account": account}}


def true_path(scope: Scope) -> str:
    """Return the path of a request without the account that it may begin with."""
    path: str = scope["path"]
    return path.removeprefix(unquote(scope.get("root_path", "")))


def _moved(scope: Scope, path: str) -> Scope:
    state = {**scope["state"], "dated": True}
    return {**scope, "path": unquote(scope.get("root_path", "")) + path, "state": state}


def _host_label(scope: Scope) -> str:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return str(host.decode("latin-1").partition(".")[0])


async def whole_body(receive: Receive) -> bytes:
    """Return the body of a request, read to its end."""
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(content)


def again(content: bytes, receive: Receive) -> Receive:
    """Return what gives *content* as the body of the request, then whatever *receive* still has."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return receive_again


def _naming(receive: Receive, deployment: str) -> Receive:
    """Return *receive* with the model deployment of the path put into the body, where the v1 form has it."""
    named: Receive | None = None

    async def receive_named() -> Message:
        nonlocal named
        if named is None:
            named = again(_named(await whole_body(receive), deployment), receive)
        return await named()

    return receive_named


def _named(content: bytes, deployment: str) -> bytes:
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return json.dumps({**body, "model": deployment}).encode() if isinstance(body, dict) else content
