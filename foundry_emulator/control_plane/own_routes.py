"""The emulator's own address that tells what was ever deployed."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator.control_plane.histories import histories
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.http_answers import open_route


class OwnDeploymentRoutes:
    """Handlers of what Azure does not tell about model deployments."""

    def __init__(self, deployments: ModelDeployments) -> None:
        self._deployments = deployments

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [open_route("GET", "/emulator/model-deployments", self._list)]

    async def _list(self, request: Request) -> Response:
        account = request.query_params.get("account")
        return JSONResponse({"value": await run_in_threadpool(histories, self._deployments, account)})
