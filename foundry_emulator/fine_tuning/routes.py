"""The addresses of fine-tuning jobs."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from foundry_emulator import errors
from foundry_emulator.data_plane import DataPlane, account_of
from foundry_emulator.fine_tuning.copies import PREVIEW_HEADER, Copies
from foundry_emulator.fine_tuning.jobs import Jobs
from foundry_emulator.http_answers import in_thread, json_body, json_page

_PAGE, _CHECKPOINT_PAGE, _LARGEST_PAGE = 20, 10, 100


class JobRoutes:
    """Handlers of fine-tuning jobs."""

    def __init__(self, plane: DataPlane, jobs: Jobs, copies: Copies) -> None:
        self._plane = plane
        self._jobs = jobs
        self._copies = copies

    def routes(self) -> list[Route]:
        """Return every address with its handler."""
        job = "/fine_tuning/jobs/{id}"
        return [
            self._plane.route("POST", "/fine_tuning/jobs", self._create),
            self._plane.route("GET", "/fine_tuning/jobs", self._list),
            self._plane.route("GET", job, self._retrieve),
            self._plane.route("DELETE", job, self._delete),
            self._plane.route("POST", f"{job}/cancel", self._cancel),
            self._plane.route("POST", f"{job}/pause", self._pause),
            self._plane.route("POST", f"{job}/resume", self._resume),
            self._plane.route("GET", f"{job}/events", self._list_events),
            self._plane.route("GET", f"{job}/checkpoints", self._list_checkpoints),
            self._plane.route("POST", f"{job}/checkpoints/{{checkpoint}}/copy", self._copy),
            self._plane.route("GET", f"{job}/checkpoints/{{checkpoint}}/copy", self._copied),
        ]

    async def _create(self, request: Request) -> Response:
        body = await json_body(request)
        return await in_thread(lambda: self._jobs.create(account_of(request).name, body))

    async def _list(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.all, account_of(request).name)
        return JSONResponse(json_page(request, items, _PAGE, _LARGEST_PAGE))

    async def _retrieve(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.retrieve(account_of(request).name, request.path_params["id"]))

    async def _cancel(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.cancel(account_of(request).name, request.path_params["id"]))

    async def _pause(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.pause(account_of(request).name, request.path_params["id"]))

    async def _resume(self, request: Request) -> Response:
        return await in_thread(lambda: self._jobs.resume(account_of(request).name, request.path_params["id"]))

    async def _delete(self, request: Request) -> Response:
        if not getattr(request.state, "dated", False):
            raise errors.path_not_found()  # only the dated form of the service has it
        await run_in_threadpool(self._jobs.delete, account_of(request).name, request.path_params["id"])
        return Response(status_code=204)

    async def _list_events(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.events, account_of(request).name, request.path_params["id"])
        return JSONResponse(json_page(request, items, _PAGE, _LARGEST_PAGE))

    async def _list_checkpoints(self, request: Request) -> Response:
        items = await run_in_threadpool(self._jobs.checkpoints, account_of(request).name, request.path_params["id"])
        return JSONResponse(json_page(request, items, _CHECKPOINT_PAGE, _LARGEST_PAGE))

    async def _copy(self, request: Request) -> Response:
        account, job, checkpoint = _checkpoint(request)
        body = await json_body(request)
        return await in_thread(lambda: self._copies.copy(account, job, checkpoint, body))

    async def _copied(self, request: Request) -> Response:
        return await in_thread(lambda: self._copies.status(*_checkpoint(request)))


def _checkpoint(request: Request) -> tuple[str, str, str]:
    """Return account, job and checkpoint of a call for copies; ServiceError 400 without the header of the preview."""
    if request.headers.get(PREVIEW_HEADER) != "preview":
        raise errors.invalid_payload(f"Copies of checkpoints need the header '{PREVIEW_HEADER}: preview'.")
    return account_of(request).name, request.path_params["id"], request.path_params["checkpoint"]
