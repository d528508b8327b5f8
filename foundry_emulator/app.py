"""The whole emulator put together: services on one state folder, and the addresses that reach them."""

from dataclasses import dataclass

from starlette.applications import Starlette

from foundry_emulator.auth import Gatekeeper
from foundry_emulator.chat import Chat
from foundry_emulator.clock import Clock
from foundry_emulator.control_plane import ControlPlane
from foundry_emulator.data_plane import DataPlane
from foundry_emulator.files import Files
from foundry_emulator.http_answers import broken, path_not_found
from foundry_emulator.job_records import JobRecords
from foundry_emulator.job_runner import JobRunner
from foundry_emulator.jobs import Jobs
from foundry_emulator.learning.feature_cache import FeatureCache
from foundry_emulator.model_deployments import ModelDeployments
from foundry_emulator.own_controls import OwnControls
from foundry_emulator.rate_limits import RateLimits
from foundry_emulator.settings import Settings
from foundry_emulator.state import State


@dataclass(frozen=True)
class Emulator:
    """An application to serve, and what must be started and stopped with it."""

    application: Starlette
    runner: JobRunner
    state: State


def assemble(settings: Settings) -> Emulator:
    """Open the state folder and build the services on it; StateUnusable if the folder cannot be used."""
    state = State(settings.state)
    clock = Clock()
    durations = settings.durations
    gatekeeper = Gatekeeper(settings.api_key, settings.identity_header, state.secret("tokens"), clock)
    files = Files(state, clock, durations.file_processing)
    records = JobRecords(state, clock, files)
    jobs = Jobs(state, clock, files, records, durations.job_queue)
    deployments = ModelDeployments(state, clock, durations)
    limits = RateLimits(clock, settings.rate_limit_factor)
    chat = Chat(state, deployments, limits, FeatureCache(settings.state / "features.sqlite"))
    routes = [
        *DataPlane(
            account=settings.account,
            gatekeeper=gatekeeper,
            clock=clock,
            state=state,
            files=files,
            jobs=jobs,
            chat=chat,
        ).routes(),
        *ControlPlane(settings.account, settings.region, gatekeeper, deployments).routes(),
        *OwnControls(gatekeeper, clock).routes(),
    ]
    application = Starlette(routes=routes, exception_handlers={404: path_not_found, 405: path_not_found, 500: broken})
    return Emulator(application, JobRunner(state, clock, records), state)
