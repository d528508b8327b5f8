"""The whole emulator put together: services on one state folder, and the addresses that reach them."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp

from foundry_emulator.accounts import Accounts
from foundry_emulator.addresses import Addresses
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import model_deployments
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.routes import ControlPlane
from foundry_emulator.controls import faults as fault_store
from foundry_emulator.controls.doors import Doors
from foundry_emulator.controls.fault_gate import FaultGate
from foundry_emulator.controls.fault_routes import FaultRoutes
from foundry_emulator.controls.faults import Faults
from foundry_emulator.controls.reset import Reset
from foundry_emulator.controls.reset_routes import ResetRoutes
from foundry_emulator.controls.routes import OwnControls
from foundry_emulator.data_plane import DataPlane
from foundry_emulator.files import store
from foundry_emulator.files.routes import FileRoutes
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning import records, webhooks
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
from foundry_emulator.metrics.calls import Calls
from foundry_emulator.models import catalogue
from foundry_emulator.models.retirement import Retirement
from foundry_emulator.models.routes import ModelRoutes
from foundry_emulator.models.service import Models
from foundry_emulator.models.table import OWN_TABLE, read_table
from foundry_emulator.settings import Settings
from foundry_emulator.state import State


@dataclass(frozen=True)
class Emulator:
    """An application to serve, and what must be started and stopped with it."""

    application: ASGIApp
    runner: JobRunner
    deliveries: Deliveries
    state: State


def assemble(settings: Settings) -> Emulator:
    """Open the state folder and build the services on it; StateUnusable or TableError if a file cannot be used."""
    catalogue.use(read_table(settings.models or OWN_TABLE))
    state = State(settings.state)
    schemas = (
        store.SCHEMA,
        records.SCHEMA,
        model_deployments.SCHEMA,
        webhooks.SCHEMA,
        catalogue.SCHEMA,
        response_store.SCHEMA,
        fault_store.SCHEMA,
    )
    for schema in schemas:
        state.define(schema)
    accounts = Accounts(settings.accounts)
    clock = Clock(state)
    calls = Calls(settings.state / "calls.sqlite")
    durations = settings.durations
    gatekeeper = Gatekeeper(settings.identity_header, state.secret("tokens"), clock)
    faults = Faults(state)
    if settings.faults is not None:
        faults.take_file(settings.faults)
    files = Files(state, clock, durations.file_processing, faults)
    retirement = Retirement(clock, settings.enforce_retirement, settings.new_customer)
    told = Webhooks(state)
    told.use(settings.webhooks)
    job_records = JobRecords(state, clock, files, told)
    runner = JobRunner(state, clock, job_records, faults)
    jobs = Jobs(
        state=state,
        clock=clock,
        files=files,
        records=job_records,
        retirement=retirement,
        queue_seconds=durations.job_queue,
        list_lag_seconds=durations.job_list_lag,
        training_type_required=settings.require_training_type,
    )
    deployments = ModelDeployments(state, clock, durations, retirement, faults)
    desk = Desk(clock, deployments, RateLimits(clock, settings.rate_limit_factor), calls)
    sight = Sight(FeatureCache(settings.state / "features.sqlite"))
    answering = Answering(state, sight, settings.filters, settings.jitter)
    chat = Chat(desk, answering)
    responses = Responses(desk, answering, ResponseStore(state, clock))
    reset = Reset(
        state,
        quiets=[runner.quiet],
        reloads=[clock.reload, faults.reload, lambda: told.use(settings.webhooks)],
    )
    reset.finish()
    doors = Doors()
    plane = DataPlane(gatekeeper)
    routes = [
        *FileRoutes(plane, files).routes(),
        *JobRoutes(plane, jobs, Copies(state, clock, accounts)).routes(),
        *WebhookRoutes(told).routes(),
        *ModelRoutes(plane, Models(state, clock, retirement)).routes(),
        *InferenceRoutes(plane, chat, responses).routes(),
        *ControlPlane(accounts, gatekeeper, deployments).routes(),
        *OwnControls(gatekeeper, clock).routes(),
        *FaultRoutes(faults, accounts).routes(),
        *ResetRoutes(reset, doors, accounts).routes(),
    ]
    handlers = {404: path_not_found, 405: path_not_found, 500: broken}
    application = doors.leading_to(Starlette(routes=routes, exception_handlers=handlers))
    return Emulator(Addresses(FaultGate(application, faults), accounts), runner, Deliveries(state), state)
