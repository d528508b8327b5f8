"""The emulator's own addresses: its clock, and the managed identity endpoint."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator.auth import Gatekeeper
from foundry_emulator.clock import Clock, iso
from foundry_emulator.http_answers import guarded


class OwnControls:
    """Handlers of what Azure does not have under these addresses."""

    def __init__(self, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._gatekeeper = gatekeeper
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            Route("/emulator/clock", guarded(self._read_clock, _everyone), methods=["GET"]),
            Route("/identity/token", guarded(self._issue_token, _everyone), methods=["GET"]),
        ]

    async def _read_clock(self, _request: Request) -> Response:
        return JSONResponse({"now": iso(self._clock.now())})

    async def _issue_token(self, request: Request) -> Response:
        return JSONResponse(self._gatekeeper.issue_token(request.headers, request.query_params.get("resource")))


def _everyone(_request: Request) -> None:
    """Admit everyone: the token endpoint checks its own header, and the clock is no secret."""
