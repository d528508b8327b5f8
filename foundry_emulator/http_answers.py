"""Between HTTP and the services: reading bodies, paging lists, telling errors."""

import json
import logging
import re
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.errors import ServiceError

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
Admission = Callable[[Request], None]


def guarded(handler: Handler, admit: Admission) -> Handler:
    """Return *handler* behind *admit*, with refusals told as JSON and every answer given its request ids."""

    async def answer(request: Request) -> Response:
        try:
            admit(request)
            response = await handler(request)
        except ServiceError as refusal:
            response = refused(refusal)
        except ClientDisconnect:  # nobody is there to read it
            response = refused(errors.connection_lost())
        except (OSError, sqlite3.OperationalError) as problem:  # such as a full disk: nothing was acknowledged
            logger.error("%s %s: %s", request.method, request.url.path, problem)  # noqa: TRY400
            response = refused(errors.cannot_keep(problem))
        return identified(response)

    return answer


def identified(response: Response) -> Response:
    """Return *response* with the request ids that every answer has."""
    request_id = str(uuid.uuid4())
    response.headers["x-request-id"] = request_id
    response.headers["apim-request-id"] = request_id
    response.headers["x-ms-request-id"] = request_id
    return response


def open_route(method: str, path: str, handler: Handler) -> Route:
    """Return the route that leads *method* on *path* to *handler*, for everyone: the emulator's own hold no secrets."""
    return Route(path, guarded(handler, _everyone), methods=[method])


def _everyone(_request: Request) -> None:
    """Admit everyone."""


def refused(refusal: ServiceError) -> Response:
    """Return the answer that tells a refusal, in ASCII: it may quote text that is half a character."""
    content = json.dumps(refusal.body())
    return Response(content, refusal.status, headers=refusal.headers, media_type="application/json")


async def path_not_found(_request: Request, _problem: Exception) -> Response:
    """Answer a path that no service has."""
    return refused(errors.path_not_found())


async def broken(_request: Request, _problem: Exception) -> Response:
    """Answer when the emulator itself has failed; the traceback goes to standard error."""
    return refused(errors.internal_error())


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in the request's body, {} for none; ServiceError 400 for anything else."""
    content = await request.body()
    try:
        parsed = json.loads(content or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise errors.invalid_payload(f"The request body is not valid JSON: {problem}.") from problem
    if not isinstance(parsed, dict):
        raise errors.invalid_payload("The request body must be a JSON object.")
    _check_characters(content, parsed)
    return parsed


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check_characters(content: bytes, parsed: dict[str, Any]) -> None:
    """Return if all text in *parsed* is of whole characters; ServiceError 400 if there is half a pair."""
    if b"\\u" not in content and b"\xed" not in content:
        return
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise errors.invalid_payload(f"The request body is not valid JSON: {problem.reason}.") from problem


async def in_thread(work: Callable[[], Any]) -> JSONResponse:
    """Do blocking *work* beside the event loop and answer with its result."""
    return JSONResponse(await run_in_threadpool(work))


def json_page(request: Request, items: list[dict[str, Any]], default_limit: int, most: int) -> dict[str, Any]:
    """Return the page of *items* that `after` and `limit` ask for; ServiceError 400 for a wrong limit."""
    limit = limit_of(request, default_limit, most)
    after = request.query_params.get("after")
    if after:
        places = [place for place, item in enumerate(items) if item["id"] == after]
        items = items[places[0] + 1 :] if places else []
    shown = items[:limit]
    return {"object": "list", "data": shown, "has_more": len(items) > limit}


def cursor_page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return the first *limit* of *items* as a page that names its ends; one item more says that there are others."""
    shown = items[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(items) > limit,
    }


def limit_of(request: Request, default: int, most: int) -> int:
    """Return how many items the request wants in a page; ServiceError 400 if not from 1 to *most*."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise errors.invalid_payload(f"The limit must be a whole number from 1 to {most}, not '{text}'.")
    return int(text)
