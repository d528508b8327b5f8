"""The addresses of Azure Resource Manager: the account, its model deployments, and their operations."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.accounts import Account, Accounts
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.control_plane.model_deployments import ModelDeployments, Place, Written
from foundry_emulator.files.store import LARGEST_BYTES
from foundry_emulator.fine_tuning.runner import MOST_RUNNING
from foundry_emulator.http_answers import Handler, guarded, in_thread, json_body

PROVIDER = "/providers/Microsoft.CognitiveServices"
ACCOUNT = "/subscriptions/{subscription}/resourceGroups/{group}" + PROVIDER + "/accounts/{account}"
OPERATION = "/subscriptions/{subscription}" + PROVIDER + "/locations/{location}/operationResults/{operation}"
_RETRY_AFTER = {"Retry-After": "1"}


class ControlPlane:
    """Handlers of the control plane."""

    def __init__(self, accounts: Accounts, gatekeeper: Gatekeeper, deployments: ModelDeployments) -> None:
        self._accounts = accounts
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
        self._account(place)
        return place

    def _account(self, place: Place) -> Account:
        account = self._accounts.find(place.account)
        if account is None:
            raise errors.arm_account_not_found(place.account, place.group)
        return account

    def _address(self, request: Request, place: Place) -> str:
        """Return where the account's data plane is: without its name if it is the first one."""
        named = place.account != self._accounts.default.name
        return f"{request.base_url}{place.account}/" if named else str(request.base_url)

    async def _get_account(self, request: Request) -> Response:
        place = self._place(request)
        return JSONResponse(_account_body(place, self._account(place), self._address(request, place)))

    async def _list_deployments(self, request: Request) -> Response:
        place = self._place(request)
        return await in_thread(lambda: {"value": self._deployments.all(place)})

    async def _get_deployment(self, request: Request) -> Response:
        place = self._place(request)
        return await in_thread(lambda: self._deployments.get(place, request.path_params["deployment"]))

    async def _put_deployment(self, request: Request) -> Response:
        place, body = self._place(request), await json_body(request)
        written = await run_in_threadpool(self._deployments.put, place, request.path_params["deployment"], body)
        return self._written(request, place, written)

    async def _delete_deployment(self, request: Request) -> Response:
        place = self._place(request)
        written = await run_in_threadpool(self._deployments.delete, place, request.path_params["deployment"])
        return self._written(request, place, written)

    async def _get_operation(self, request: Request) -> Response:
        operation = request.path_params["operation"]
        body = await run_in_threadpool(self._deployments.operation, operation)
        if body is None:
            raise errors.arm_operation_not_found(operation)
        return JSONResponse(body, headers=_RETRY_AFTER if body["status"] == "Running" else None)

    def _written(self, request: Request, place: Place, written: Written) -> Response:
        headers = self._operation_headers(request, place, written.operation) if written.operation else None
        if written.body is None:
            return Response(status_code=written.status, headers=headers)
        return JSONResponse(written.body, written.status, headers=headers)

    def _operation_headers(self, request: Request, place: Place, operation: str) -> dict[str, str]:
        region = self._account(place).region
        path = OPERATION.format(subscription=place.subscription, location=region, operation=operation)
        version = request.query_params.get("api-version", "2025-09-01")
        address = str(request.base_url).rstrip("/")
        return {"Azure-AsyncOperation": f"{address}{path}?api-version={version}", **_RETRY_AFTER}


def _account_body(place: Place, account: Account, address: str) -> dict[str, Any]:
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
        "location": account.region,
        "sku": {"name": "S0"},
        "properties": {
            "endpoint": address,
            "provisioningState": "Succeeded",
            "capabilities": [{"name": name, "value": value} for name, value in capabilities.items()],
            "endpoints": {"OpenAI Language Model Instance API": address},
            "disableLocalAuth": False,
        },
    }
