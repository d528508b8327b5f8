"""The address of the meter."""

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.http_answers import open_route
from foundry_emulator.meter.meter import Meter

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class MeterRoutes:
    """Handlers of the meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [open_route("GET", "/emulator/meter", self._bill)]

    async def _bill(self, request: Request) -> Response:
        given = request.query_params
        since, until = _moment("since", given.get("since")), _moment("until", given.get("until"))
        if since is not None and until is not None and since >= until:
            raise errors.invalid_payload("The moment since must be before until.")
        return JSONResponse(await run_in_threadpool(self._meter.bill, given.get("account"), since, until))


def _moment(name: str, text: str | None) -> float | None:
    """Return a moment in seconds since 1970, None from None; ServiceError 400 for what is not ISO 8601."""
    if text is None:
        return None
    try:
        # a plus sign that was not escaped in the address arrives as a space
        parsed = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as problem:
        raise errors.invalid_payload(f"The {name} must be an ISO 8601 moment, not {ascii(text)[:60]}.") from problem
    moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if not _EARLIEST <= moment <= _LATEST:
        raise errors.invalid_payload(f"The {name} must lie between 1970 and 9999, not {ascii(text)[:60]}.")
    return moment.timestamp()
