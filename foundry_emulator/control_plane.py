"""The addresses of Azure Resource Manager: the account, its model deployments, and their operations."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.files import LARGEST_BYTES
from foundry_emulator.http_answers import Handler, guarded, in_thread, json_body
from foundry_emulator.job_runner import MOST_RUNNING
from foundry_emulator.model_deployments import ModelDeployments, Place, Written

PROVIDER = "/providers/Microsoft.CognitiveServices"
ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}" + PROVIDER + "/accounts/{account}"
OPERATION = "/subscriptions/{subscription}" + PROVIDER + "/locations/{location}/operationResults/{operation}"
_RETRY_AFTER = {"Retry-After": "1"}


class ControlPlane:
    """Handlers of the control plane."""

    def __init__(self, account: str, region: str, gatekeeper: Gatekeeper, deployments: ModelDeployments) -> None:
        self._account = account
        self._region = region
        self._gatekeeper = gatekeeper
        self._deployments = deployments

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        deployment = f"{ACCOUNT}/deployments/{{deployment}}"
        return [
            self._route("GET", ACCOUNT, self._get_account),
            self._route("GET", f"{ACCOUNT}/deployments", self._list_deployments),
            self._route("GET", deployment, self._get_deployment),
            self._route("PUT", deployment, self._put_deployment),
            self._route("DELETE", deployment, self._delete_deployment),
            self._route("GET", OPERATION, self._get_operation),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        return Route(path, guarded(handler, self._admit), methods=[method])

    def _admit(self, request: Request) -> None:
        self._gatekeeper.admit_to_management(request.headers)

    def _place(self, request: Request) -> Place:
        place = Place(*(request.path_params[name] for name in ("subscription", "group", "account")))
        if place.account != self._account:
            raise errors.arm_account_not_found(place.account, place.group)
        return place

    async def _get_account(self, request: Request) -> Response:
        address = str(request.base_url)
        return JSONResponse(_account_body(self._place(request), self._region, address))

    async def _list_deployments(self, request: Request) -> Response:
        place = self._place(request)
        return await in_thread(lambda: {"value": self._deployments.all(place)})

    async def _get_deployment(self, request: Request) -> Response:
        place = self._place(request)
        return await in_thread(lambda: self._deployments.get(place, request.path_params["deployment"]))

    async def _put_deployment(self, request: Request) -> Response:
        place, body = self._place(request), await json_body(request)
        written = await run_in_threadpool(self._deployments.put, place, request.path_params["deployment"], body)
        return self._written(request, written)

    async def _delete_deployment(self, request: Request) -> Response:
        place = self._place(request)
        written = await run_in_threadpool(self._deployments.delete, place, request.path_params["deployment"])
        return self._written(request, written)

    async def _get_operation(self, request: Request) -> Response:
        operation = request.path_params["operation"]
        body = await run_in_threadpool(self._deployments.operation, operation)
        if body is None:
            raise errors.arm_operation_not_found(operation)
        return JSONResponse(body, headers=_RETRY_AFTER if body["status"] == "Running" else None)

    def _written(self, request: Request, written: Written) -> Response:
        headers = self._operation_headers(request, written.operation) if written.operation else None
        if written.body is None:
            return Response(status_code=written.status, headers=headers)
        return JSONResponse(written.body, written.status, headers=headers)

    def _operation_headers(self, request: Request, operation: str) -> dict[str, str]:
        path = OPERATION.format(
            subscription=request.path_params["subscription"], location=self._region, operation=operation
        )
        version = request.query_params.get("api-version", "2025-09-01")
        address = str(request.base_url).rstrip("/")
        return {"Azure-AsyncOperation": f"{address}{path}?api-version={version}", **_RETRY_AFTER}


def _account_body(place: Place, region: str, address: str) -> dict[str, Any]:
    capabilities = {
        "MaxFineTuneCount": "500",
        "MaxRunningFineTuneCount": str(MOST_RUNNING),
        "MaxTrainingFileSize": str(LARGEST_BYTES),
    }
    return {
        "id": place.account_id,
        "name": place.account,
        "type": "Microsoft.CognitiveServices/accounts",
        "kind": "AIServices",
        "location": region,
        "sku": {"name": "S0"},
        "properties": {
            "endpoint": address,
            "provisioningState": "Succeeded",
            "capabilities": [{"name": name, "value": value} for name, value in capabilities.items()],
            "endpoints": {"OpenAI Language Model Instance API": address},
            "disableLocalAuth": False,
        },
    }
