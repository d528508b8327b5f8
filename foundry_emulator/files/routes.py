"""The addresses of files."""

from collections.abc import Iterator
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.files.multipart import receive
from foundry_emulator.files.requests import ALL_PURPOSES, expiry_of_form, new_file
from foundry_emulator.files.store import LARGEST_BYTES, Files
from foundry_emulator.http_answers import cursor_page, in_thread, limit_of

_PAGE = 10_000
_BLOCK = 1 << 20


class FileRoutes:
    """Handlers of files."""

    def __init__(self, plane: DataPlane, files: Files) -> None:
        self._plane = plane
        self._files = files

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            self._plane.route("POST", "/files", self._create),
            self._plane.route("GET", "/files", self._list),
            self._plane.route("GET", "/files/{id}", self._retrieve),
            self._plane.route("GET", "/files/{id}/content", self._content),
            self._plane.route("DELETE", "/files/{id}", self._delete),
        ]

    async def _create(self, request: Request) -> Response:
        with self._files.arrival() as path:
            form = await receive(request, "file", path, LARGEST_BYTES)
            expires_after = expiry_of_form(form.fields)
            new = new_file(account_of(request).name, form.fields.get("purpose"), form.filename, expires_after)
            return await in_thread(lambda: self._files.create(new, path))

    async def _list(self, request: Request) -> Response:
        account, query = account_of(request).name, request.query_params
        order, purpose, after = query.get("order", "desc"), query.get("purpose"), query.get("after")
        if order not in ("asc", "desc"):
            raise errors.invalid_payload(f"The order must be asc or desc, not '{order}'.")
        if purpose is not None and purpose not in ALL_PURPOSES:
            raise errors.invalid_payload(f"The purpose '{purpose}' is not one of {', '.join(sorted(ALL_PURPOSES))}.")
        limit = limit_of(request, _PAGE, _PAGE)
        items = await run_in_threadpool(
            lambda: self._files.page(account, purpose, after, limit + 1, ascending=order == "asc")
        )
        return JSONResponse(cursor_page(items, limit))

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.retrieve(account_of(request).name, request.path_params["id"]))

    async def _content(self, request: Request) -> Response:
        account, file_id = account_of(request).name, request.path_params["id"]
        size, source = await run_in_threadpool(self._files.open_content, account, file_id)
        headers = {"content-length": str(size)}
        return StreamingResponse(_blocks(source), media_type="application/octet-stream", headers=headers)

    async def _delete(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.delete(account_of(request).name, request.path_params["id"]))


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    with source:
        while block := source.read(_BLOCK):
            yield block
