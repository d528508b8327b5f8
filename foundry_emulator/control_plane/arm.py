"""What all addresses of Azure Resource Manager have in common: who may call, versions, headers, pages."""

import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.accounts import Account, Accounts
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.control_plane.places import PROVIDER, Conditions, Place
from foundry_emulator.errors import ServiceError
from foundry_emulator.http_answers import Handler, guarded, json_body

SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/{{group}}"
LOCATION = f"{SUBSCRIPTION}{PROVIDER}/locations/{{location}}"
ACCOUNT = f"{GROUP}{PROVIDER}/accounts/{{account}}"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_KIND_OF_CALL = {"GET": "reads", "DELETE": "deletes"}
# what a calm subscription is told: its allowance is filled up again faster than it is used
_REMAINING = {"reads": ("1099", "16499"), "writes": ("799", "11999"), "deletes": ("799", "11999")}
_TENANT = str(uuid.uuid5(uuid.NAMESPACE_URL, "foundry-emulator/tenant"))
_PRINCIPAL = str(uuid.uuid5(uuid.NAMESPACE_URL, "foundry-emulator/principal"))


class ResourceManager:
    """Makes the routes of the control plane and finds the accounts that they name."""

    def __init__(self, accounts: Accounts, gatekeeper: Gatekeeper) -> None:
        self.accounts = accounts
        self._gatekeeper = gatekeeper

    def route(self, method: str, path: str, handler: Handler) -> Route:
        """Return the route that leads *method* on *path* to *handler*, for callers who may; paths go in any case."""
        guarded_handler = guarded(handler, self._admit)

        async def answer(request: Request) -> Response:
            response = await guarded_handler(request)
            response.headers.update(self._headers(request))
            return response

        route = Route(path, answer, methods=[method])
        route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
        return route

    def place(self, request: Request) -> Place:
        """Return the place that the address names; ServiceError 404 if there is no such account."""
        parameters = request.path_params
        return self.place_of(parameters["subscription"], parameters["group"], parameters["account"])

    def place_of(self, subscription: str, group: str, name: str) -> Place:
        """Return the place of the account with this *name*, written in any case; ServiceError 404 if there is none."""
        account = self.accounts.find_in_any_case(name)
        if account is None:
            raise errors.arm_account_not_found(name, group)
        return Place(subscription, group, account.name)

    def account(self, place: Place) -> Account:
        """Return the account at *place*; ServiceError 404 if there is none."""
        account = self.accounts.find(place.account)
        if account is None:
            raise errors.arm_account_not_found(place.account, place.group)
        return account

    def _admit(self, request: Request) -> None:
        self._gatekeeper.admit_to_management(request.headers)
        version = request.query_params.get("api-version")
        if not version:
            raise errors.arm_api_version_missing()
        if not _VERSION.fullmatch(version):
            raise errors.arm_api_version_invalid(version)

    def _headers(self, request: Request) -> dict[str, str]:
        kind = _KIND_OF_CALL.get(request.method, "writes")
        remaining, remaining_global = _REMAINING[kind]
        region = self.accounts.default.region
        return {
            f"x-ms-ratelimit-remaining-subscription-{kind}": remaining,
            f"x-ms-ratelimit-remaining-subscription-global-{kind}": remaining_global,
            "x-ms-operation-identifier": f"tenantId={_TENANT},objectId={_PRINCIPAL}/{region}/{uuid.uuid4()}",
            "x-ms-correlation-request-id": str(uuid.uuid4()),
        }


def conditions_of(request: Request) -> Conditions:
    """Return the conditions in a request's headers."""
    return Conditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


async def arm_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in the request's body; ServiceError InvalidRequestContent for anything else."""
    try:
        return await json_body(request)
    except ServiceError as problem:
        raise errors.arm_invalid(
            f"The request content was invalid and could not be deserialized: '{problem.message}'"
        ) from problem


def arm_page(request: Request, items: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Return the page of *items* that `$skipToken` asks for, with a nextLink if there are more.

    ServiceError 400 for a token that was never given out.
    """
    token = request.query_params.get("$skipToken", "0")
    if not token.isascii() or not token.isdecimal() or len(token) > 9 or int(token) % size:  # noqa: PLR2004
        raise errors.arm_invalid(f"The skip token '{token}' is not valid.")
    begin = int(token)
    page: dict[str, Any] = {"value": items[begin : begin + size]}
    if begin + size >= len(items):
        return page
    return {**page, "nextLink": str(request.url.include_query_params(**{"$skipToken": begin + size}))}
