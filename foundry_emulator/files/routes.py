"""The addresses of files."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.files.store import Files
from foundry_emulator.http_answers import in_thread, json_page

_PAGE = 10_000


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
        account = account_of(request).name
        async with request.form() as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise errors.invalid_payload("The field 'file' is required.")
            purpose, expires = str(form.get("purpose", "")), _expires_after(form)
            name = upload.filename or "file"
            return await in_thread(lambda: self._files.create(account, purpose, name, upload.file, expires))

    async def _list(self, request: Request) -> Response:
        ascending = request.query_params.get("order") == "asc"
        purpose = request.query_params.get("purpose")
        items = await run_in_threadpool(self._files.all, account_of(request).name, purpose, ascending=ascending)
        return JSONResponse(json_page(request, items, _PAGE, _PAGE, ends=True))

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.retrieve(account_of(request).name, request.path_params["id"]))

    async def _content(self, request: Request) -> Response:
        path = await run_in_threadpool(self._files.content, account_of(request).name, request.path_params["id"])
        return FileResponse(path, media_type="application/octet-stream")

    async def _delete(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.delete(account_of(request).name, request.path_params["id"]))


def _expires_after(form: FormData) -> int | None:
    """Return the seconds in `expires_after[seconds]` or `expires_after.seconds`; ServiceError 400 if they are none."""
    text = form.get("expires_after[seconds]") or form.get("expires_after.seconds")
    if text is None:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,9}", text):
        raise errors.invalid_payload("expires_after.seconds must be a whole number.")
    return int(text)
