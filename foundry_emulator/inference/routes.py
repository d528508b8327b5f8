"""The addresses under which deployed models answer."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.http_answers import json_body
from foundry_emulator.inference.chat import Chat


class InferenceRoutes:
    """Handlers of questions to deployed models."""

    def __init__(self, plane: DataPlane, chat: Chat) -> None:
        self._plane = plane
        self._chat = chat

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        return [self._plane.route("POST", "/chat/completions", self._complete_chat)]

    async def _complete_chat(self, request: Request) -> Response:
        body = await json_body(request)
        completion, headers = await run_in_threadpool(self._chat.complete, account_of(request).name, body)
        return JSONResponse(completion, headers=headers)
