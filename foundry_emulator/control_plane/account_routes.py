"""The addresses of accounts in Azure Resource Manager: what they are, may hold and can deploy."""

import re
from collections.abc import Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.accounts import Account
from foundry_emulator.control_plane import account_bodies
from foundry_emulator.control_plane.arm import ACCOUNT, GROUP, LOCATION, SUBSCRIPTION, ResourceManager, arm_page
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.places import PROVIDER, Place
from foundry_emulator.control_plane.quotas import Held
from foundry_emulator.control_plane.tiers import plain_region
from foundry_emulator.models import catalogue
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.models.table import BaseModel

PAGE = 100
_ANY_GROUP = "local"
_NAME_FILTER = re.compile(r"\s*name\.value\s+eq\s+'([^']*)'\s*", re.IGNORECASE)


class AccountRoutes:
    """Handlers of accounts and of what a region offers."""

    def __init__(self, manager: ResourceManager, deployments: ModelDeployments, retirement: Retirement) -> None:
        self._manager = manager
        self._retirement = retirement
        self._deployments = deployments

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        route = self._manager.route
        return [
            route("GET", ACCOUNT, self._get),
            route("GET", f"{GROUP}{PROVIDER}/accounts", self._list),
            route("GET", f"{SUBSCRIPTION}{PROVIDER}/accounts", self._list),
            route("GET", f"{ACCOUNT}/usages", self._usages),
            route("GET", f"{ACCOUNT}/skus", self._skus),
            route("GET", f"{ACCOUNT}/models", self._models),
            route("GET", f"{LOCATION}/usages", self._location_usages),
            route("GET", f"{LOCATION}/models", self._location_models),
            route("GET", f"{LOCATION}/modelCapacities", self._capacities),
            route("GET", f"{SUBSCRIPTION}{PROVIDER}/modelCapacities", self._capacities),
            route("GET", f"{SUBSCRIPTION}{PROVIDER}/skus", self._resource_skus),
        ]

    async def _get(self, request: Request) -> Response:
        place = self._manager.place(request)
        return JSONResponse(self._body(request, place, self._manager.account(place)))

    async def _list(self, request: Request) -> Response:
        subscription = request.path_params["subscription"]
        group = request.path_params.get("group", _ANY_GROUP)
        bodies = [
            self._body(request, Place(subscription, group, account.name), account) for account in self._manager.accounts
        ]
        return JSONResponse(arm_page(request, bodies, PAGE))

    async def _usages(self, request: Request) -> Response:
        held = await run_in_threadpool(self._deployments.held, self._manager.place(request).account)
        return JSONResponse({"value": _filtered(request, self._deployments.quotas.usages(held))})

    async def _skus(self, request: Request) -> Response:
        self._manager.place(request)
        return JSONResponse({"value": account_bodies.account_skus()})

    async def _models(self, request: Request) -> Response:
        place = self._manager.place(request)
        models = await run_in_threadpool(self._models_of, place.account)
        return JSONResponse(arm_page(request, models, PAGE))

    def _models_of(self, account: str) -> list[dict[str, Any]]:
        return account_bodies.account_models(
            catalogue.trained_names(self._deployments.state, account), self._retirement
        )

    async def _location_usages(self, request: Request) -> Response:
        accounts = self._accounts_in(request.path_params["location"])
        held = await run_in_threadpool(self._held_by, accounts)
        return JSONResponse({"value": _filtered(request, self._deployments.quotas.usages(held, len(accounts)))})

    async def _location_models(self, _request: Request) -> Response:
        return JSONResponse({"value": account_bodies.location_models(self._retirement)})

    async def _capacities(self, request: Request) -> Response:
        base = _wanted_model(request)
        location = request.path_params.get("location")
        regions = [location] if location else sorted({account.region for account in self._manager.accounts})
        subscription = request.path_params["subscription"]
        listed = await run_in_threadpool(self._capacities_in, subscription, base, regions) if base else []
        return JSONResponse(arm_page(request, listed, PAGE))

    def _capacities_in(self, subscription: str, base: BaseModel, regions: list[str]) -> list[dict[str, Any]]:
        quotas = self._deployments.quotas
        return [
            capacity
            for region in regions
            for capacity in account_bodies.model_capacities(
                subscription, base, region, quotas, self._held_by(self._accounts_in(region))
            )
        ]

    async def _resource_skus(self, _request: Request) -> Response:
        return JSONResponse({"value": account_bodies.resource_skus(each.region for each in self._manager.accounts)})

    def _body(self, request: Request, place: Place, account: Account) -> dict[str, Any]:
        """Return the account, its data plane's address without its name if it is the first one."""
        named = account.name != self._manager.accounts.default.name
        address = f"{request.base_url}{account.name}/" if named else str(request.base_url)
        return account_bodies.account_body(place, account, address)

    def _accounts_in(self, region: str) -> list[Account]:
        return [each for each in self._manager.accounts if plain_region(each.region) == plain_region(region)]

    def _held_by(self, accounts: Iterable[Account]) -> list[Held]:
        return [held for account in accounts for held in self._deployments.held(account.name)]


def _filtered(request: Request, usages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the usages that `$filter` asks for; ServiceError 400 for a filter other than name.value eq '...'."""
    text = request.query_params.get("$filter")
    if not text:
        return usages
    wanted = _NAME_FILTER.fullmatch(text)
    if wanted is None:
        raise errors.arm_invalid(f"The filter '{text[:200]}' is not of the form name.value eq '...'.")
    return [usage for usage in usages if usage["name"]["value"].lower() == wanted.group(1).lower()]


def _wanted_model(request: Request) -> BaseModel | None:
    missing = [name for name in ("modelFormat", "modelName", "modelVersion") if not request.query_params.get(name)]
    if missing:
        raise errors.arm_invalid(f"The query parameter '{missing[0]}' is required.")
    if request.query_params["modelFormat"] != "OpenAI":
        return None
    return catalogue.base_model_version(request.query_params["modelName"], request.query_params["modelVersion"])
