"""The addresses of metrics: over Azure Resource Manager, in batches, and the emulator's own control of them."""

import re
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.control_plane.arm import ACCOUNT, ResourceManager, arm_body
from foundry_emulator.control_plane.places import Place
from foundry_emulator.http_answers import guarded, json_body, open_route
from foundry_emulator.metrics.problems import MonitorError, bad_query, unavailable
from foundry_emulator.metrics.queries import Query, parse_query
from foundry_emulator.metrics.series import Charts, told
from foundry_emulator.metrics.timespans import parts_of

MOST_RESOURCES = 50
_RESOURCE = re.compile(
    r"/?subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.CognitiveServices/accounts/([^/]+)/?",
    re.IGNORECASE,
)


class MetricRoutes:
    """Handlers of metrics."""

    def __init__(self, manager: ResourceManager, gatekeeper: Gatekeeper, charts: Charts) -> None:
        self._manager = manager
        self._gatekeeper = gatekeeper
        self._charts = charts

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        batch = guarded(self._batch, self._admit_to_batch)
        return [
            self._manager.route("GET", f"{ACCOUNT}/providers/Microsoft.Insights/metrics", self._one),
            Route("/subscriptions/{subscription}/metrics:getBatch", batch, methods=["POST"]),
            open_route("GET", "/emulator/metrics", self._condition),
            open_route("PUT", "/emulator/metrics", self._set_condition),
        ]

    def _admit_to_batch(self, request: Request) -> None:
        self._gatekeeper.admit_to_metrics(request.headers)
        if not request.query_params.get("api-version"):
            raise errors.arm_api_version_missing()

    async def _one(self, request: Request) -> Response:
        place = self._manager.place(request)
        try:
            self._check_outage()
            given = _parameters(request)
            query = parse_query(given, *parts_of(given.get("timespan")), self._charts.clock.now())
            answer = await run_in_threadpool(self._answer, place, place.account_id, query)
        except MonitorError as problem:
            problem.bare = True
            raise
        span = f"{told(query.time.start)}/{told(query.time.end)}"
        return JSONResponse({"cost": (query.time.end - query.time.start) // 60, "timespan": span, **answer})

    async def _batch(self, request: Request) -> Response:
        self._check_outage()
        given = _parameters(request)
        if not given.get("metricnamespace"):
            raise bad_query("The metricnamespace is required.")
        query = parse_query(given, given.get("starttime"), given.get("endtime"), self._charts.clock.now())
        resources = self._resources(request, await arm_body(request))
        answers = [await run_in_threadpool(self._answer, place, named, query) for named, place in resources]
        time = {"starttime": told(query.time.start), "endtime": told(query.time.end)}
        values = [
            {**time, "resourceid": named, **answer} for (named, _), answer in zip(resources, answers, strict=True)
        ]
        return JSONResponse({"values": values})

    def _answer(self, place: Place, resource: str, query: Query) -> dict[str, Any]:
        return self._charts.answer(self._manager.account(place), resource, query)

    def _resources(self, request: Request, body: dict[str, Any]) -> list[tuple[str, Place]]:
        """Return the accounts that a batch asks for, each as it was named; ServiceError 400 or 404 if one cannot be."""
        named = body.get("resourceids")
        if not isinstance(named, list) or not 1 <= len(named) <= MOST_RESOURCES:
            raise bad_query(f"The resourceids must be a list of 1 to {MOST_RESOURCES} resource ids.")
        return [(str(each), self._place(request, str(each))) for each in named]

    def _place(self, request: Request, resource: str) -> Place:
        match = _RESOURCE.fullmatch(resource)
        if match is None:
            raise bad_query(f"The resource id {ascii(resource)[:200]} is not that of a Cognitive Services account.")
        if match.group(1).lower() != request.path_params["subscription"].lower():
            raise bad_query("All resources must be in the subscription that the address names.")
        return self._manager.place_of(*match.groups())

    def _check_outage(self) -> None:
        if self._charts.outages.condition.outage is True:
            raise unavailable()

    async def _condition(self, _request: Request) -> Response:
        return JSONResponse(asdict(self._charts.outages.condition))

    async def _set_condition(self, request: Request) -> Response:
        await run_in_threadpool(self._charts.outages.set, await json_body(request))
        return await self._condition(request)


def _parameters(request: Request) -> dict[str, str]:
    """Return the query's parameters, names in lower case and without the dollar sign of the ARM path."""
    return {name.lower().removeprefix("$"): value for name, value in request.query_params.items()}
