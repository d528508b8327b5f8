"""The addresses of uploads."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.files.multipart import receive
from foundry_emulator.files.store import LARGEST_BYTES
from foundry_emulator.http_answers import in_thread, json_body
from foundry_emulator.uploads.requests import completion, new_upload
from foundry_emulator.uploads.store import Uploads


class UploadRoutes:
    """Handlers of uploads."""

    def __init__(self, plane: DataPlane, uploads: Uploads) -> None:
        self._plane = plane
        self._uploads = uploads

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            self._plane.route("POST", "/uploads", self._create),
            self._plane.route("POST", "/uploads/{id}/parts", self._add_part),
            self._plane.route("POST", "/uploads/{id}/complete", self._complete),
            self._plane.route("POST", "/uploads/{id}/cancel", self._cancel),
        ]

    async def _create(self, request: Request) -> Response:
        new = new_upload(account_of(request).name, await json_body(request))
        return await in_thread(lambda: self._uploads.create(new))

    async def _add_part(self, request: Request) -> Response:
        account, upload = account_of(request).name, request.path_params["id"]
        with self._uploads.arrival() as path:
            await receive(request, "data", path, LARGEST_BYTES)
            return await in_thread(lambda: self._uploads.add_part(account, upload, path))

    async def _complete(self, request: Request) -> Response:
        account, upload = account_of(request).name, request.path_params["id"]
        wanted = completion(await json_body(request))
        return await in_thread(lambda: self._uploads.complete(account, upload, wanted))

    async def _cancel(self, request: Request) -> Response:
        return await in_thread(lambda: self._uploads.cancel(account_of(request).name, request.path_params["id"]))
