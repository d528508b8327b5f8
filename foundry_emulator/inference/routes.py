"""The addresses under which deployed models answer."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.http_answers import in_thread, json_body, json_page
from foundry_emulator.inference.chat import Chat
from foundry_emulator.inference.fields import refused
from foundry_emulator.inference.response_store import ResponseStore
from foundry_emulator.inference.responses import Responses

MOST_CUSTOM_HEADERS = 10
_OFTEN_SENT = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "api-key", "authorization", "cache-control", "connection",
        "content-length", "content-type", "cookie", "dnt", "expect", "host", "idempotency-key", "keep-alive", "origin",
        "pragma", "referer", "te", "traceparent", "tracestate", "transfer-encoding", "upgrade", "user-agent", "via",
        "forwarded",
    }
)  # fmt: skip
_OFTEN_SENT_PREFIXES = ("x-stainless-", "x-ms-", "sec-", "x-forwarded-", "openai-")


class InferenceRoutes:
    """Handlers of questions to deployed models."""

    def __init__(self, plane: DataPlane, chat: Chat, responses: Responses) -> None:
        self._plane = plane
        self._chat = chat
        self._responses = responses

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        response = "/responses/{response}"
        return [
            self._plane.route("POST", "/chat/completions", self._complete_chat),
            self._plane.route("POST", "/responses", self._respond),
            self._plane.route("GET", response, self._get_response),
            self._plane.route("DELETE", response, self._delete_response),
            self._plane.route("POST", f"{response}/cancel", self._cancel_response),
            self._plane.route("GET", f"{response}/input_items", self._list_items),
        ]

    async def _complete_chat(self, request: Request) -> Response:
        check_headers(request.headers)
        body = await json_body(request)
        answer = await run_in_threadpool(self._chat.ask, account_of(request).name, body, version_of(request))
        if answer.request.stream:
            return streamed((f"data: {_line(chunk)}\n\n" for chunk in answer.chunks()), answer.headers, done=True)
        return JSONResponse(answer.completion.body(), headers=answer.headers)

    async def _respond(self, request: Request) -> Response:
        check_headers(request.headers)
        body = await json_body(request)
        answer = await run_in_threadpool(self._responses.ask, account_of(request).name, body, version_of(request))
        if answer.told.request.stream:
            events = (f"event: {event['type']}\ndata: {_line(event)}\n\n" for event in answer.told.events())
            return streamed(events, answer.headers, done=False)
        return JSONResponse(answer.told.body(), headers=answer.headers)

    async def _get_response(self, request: Request) -> Response:
        if request.query_params.get("stream", "false").lower() == "true":
            raise refused("stream", "Only responses that were created in the background can be streamed again.")
        return await in_thread(lambda: self._kept.get(account_of(request).name, _name(request)))

    async def _delete_response(self, request: Request) -> Response:
        account, name = account_of(request).name, _name(request)
        await run_in_threadpool(self._kept.delete, account, name)
        return JSONResponse({"id": name, "object": "response", "deleted": True})

    async def _cancel_response(self, request: Request) -> Response:
        await run_in_threadpool(self._kept.get, account_of(request).name, _name(request))
        raise refused("response_id", "Cannot cancel a synchronous response.")

    async def _list_items(self, request: Request) -> Response:
        items = await run_in_threadpool(self._kept.items, account_of(request).name, _name(request))
        oldest_first = request.query_params.get("order", "desc") == "asc"
        ordered = items[::-1] if oldest_first else items
        page = json_page(request, ordered, 20, 100)
        ends = [item["id"] for item in (*page["data"][:1], *page["data"][-1:])] or [None, None]
        return JSONResponse({**page, "first_id": ends[0], "last_id": ends[-1]})

    @property
    def _kept(self) -> ResponseStore:
        return self._responses.store


def version_of(request: Request) -> str:
    """Return which version of the API the caller named."""
    return request.query_params.get("api-version", "v1")


def check_headers(headers: Headers) -> None:
    """Return if there are at most ten headers that no client sends on its own; ServiceError 431 otherwise."""
    custom = {name for name in headers if name not in _OFTEN_SENT and not name.startswith(_OFTEN_SENT_PREFIXES)}
    if len(custom) > MOST_CUSTOM_HEADERS:
        raise errors.too_many_headers(MOST_CUSTOM_HEADERS)


def streamed(events: Iterable[str], headers: dict[str, str], *, done: bool) -> Response:
    """Return *events* as a stream, each sent on its own, with the mark of the end if it is wanted."""

    async def content() -> AsyncIterator[str]:
        for event in events:
            yield event
        if done:
            yield "data: [DONE]\n\n"

    return StreamingResponse(
        content(), media_type="text/event-stream", headers={"Cache-Control": "no-cache", **headers}
    )


def _name(request: Request) -> str:
    name: str = request.path_params["response"]
    return name


def _line(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
