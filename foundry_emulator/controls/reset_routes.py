"""The address at which everything is emptied."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.accounts import Accounts
from foundry_emulator.controls.doors import Doors
from foundry_emulator.controls.reset import Reset
from foundry_emulator.http_answers import json_body, open_route


class ResetRoutes:
    """The handler of the reset; like the clock, it is open to everyone."""

    def __init__(self, reset: Reset, doors: Doors, accounts: Accounts) -> None:
        self._reset = reset
        self._doors = doors
        self._accounts = accounts

    def routes(self) -> list[Route]:
        """Return the address with its handler."""
        return [open_route("POST", "/emulator/reset", self._empty)]

    async def _empty(self, request: Request) -> Response:
        body = await json_body(request)
        account = body.get("account")
        unknown = sorted(set(body) - {"account"})
        if unknown:
            raise errors.invalid_payload(f"A reset takes an 'account' or nothing, not {unknown[0]!r}.")
        names = [each.name for each in self._accounts]
        if account is not None and account not in names:
            raise errors.invalid_payload(f"'account' must be one of {', '.join(names)}, not {account!r}.")
        async with self._doors.shut():
            await run_in_threadpool(self._reset.run, account)
        return JSONResponse({"emptied": [account] if account else names})
