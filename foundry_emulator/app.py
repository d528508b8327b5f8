"""The whole emulator put together: services on one state folder, and the addresses that reach them."""

from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.types import ASGIApp

from foundry_emulator.accounts import Accounts
from foundry_emulator.addresses import Addresses
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.batches import records as batch_records
from foundry_emulator.batches.routes import BatchRoutes
from foundry_emulator.batches.store import Batches
from foundry_emulator.batches.worker import BatchWorker, Tools
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import model_deployments
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.routes import ControlPlane
from foundry_emulator.controls.routes import OwnControls
from foundry_emulator.data_plane import DataPlane
from foundry_emulator.files import store
from foundry_emulator.files.eraser import Eraser
from foundry_emulator.files.routes import FileRoutes
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning import records
from foundry_emulator.fine_tuning.jobs import Jobs
from foundry_emulator.fine_tuning.needs import files_of_living_jobs
from foundry_emulator.fine_tuning.records import JobRecords
from foundry_emulator.fine_tuning.routes import JobRoutes
from foundry_emulator.fine_tuning.runner import JobRunner
from foundry_emulator.http_answers import broken, path_not_found
from foundry_emulator.inference.chat import Chat
from foundry_emulator.inference.rate_limits import RateLimits
from foundry_emulator.inference.routes import InferenceRoutes
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.metrics.calls import Calls
from foundry_emulator.models.routes import ModelRoutes
from foundry_emulator.settings import Settings
from foundry_emulator.state import State
from foundry_emulator.uploads import store as uploads_store
from foundry_emulator.uploads.routes import UploadRoutes
from foundry_emulator.uploads.store import Uploads


class Worker(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; what was not finished is taken up again at the next start."""


@dataclass(frozen=True)
class Emulator:
    """An application to serve, and what must be started and stopped with it."""

    application: ASGIApp
    runner: JobRunner
    state: State
    workers: tuple[Worker, ...] = ()


def assemble(settings: Settings) -> Emulator:
    """Open the state folder and build the services on it; StateUnusable if the folder cannot be used."""
    state = State(settings.state)
    for schema in (store.SCHEMA, uploads_store.SCHEMA, batch_records.SCHEMA, records.SCHEMA, model_deployments.SCHEMA):
        state.define(schema)
    accounts = Accounts(settings.accounts)
    clock = Clock(state)
    calls = Calls(settings.state / "calls.sqlite")
    durations = settings.durations
    gatekeeper = Gatekeeper(settings.identity_header, state.secret("tokens"), clock)
    files = Files(state, clock, durations.file_processing, settings.file_quota)
    uploads = Uploads(state, clock, files)
    for kept in (files, uploads):
        kept.sweep()
    files.keep_for(lambda: files_of_living_jobs(state))
    job_records = JobRecords(state, clock, files)
    jobs = Jobs(state, clock, files, job_records, durations.job_queue)
    deployments = ModelDeployments(state, clock, durations)
    chat = Chat(
        state=state,
        clock=clock,
        deployments=deployments,
        limits=RateLimits(clock, settings.rate_limit_factor),
        calls=calls,
        features=FeatureCache(settings.state / "features.sqlite"),
    )
    batches = Batches(state, clock, files)
    files.keep_for(batches.needed_files)
    answers = {"/v1/chat/completions": chat.complete_batched}
    batch_worker = BatchWorker(Tools(state, clock, files, deployments, durations, answers))
    plane = DataPlane(gatekeeper)
    routes = [
        *FileRoutes(plane, files).routes(),
        *UploadRoutes(plane, uploads).routes(),
        *BatchRoutes(plane, batches, frozenset(answers)).routes(),
        *JobRoutes(plane, jobs).routes(),
        *ModelRoutes(plane, state).routes(),
        *InferenceRoutes(plane, chat).routes(),
        *ControlPlane(accounts, gatekeeper, deployments).routes(),
        *OwnControls(gatekeeper, clock).routes(),
    ]
    handlers = {404: path_not_found, 405: path_not_found, 500: broken}
    application = Addresses(Starlette(routes=routes, exception_handlers=handlers), accounts)
    return Emulator(
        application, JobRunner(state, clock, job_records), state, (Eraser([files.erase, uploads.erase]), batch_worker)
    )
