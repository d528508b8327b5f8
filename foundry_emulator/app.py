"""The whole emulator put together: services on one state folder, and the addresses that reach them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from foundry_emulator.accounts import Accounts
from foundry_emulator.addresses import Addresses
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.background import Background
from foundry_emulator.batches import records as batch_records
from foundry_emulator.batches.routes import BatchRoutes
from foundry_emulator.batches.store import Batches
from foundry_emulator.batches.worker import Answer, BatchWorker, Tools
from foundry_emulator.calls import Calls
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import deployment_records, operations
from foundry_emulator.control_plane.account_routes import AccountRoutes
from foundry_emulator.control_plane.arm import ResourceManager
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.own_routes import OwnDeploymentRoutes
from foundry_emulator.control_plane.routes import ControlPlane
from foundry_emulator.controls import faults as fault_store
from foundry_emulator.controls.connections import ended_at_the_stop
from foundry_emulator.controls.doors import Doors
from foundry_emulator.controls.fault_gate import FaultGate
from foundry_emulator.controls.fault_routes import FaultRoutes
from foundry_emulator.controls.faults import Faults
from foundry_emulator.controls.reset import Reset
from foundry_emulator.controls.reset_routes import ResetRoutes
from foundry_emulator.controls.routes import OwnControls
from foundry_emulator.data_plane import DataPlane
from foundry_emulator.files import store as file_store
from foundry_emulator.files.routes import FileRoutes
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning import records as job_records
from foundry_emulator.fine_tuning import webhooks
from foundry_emulator.fine_tuning.copies import Copies
from foundry_emulator.fine_tuning.jobs import Jobs
from foundry_emulator.fine_tuning.records import JobRecords
from foundry_emulator.fine_tuning.routes import JobRoutes
from foundry_emulator.fine_tuning.runner import JobRunner
from foundry_emulator.fine_tuning.webhook_routes import WebhookRoutes
from foundry_emulator.fine_tuning.webhooks import Deliveries, Webhooks
from foundry_emulator.http_answers import broken, path_not_found
from foundry_emulator.inference import response_store
from foundry_emulator.inference.answering import Answering
from foundry_emulator.inference.chat import Chat
from foundry_emulator.inference.desk import Desk
from foundry_emulator.inference.rate_limits import RateLimits
from foundry_emulator.inference.response_store import ResponseStore
from foundry_emulator.inference.responses import Responses
from foundry_emulator.inference.routes import InferenceRoutes
from foundry_emulator.inference.sight import Sight
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.meter.meter import Meter
from foundry_emulator.meter.prices import read_prices
from foundry_emulator.meter.routes import MeterRoutes
from foundry_emulator.metrics.outages import Outages
from foundry_emulator.metrics.routes import MetricRoutes
from foundry_emulator.metrics.series import Charts
from foundry_emulator.models import catalogue
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.models.routes import ModelRoutes
from foundry_emulator.models.service import Models
from foundry_emulator.models.table import OWN_TABLE
from foundry_emulator.settings import Settings
from foundry_emulator.state import State
from foundry_emulator.uploads import store as upload_store
from foundry_emulator.uploads.routes import UploadRoutes
from foundry_emulator.uploads.store import Uploads

SCHEMAS = (
    file_store.SCHEMA,
    upload_store.SCHEMA,
    batch_records.SCHEMA,
    job_records.SCHEMA,
    webhooks.SCHEMA,
    catalogue.SCHEMA,
    deployment_records.SCHEMA,
    operations.SCHEMA,
    response_store.SCHEMA,
    fault_store.SCHEMA,
)
ERASE_EVERY_SECONDS = 0.25


class Worker(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; what was not finished is taken up again at the next start."""


@dataclass(frozen=True)
class Emulator:
    """An application to serve, its routes, what must start and stop with it, and the state to close at the end."""

    application: ASGIApp
    routes: tuple[Route, ...]
    workers: tuple[Worker, ...]
    state: State


def assemble(settings: Settings) -> Emulator:
    """Open the state folder and build the services on it.

    StateUnusable if the folder cannot be used; TableError or PricesUnusable if a table of models or prices cannot.
    """
    catalogue.use(settings.models or OWN_TABLE)
    services = _Services(settings)
    services.begin()
    return Emulator(services.application, services.routes, services.workers, services.state)


class _Services:
    """Every service, built when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.durations = settings.durations
        self.prices = read_prices(settings.prices)
        self.state = State(settings.state)
        for schema in SCHEMAS:
            self.state.define(schema)
        self.accounts = Accounts(settings.accounts)
        self.clock = Clock(self.state)
        self.calls = Calls(settings.state / "calls.sqlite")
        self.gatekeeper = Gatekeeper(settings.identity_header, self.state.secret("tokens"), self.clock)
        self.plane = DataPlane(self.gatekeeper)
        self.doors = Doors()

    def begin(self) -> None:
        """Put in order what the settings, or an end in the middle of something, ask for."""
        if self.settings.faults is not None:
            self.faults.take_file(self.settings.faults)
        self.webhooks.use(self.settings.webhooks)
        self.reset.finish()
        for kept in (self.files, self.uploads):
            kept.sweep()
        self.files.keep_for(self.jobs.needed_files)
        self.files.keep_for(self.batches.needed_files)

    @property
    def application(self) -> ASGIApp:
        """Everything over HTTP."""
        handlers = {404: path_not_found, 405: path_not_found, 500: broken}
        served = self.doors.leading_to(Starlette(routes=self.routes, exception_handlers=handlers))
        return ended_at_the_stop(Addresses(FaultGate(served, self.faults), self.accounts))

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every address with its handler."""
        return tuple(self._routes())

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Everything beside it."""
        erasers = [Background("eraser", ERASE_EVERY_SECONDS, kept.erase) for kept in (self.files, self.uploads)]
        return (self.runner, Deliveries(self.state), *erasers, self.batch_worker)

    def _routes(self) -> Iterator[Route]:
        yield from FileRoutes(self.plane, self.files).routes()
        yield from UploadRoutes(self.plane, self.uploads).routes()
        yield from BatchRoutes(self.plane, self.batches, frozenset(self._batched)).routes()
        yield from JobRoutes(self.plane, self.jobs, Copies(self.state, self.clock, self.accounts)).routes()
        yield from ModelRoutes(self.plane, self.models).routes()
        yield from InferenceRoutes(self.plane, self.chat, self.responses).routes()
        yield from ControlPlane(self.manager, self.deployments).routes()
        yield from AccountRoutes(self.manager, self.deployments, self.retirement).routes()
        yield from MetricRoutes(self.manager, self.gatekeeper, self.charts).routes()
        yield from self._own_routes()

    def _own_routes(self) -> Iterator[Route]:
        yield from OwnControls(self.gatekeeper, self.clock).routes()
        yield from OwnDeploymentRoutes(self.deployments).routes()
        yield from MeterRoutes(Meter(self.state, self.clock, self.deployments, self.prices)).routes()
        yield from WebhookRoutes(self.webhooks).routes()
        yield from FaultRoutes(self.faults, self.accounts).routes()
        yield from ResetRoutes(self.reset, self.doors, self.accounts).routes()

    @cached_property
    def faults(self) -> Faults:
        return Faults(self.state)

    @cached_property
    def reset(self) -> Reset:
        reread = [self.clock.reload, self.faults.reload, self.outages.reload]
        again = [*reread, lambda: self.webhooks.use(self.settings.webhooks)]
        return Reset(self.state, quiets=[self.runner.quiet, self.batch_worker.quiet], reloads=again)

    @cached_property
    def files(self) -> Files:
        return Files(self.state, self.clock, self.durations.file_processing, self.faults, self.settings.file_quota)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(self.state, self.clock, self.files)

    @cached_property
    def batches(self) -> Batches:
        return Batches(self.state, self.clock, self.files)

    @cached_property
    def batch_worker(self) -> BatchWorker:
        return BatchWorker(Tools(self.state, self.clock, self.files, self.deployments, self.durations, self._batched))

    @cached_property
    def _batched(self) -> dict[str, Answer]:
        return {"/v1/chat/completions": self.chat.complete_batched}

    @cached_property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.state)

    @cached_property
    def records(self) -> JobRecords:
        return JobRecords(self.state, self.clock, self.files, self.webhooks)

    @cached_property
    def retirement(self) -> Retirement:
        return Retirement(self.clock, self.settings.enforce_retirement, self.settings.new_customer)

    @cached_property
    def models(self) -> Models:
        return Models(self.state, self.clock, self.retirement, self.deployments.retention.settle)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(
            state=self.state,
            clock=self.clock,
            files=self.files,
            records=self.records,
            retirement=self.retirement,
            queue_seconds=self.durations.job_queue,
            list_lag_seconds=self.durations.job_list_lag,
            training_type_required=self.settings.require_training_type,
        )

    @cached_property
    def runner(self) -> JobRunner:
        return JobRunner(self.state, self.clock, self.records, self.faults)

    @cached_property
    def manager(self) -> ResourceManager:
        return ResourceManager(self.accounts, self.gatekeeper)

    @cached_property
    def deployments(self) -> ModelDeployments:
        return ModelDeployments(
            self.state,
            self.clock,
            self.durations,
            self.calls,
            self.accounts,
            self.settings.rules,
            fails=self.faults.deployment_failure,
            check_model=self.retirement.check_deployment,
        )

    @cached_property
    def desk(self) -> Desk:
        return Desk(self.clock, self.deployments, RateLimits(self.clock, self.settings.rate_limit_factor), self.calls)

    @cached_property
    def answering(self) -> Answering:
        sight = Sight(FeatureCache(self.settings.state / "features.sqlite"))
        return Answering(self.state, sight, self.settings.filters, self.settings.jitter)

    @cached_property
    def chat(self) -> Chat:
        return Chat(self.desk, self.answering)

    @cached_property
    def responses(self) -> Responses:
        return Responses(self.desk, self.answering, ResponseStore(self.state, self.clock))

    @cached_property
    def outages(self) -> Outages:
        return Outages(self.state, self.durations.metrics_delay)

    @cached_property
    def charts(self) -> Charts:
        return Charts(self.clock, self.calls, self.deployments.records, self.outages)
