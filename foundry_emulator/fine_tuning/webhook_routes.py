"""The emulator's own addresses for webhooks; on Azure they are set up elsewhere."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator.fine_tuning.webhooks import Webhooks
from foundry_emulator.http_answers import in_thread, json_body, open_route


class WebhookRoutes:
    """Handlers of webhooks."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [
            open_route("POST", "/emulator/webhooks", self._add),
            open_route("GET", "/emulator/webhooks", self._list),
            open_route("DELETE", "/emulator/webhooks/{id}", self._remove),
        ]

    async def _add(self, request: Request) -> Response:
        body = await json_body(request)
        return JSONResponse(await run_in_threadpool(self._webhooks.add, body), 201)

    async def _list(self, _request: Request) -> Response:
        return await in_thread(self._webhooks.all)

    async def _remove(self, request: Request) -> Response:
        await run_in_threadpool(self._webhooks.remove, request.path_params["id"])
        return Response(status_code=204)
