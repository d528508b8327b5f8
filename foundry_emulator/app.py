"""The whole emulator put together: services on one state folder, and the addresses that reach them."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp

from foundry_emulator.accounts import Accounts
from foundry_emulator.addresses import Addresses
from foundry_emulator.auth import Gatekeeper
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import deployment_records, operations
from foundry_emulator.control_plane.account_routes import AccountRoutes
from foundry_emulator.control_plane.arm import ResourceManager
from foundry_emulator.control_plane.model_deployments import ModelDeployments
from foundry_emulator.control_plane.own_routes import OwnDeploymentRoutes
from foundry_emulator.control_plane.routes import ControlPlane
from foundry_emulator.controls.routes import OwnControls
from foundry_emulator.data_plane import DataPlane
from foundry_emulator.files import store
from foundry_emulator.files.routes import FileRoutes
from foundry_emulator.files.store import Files
from foundry_emulator.fine_tuning import records
from foundry_emulator.fine_tuning.jobs import Jobs
from foundry_emulator.fine_tuning.records import JobRecords
from foundry_emulator.fine_tuning.routes import JobRoutes
from foundry_emulator.fine_tuning.runner import JobRunner
from foundry_emulator.http_answers import broken, path_not_found
from foundry_emulator.inference.chat import Chat
from foundry_emulator.inference.rate_limits import RateLimits
from foundry_emulator.inference.routes import InferenceRoutes
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.meter.meter import Meter
from foundry_emulator.meter.prices import read_prices
from foundry_emulator.meter.routes import MeterRoutes
from foundry_emulator.metrics.calls import Calls
from foundry_emulator.metrics.outages import Outages
from foundry_emulator.metrics.routes import MetricRoutes
from foundry_emulator.metrics.series import Charts
from foundry_emulator.models.routes import ModelRoutes
from foundry_emulator.settings import Settings
from foundry_emulator.state import State


@dataclass(frozen=True)
class Emulator:
    """An application to serve, and what must be started and stopped with it."""

    application: ASGIApp
    runner: JobRunner
    state: State


def assemble(settings: Settings) -> Emulator:
    """Open the state folder and build the services on it.

    StateUnusable if the folder cannot be used, PricesUnusable if the price table cannot.
    """
    prices = read_prices(settings.prices)
    state = State(settings.state)
    for schema in (store.SCHEMA, records.SCHEMA, deployment_records.SCHEMA, operations.SCHEMA):
        state.define(schema)
    accounts = Accounts(settings.accounts)
    clock = Clock(state)
    calls = Calls(settings.state / "calls.sqlite")
    durations = settings.durations
    gatekeeper = Gatekeeper(settings.identity_header, state.secret("tokens"), clock)
    files = Files(state, clock, durations.file_processing)
    job_records = JobRecords(state, clock, files)
    jobs = Jobs(state, clock, files, job_records, durations.job_queue)
    deployments = ModelDeployments(state, clock, durations, calls, accounts, settings.rules)
    manager = ResourceManager(accounts, gatekeeper)
    charts = Charts(clock, calls, deployments.records, Outages(state, durations.metrics_delay))
    chat = Chat(
        state=state,
        clock=clock,
        deployments=deployments,
        limits=RateLimits(clock, settings.rate_limit_factor),
        calls=calls,
        features=FeatureCache(settings.state / "features.sqlite"),
    )
    plane = DataPlane(gatekeeper)
    routes = [
        *FileRoutes(plane, files).routes(),
        *JobRoutes(plane, jobs).routes(),
        *ModelRoutes(plane, state).routes(),
        *InferenceRoutes(plane, chat).routes(),
        *ControlPlane(manager, deployments).routes(),
        *AccountRoutes(manager, deployments).routes(),
        *OwnDeploymentRoutes(deployments).routes(),
        *MeterRoutes(Meter(state, clock, deployments, prices)).routes(),
        *MetricRoutes(manager, gatekeeper, charts).routes(),
        *OwnControls(gatekeeper, clock).routes(),
    ]
    handlers = {404: path_not_found, 405: path_not_found, 500: broken}
    application = Addresses(Starlette(routes=routes, exception_handlers=handlers), accounts)
    return Emulator(application, JobRunner(state, clock, job_records), state)
