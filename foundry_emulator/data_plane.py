"""What all addresses under /openai/v1 have in common: who may call, and for which account."""

from starlette.requests import Request
from starlette.routing import Route

from foundry_emulator.accounts import Account
from foundry_emulator.addresses import V1
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.http_answers import Handler, guarded


class DataPlane:
    """Makes the routes of the data plane."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    def route(self, method: str, path: str, handler: Handler) -> Route:
        """Return the route that leads *method* on *path* (below /openai/v1) to *handler*, for callers who may."""
        return Route(V1 + path, guarded(handler, self._admit), methods=[method])

    def _admit(self, request: Request) -> None:
        self._gatekeeper.admit_to_data(request.headers, account_of(request))


def account_of(request: Request) -> Account:
    """Return the account that a request is for."""
    account: Account = request.state.account
    return account
