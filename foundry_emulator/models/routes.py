"""The addresses of models."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.http_answers import in_thread
from foundry_emulator.models import catalogue
from foundry_emulator.state import State


class ModelRoutes:
    """Handlers of models."""

    def __init__(self, plane: DataPlane, state: State) -> None:
        self._plane = plane
        self._state = state

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            self._plane.route("GET", "/models", self._list),
            self._plane.route("GET", "/models/{id}", self._retrieve),
        ]

    async def _list(self, request: Request) -> Response:
        account = account_of(request).name
        return await in_thread(lambda: {"object": "list", "data": catalogue.list_models(self._state, account)})

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._model(account_of(request).name, request.path_params["id"]))

    def _model(self, account: str, name: str) -> dict[str, Any]:
        for model in catalogue.list_models(self._state, account):
            if model["id"] == name:
                return model
        raise errors.not_found("model", name)
