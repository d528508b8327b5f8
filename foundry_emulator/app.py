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
from foundry_emulator.metrics.calls import Calls
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
    """Open the state folder and build the services on it; StateUnusable if the folder cannot be used."""
    state = State(settings.state)
    for schema in (store.SCHEMA, records.SCHEMA, model_deployments.SCHEMA, fault_store.SCHEMA):
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
    job_records = JobRecords(state, clock, files)
    jobs = Jobs(state, clock, files, job_records, durations.job_queue)
    runner = JobRunner(state, clock, job_records, faults)
    deployments = ModelDeployments(state, clock, durations, faults)
    chat = Chat(
        state=state,
        clock=clock,
        deployments=deployments,
        limits=RateLimits(clock, settings.rate_limit_factor),
        calls=calls,
        features=FeatureCache(settings.state / "features.sqlite"),
    )
    reset = Reset(state, quiets=[runner.quiet], reloads=[clock.reload, faults.reload])
    reset.finish()
    doors = Doors()
    plane = DataPlane(gatekeeper)
    routes = [
        *FileRoutes(plane, files).routes(),
        *JobRoutes(plane, jobs).routes(),
        *ModelRoutes(plane, state).routes(),
        *InferenceRoutes(plane, chat).routes(),
        *ControlPlane(accounts, gatekeeper, deployments).routes(),
        *OwnControls(gatekeeper, clock).routes(),
        *FaultRoutes(faults, accounts).routes(),
        *ResetRoutes(reset, doors, accounts).routes(),
    ]
    handlers = {404: path_not_found, 405: path_not_found, 500: broken}
    application = doors.leading_to(Starlette(routes=routes, exception_handlers=handlers))
    return Emulator(Addresses(FaultGate(application, faults), accounts), runner, state)
