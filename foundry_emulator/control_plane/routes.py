"""The addresses of model deployments in Azure Resource Manager, and of the operations on them."""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.control_plane.arm import ACCOUNT, LOCATION, ResourceManager, arm_body, arm_page, conditions_of
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.places import Conditions, Place, Written
from foundry_emulator.http_answers import in_thread

OPERATION = f"{LOCATION}/operationResults/{{operation}}"
PAGE = 30
_RETRY_AFTER = {"Retry-After": "1"}
Change = Callable[[Place, str, dict[str, Any], Conditions], Written]


class ControlPlane:
    """Handlers of model deployments."""

    def __init__(self, manager: ResourceManager, deployments: ModelDeployments) -> None:
        self._manager = manager
        self._deployments = deployments

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        route = self._manager.route
        deployment = f"{ACCOUNT}/deployments/{{deployment}}"
        return [
            route("GET", f"{ACCOUNT}/deployments", self._list),
            route("GET", deployment, self._get),
            route("PUT", deployment, self._put),
            route("PATCH", deployment, self._patch),
            route("DELETE", deployment, self._delete),
            route("GET", f"{deployment}/skus", self._skus),
            route("GET", OPERATION, self._operation),
        ]

    async def _list(self, request: Request) -> Response:
        place = self._manager.place(request)
        return JSONResponse(arm_page(request, await run_in_threadpool(self._deployments.all, place), PAGE))

    async def _get(self, request: Request) -> Response:
        place = self._manager.place(request)
        body = await run_in_threadpool(self._deployments.get, place, request.path_params["deployment"])
        headers = {"ETag": body["etag"]}
        if not conditions_of(request).hold_for(body["etag"]):
            return Response(status_code=304, headers=headers)
        return JSONResponse(body, headers=headers)

    async def _skus(self, request: Request) -> Response:
        place = self._manager.place(request)
        return await in_thread(lambda: {"value": self._deployments.skus(place, request.path_params["deployment"])})

    async def _put(self, request: Request) -> Response:
        return await self._change(request, self._deployments.put)

    async def _patch(self, request: Request) -> Response:
        return await self._change(request, self._deployments.patch)

    async def _change(self, request: Request, change: Change) -> Response:
        place, body = self._manager.place(request), await arm_body(request)
        name = request.path_params["deployment"]
        written = await run_in_threadpool(change, place, name, body, conditions_of(request))
        return self._written(request, place, written)

    async def _delete(self, request: Request) -> Response:
        place = self._manager.place(request)
        name = request.path_params["deployment"]
        written = await run_in_threadpool(self._deployments.delete, place, name, conditions_of(request))
        return self._written(request, place, written)

    async def _operation(self, request: Request) -> Response:
        operation = request.path_params["operation"]
        body = await run_in_threadpool(self._deployments.operations.told, operation)
        if body is None:
            raise errors.arm_operation_not_found(operation)
        return JSONResponse(body, headers=_RETRY_AFTER if body["status"] == "Running" else None)

    def _written(self, request: Request, place: Place, written: Written) -> Response:
        headers = self._operation_headers(request, place, written.operation) if written.operation else {}
        if written.body is None:
            return Response(status_code=written.status, headers=headers)
        return JSONResponse(written.body, written.status, headers={**headers, "ETag": written.body["etag"]})

    def _operation_headers(self, request: Request, place: Place, operation: str) -> dict[str, str]:
        region = self._manager.account(place).region
        path = OPERATION.format(subscription=place.subscription, location=region, operation=operation)
        address = str(request.base_url).rstrip("/")
        version = request.query_params["api-version"]
        return {"Azure-AsyncOperation": f"{address}{path}?api-version={version}", **_RETRY_AFTER}
