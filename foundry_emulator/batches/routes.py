"""The addresses of batches."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator.batches.requests import parse
from foundry_emulator.batches.store import Batches
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.http_answers import cursor_page, in_thread, json_body, limit_of

_PAGE = 20
_LARGEST_PAGE = 100


class BatchRoutes:
    """Handlers of batches."""

    def __init__(self, plane: DataPlane, batches: Batches, endpoints: frozenset[str]) -> None:
        self._plane = plane
        self._batches = batches
        self._endpoints = endpoints

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            self._plane.route("POST", "/batches", self._create),
            self._plane.route("GET", "/batches", self._list),
            self._plane.route("GET", "/batches/{id}", self._retrieve),
            self._plane.route("POST", "/batches/{id}/cancel", self._cancel),
        ]

    async def _create(self, request: Request) -> Response:
        wanted = parse(await json_body(request), self._endpoints)
        return await in_thread(lambda: self._batches.create(account_of(request).name, wanted))

    async def _list(self, request: Request) -> Response:
        limit, after = limit_of(request, _PAGE, _LARGEST_PAGE), request.query_params.get("after")
        items = await run_in_threadpool(self._batches.page, account_of(request).name, after, limit + 1)
        return JSONResponse(cursor_page(items, limit))

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._batches.retrieve(account_of(request).name, request.path_params["id"]))

    async def _cancel(self, request: Request) -> Response:
        return await in_thread(lambda: self._batches.cancel(account_of(request).name, request.path_params["id"]))
