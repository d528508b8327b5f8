"""The emulator's own addresses: its clock, and the managed identity endpoint."""

import sys
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.clock import Clock, ClockError, iso
from foundry_emulator.http_answers import json_body, open_route

_MOST_SHOWN = 100


class OwnControls:
    """Handlers of what Azure does not have under these addresses."""

    def __init__(self, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._gatekeeper = gatekeeper
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            open_route("GET", "/emulator/clock", self._read_clock),
            open_route("PUT", "/emulator/clock", self._set_clock),
            open_route("GET", "/identity/token", self._issue_token),
        ]

    async def _read_clock(self, _request: Request) -> Response:
        return JSONResponse({"now": iso(self._clock.now()), "rate": self._clock.rate})

    async def _set_clock(self, request: Request) -> Response:
        wanted = clock_setting(await json_body(request))
        try:
            await run_in_threadpool(self._clock.set, **wanted)
        except ClockError as problem:
            raise errors.invalid_payload(str(problem)) from problem
        return await self._read_clock(request)

    async def _issue_token(self, request: Request) -> Response:
        return JSONResponse(self._gatekeeper.issue_token(request.headers, request.query_params.get("resource")))


def clock_setting(body: dict[str, Any]) -> dict[str, float]:
    """Return what *body* asks of the clock, as `Clock.set` takes it; ServiceError 400 says what is wrong."""
    unknown = sorted(set(body) - {"now", "forward_seconds", "rate"})
    if unknown or not body or {"now", "forward_seconds"} <= set(body):
        raise errors.invalid_payload(
            f"Give the clock a 'now' or 'forward_seconds', a 'rate', or both, not {sorted(body)}."
        )
    wanted = {"forward" if name == "forward_seconds" else name: body[name] for name in body if name != "now"}
    for name, value in wanted.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
            raise errors.invalid_payload(f"The clock's {name} must be a number, not {repr(value)[:_MOST_SHOWN]}.")
    return {**wanted, "to": _moment(body["now"])} if "now" in body else wanted


def _moment(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as problem:
        raise errors.invalid_payload(f"The clock's now must be an ISO 8601 moment, not {text!r}.") from problem
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
