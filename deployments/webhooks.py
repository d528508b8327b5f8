"""The address where Azure announces ended jobs: `python -m deployments.webhooks FOLDER HOST PORT`.

Verified announcements leave a mark in the loop's store; what they say of the job is not believed.
"""

import logging
import sys
from pathlib import Path

import openai
import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cloud.connections import store_of
from cloud.errors import CloudError
from cloud.settings import load_settings
from cloud.store import Store
from data_contracts.errors import WrongInput
from deployments.webhook_server import ADDRESS
from tasks.training.announcements import keep_announcement

MOST_BYTES = 64 * 1024
MOST_AT_ONCE = 64
FINE_TUNING = "fine_tuning.job."

logger = logging.getLogger(__name__)


class _Subject(BaseModel):
    id: str


class _Event(BaseModel):
    type: str
    data: _Subject


class WebhookReceiver:
    """Verifies what is posted, and leaves a mark for each announced end of a job of the loop."""

    def __init__(self, store: Store, loop: str, secret: str) -> None:
        """Marks go to *store*, under the name of the *loop*; *secret* is `whsec_` and base64."""
        self._store, self._loop, self._secret = store, loop, secret
        # The client only verifies here; it is never given anything to call.
        self._verifier = openai.OpenAI(api_key="unused", base_url="http://127.0.0.1:9/").webhooks

    def app(self) -> Starlette:
        """The application with its one address."""
        return Starlette(
            routes=[Route(ADDRESS, self._greet, methods=["GET"]), Route(ADDRESS, self._take, methods=["POST"])]
        )

    async def _greet(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("Webhooks of ended fine-tuning jobs are posted here.")

    async def _take(self, request: Request) -> PlainTextResponse:
        body = await _body(request)
        if body is None:
            return PlainTextResponse(f"A webhook has at most {MOST_BYTES:,} bytes.", 413)
        try:
            event = self._verified(body, dict(request.headers))
        except (ValueError, TypeError) as error:  # TypeError: a signature that is not ASCII
            return PlainTextResponse(f"The webhook is not accepted: {error}.", 400)
        if event is not None and event.type.startswith(FINE_TUNING):
            return await self._keep(event.data.id, request.headers["webhook-id"])
        return PlainTextResponse("Nothing here waits for such an event.")

    def _verified(self, body: bytes, headers: dict[str, str]) -> _Event | None:
        """What was posted, None where it is of no kind that we know; ValueError or TypeError when it is not signed."""
        self._verifier.unwrap(body, headers, secret=self._secret)
        try:
            return _Event.model_validate_json(body)
        except ValidationError:
            return None

    async def _keep(self, job: str, webhook: str) -> PlainTextResponse:
        try:
            await run_in_threadpool(keep_announcement, self._store, self._loop, job, webhook)
        except CloudError as error:
            logger.warning("the announced end of %r was not kept: %s", job, error)
            return PlainTextResponse("The store is out of reach; send the webhook again.", 503)
        return PlainTextResponse("Thank you.")


async def _body(request: Request) -> bytes | None:
    """What was sent, None when it is too much; then the rest is not read."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    return bytes(content)


def receiver_of(folder: Path) -> WebhookReceiver:
    """The receiver of the loop in *folder*; raises SettingsUnreadable, and WrongInput without a secret."""
    settings = load_settings(folder)
    if settings.webhook_secret is None:
        raise WrongInput("Webhooks need their secret; set KAIZEN_WEBHOOK_SECRET, or leave following to polling")
    return WebhookReceiver(store_of(settings, folder), settings.loop, settings.webhook_secret.get_secret_value())


def main(folder: Path, host: str, port: int) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        receiver_of(folder.resolve()).app(),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MOST_AT_ONCE,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
