"""The addresses at which faults are set, read and taken away."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.accounts import Accounts
from foundry_emulator.controls.fault_script import BadScript, check_all
from foundry_emulator.controls.faults import Faults
from foundry_emulator.http_answers import in_thread, open_route


class FaultRoutes:
    """Handlers of faults; like the clock, they are open to everyone."""

    def __init__(self, faults: Faults, accounts: Accounts) -> None:
        self._faults = faults
        self._accounts = frozenset(account.name for account in accounts)

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            open_route("POST", "/emulator/faults", self._add),
            open_route("GET", "/emulator/faults", self._list),
            open_route("DELETE", "/emulator/faults", self._remove_all),
            open_route("GET", "/emulator/faults/{id}", self._retrieve),
            open_route("DELETE", "/emulator/faults/{id}", self._remove),
        ]

    async def _add(self, request: Request) -> Response:
        scripts = self._checked(await request.body())
        return JSONResponse({"ids": await run_in_threadpool(self._faults.add, scripts)}, 201)

    async def _list(self, _request: Request) -> Response:
        return await in_thread(lambda: {"faults": self._faults.all()})

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._faults.one(request.path_params["id"]))

    async def _remove(self, request: Request) -> Response:
        return await in_thread(lambda: {"removed": self._faults.remove(request.path_params["id"])})

    async def _remove_all(self, _request: Request) -> Response:
        return await in_thread(lambda: {"removed": self._faults.remove_all()})

    def _checked(self, content: bytes) -> list[dict[str, Any]]:
        try:
            return check_all(json.loads(content), self._accounts)
        except (ValueError, RecursionError) as problem:
            raise errors.invalid_payload(f"The request body is not valid JSON: {problem}.") from problem
        except BadScript as problem:
            raise errors.invalid_payload(f"The fault script makes no sense: {problem}.") from problem
