"""The addresses of models; Azure has none that deletes one, so that is one of the emulator's own."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.http_answers import in_thread, open_route
from foundry_emulator.models.service import Models


class ModelRoutes:
    """Handlers of models."""

    def __init__(self, plane: DataPlane, models: Models) -> None:
        self._plane = plane
        self._models = models

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            self._plane.route("GET", "/models", self._list),
            self._plane.route("GET", "/models/{id}", self._retrieve),
            open_route("DELETE", "/emulator/models/{id}", self._delete),
        ]

    async def _list(self, request: Request) -> Response:
        account = account_of(request).name
        return await in_thread(lambda: {"object": "list", "data": self._models.all(account)})

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._models.retrieve(account_of(request).name, request.path_params["id"]))

    async def _delete(self, request: Request) -> Response:
        return await in_thread(lambda: self._models.delete(account_of(request).name, request.path_params["id"]))
