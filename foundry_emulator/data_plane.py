"""The addresses under /openai/v1: files, fine-tuning jobs, models, chat completions."""

import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors, models
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.chat import Chat
from foundry_emulator.clock import Clock
from foundry_emulator.files import Files
from foundry_emulator.http_answers import Handler, guarded, in_thread, json_body, page
from foundry_emulator.jobs import Jobs
from foundry_emulator.state import State

ROOT = "/openai/v1"
_FILE_PAGE = 10_000
_JOB_PAGE, _CHECKPOINT_PAGE, _LARGEST_PAGE = 20, 10, 100


class DataPlane:
    """Handlers of the data plane of one account."""

    def __init__(
        self, *, account: str, gatekeeper: Gatekeeper, clock: Clock, state: State, files: Files, jobs: Jobs, chat: Chat
    ) -> None:
        self._account = account
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._state = state
        self._files = files
        self._jobs = jobs
        self._chat = chat

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        job = "/fine_tuning/jobs/{id}"
        return [
            self._route("POST", "/files", self._create_file),
            self._route("GET", "/files", self._list_files),
            self._route("GET", "/files/{id}", self._retrieve_file),
            self._route("GET", "/files/{id}/content", self._file_content),
            self._route("DELETE", "/files/{id}", self._delete_file),
            self._route("POST", "/fine_tuning/jobs", self._create_job),
            self._route("GET", "/fine_tuning/jobs", self._list_jobs),
            self._route("GET", job, self._retrieve_job),
            self._route("POST", f"{job}/cancel", self._cancel_job),
            self._route("GET", f"{job}/events", self._list_events),
            self._route("GET", f"{job}/checkpoints", self._list_checkpoints),
            self._route("GET", "/models", self._list_models),
            self._route("GET", "/models/{id}", self._retrieve_model),
            self._route("POST", "/chat/completions", self._complete_chat),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        return Route(ROOT + path, guarded(handler, self._admit), methods=[method])

    def _admit(self, request: Request) -> None:
        self._gatekeeper.admit_to_data(request.headers)

    async def _create_file(self, request: Request) -> Response:
        async with request.form() as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise errors.invalid_payload("The field 'file' is required.")
            purpose, expires = str(form.get("purpose", "")), _expires_after(form)
            name = upload.filename or "file"
            return await in_thread(lambda: self._files.create(self._account, purpose, name, upload.file, expires))

    async def _list_files(self, request: Request) -> Response:
        ascending = request.query_params.get("order") == "asc"
        purpose = request.query_params.get("purpose")
        items = await run_in_threadpool(self._files.all, self._account, purpose, ascending=ascending)
        listed = page(request, items, _FILE_PAGE, _FILE_PAGE)
        ids = [item["id"] for item in listed["data"]]
        return JSONResponse({**listed, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None})

    async def _retrieve_file(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.retrieve(self._account, request.path_params["id"]))

    async def _file_content(self, request: Request) -> Response:
        path = await run_in_threadpool(self._files.content, self._account, request.path_params["id"])
        return FileResponse(path, media_type="application/octet-stream")

    async def _delete_file(self, request: Request) -> Response:
        return await in_thread(lambda: self._files.delete(self._account, request.path_params["id"]))

    async def _create_job(self, request: Request) -> Response:
        body = await json_body(request)
        return await in_thread(lambda: self._jobs.create(self._account, body))

    async def _list_jobs(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.all, self._account)
        return JSONResponse(page(request, items, _JOB_PAGE, _LARGEST_PAGE))

    async def _retrieve_job(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.retrieve(self._account, request.path_params["id"]))

    async def _cancel_job(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.cancel(self._account, request.path_params["id"]))

    async def _list_events(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.events, self._account, request.path_params["id"])
        return JSONResponse(page(request, items, _JOB_PAGE, _LARGEST_PAGE))

    async def _list_checkpoints(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.checkpoints, self._account, request.path_params["id"])
        return JSONResponse(page(request, items, _CHECKPOINT_PAGE, _LARGEST_PAGE))

    async def _list_models(self, _request: Request) -> Response:
        return await in_thread(lambda: {"object": "list", "data": models.list_models(self._state, self._account)})

    async def _retrieve_model(self, request: Request) -> Response:
        return await in_thread(lambda: self._model(request.path_params["id"]))

    def _model(self, name: str) -> dict[str, Any]:
        for model in models.list_models(self._state, self._account):
            if model["id"] == name:
                return model
        raise errors.not_found("model", name)

    async def _complete_chat(self, request: Request) -> Response:
        body = await json_body(request)
        completion, headers = await run_in_threadpool(self._chat.complete, self._account, body, self._clock.now())
        return JSONResponse(completion, headers=headers)


def _expires_after(form: FormData) -> int | None:
    """Return the seconds in `expires_after[seconds]` or `expires_after.seconds`; ServiceError 400 if they are none."""
    text = form.get("expires_after[seconds]") or form.get("expires_after.seconds")
    if text is None:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,9}", text):
        raise errors.invalid_payload("expires_after.seconds must be a whole number.")
    return int(text)
