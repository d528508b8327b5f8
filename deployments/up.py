"""`kaizen up`: Prefect server, emulator where one is needed, and a runner for the flows, until Ctrl-C."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.settings import FILE, load_settings
from data_contracts.errors import WrongInput
from deployments.demo import speaker
from deployments.demo_loop import Say, demo_loop
from deployments.folder_lock import alone_in
from deployments.kept_servers import announced, kept_servers
from deployments.servers import client_environment, servers
from deployments.webhook_server import webhook_server

DEMO = Path("kaizen-demo") / "drawn"
TEN_MINUTES, FIFTEEN_MINUTES = 600, 900


def run_up(folder: Path, *, prefect_port: int, emulator_port: int, webhook_host: str, webhook_port: int) -> None:
    """Serve the flows of the loop in *folder*; without a loop there, the demo's.

    The emulator is started only where kaizen.toml names no endpoint to train on, the webhook address only where
    its secret is set.
    """
    say = speaker()
    given = folder.resolve()
    folder = given if (given / FILE).exists() else DEMO.resolve()
    with alone_in(folder) as lock:
        if folder != given:
            say(f"There is no {FILE} in {given}, so the demo's loop is used: {folder}")
            loop = demo_loop(folder, None, say)
            for batch in loop.deliver([]):
                say(f"{batch} is in the inbox")
        if kept_servers(folder) is not None:
            raise WrongInput(f"Servers that a demo left up work in {folder}; stop them first, as the demo said")
        local = load_settings(folder).foundry.endpoint is None
        with servers(
            folder, prefect_port=prefect_port, emulator_port=emulator_port if local else None, lock=lock
        ) as running:
            addresses = running.addresses()
            os.environ |= client_environment(folder, addresses)
            say(f"Prefect UI {addresses.prefect}; models on {addresses.emulator or 'the endpoint of kaizen.toml'}")
            with announced(folder, addresses), _webhooks(folder, webhook_host, webhook_port, lock, say):
                say("Flows run on schedule and when started in the UI; Ctrl-C stops everything")
                serve_flows(folder)


@contextmanager
def _webhooks(folder: Path, host: str, port: int, lock: int, say: Say) -> Iterator[None]:
    if load_settings(folder).webhook_secret is None:
        yield
        return
    with webhook_server(folder, host=host, port=port, lock=lock) as address:
        say(f"Webhooks of ended jobs {address}")
        yield


def serve_flows(folder: Path) -> None:
    """Run scheduled and requested flow runs of the loop in *folder* until interrupted."""
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from flows.improve_model import improve_model
    from flows.ingest_images import ingest_images
    from flows.roll_back import revive_deployment, roll_back
    from flows.try_successor import try_successor

    name, parameters = load_settings(folder).loop, {"folder": str(folder)}
    serve(
        *(
            RunnerDeployment.from_flow(
                flow, name, interval=seconds, parameters=parameters, entrypoint_type=EntrypointType.MODULE_PATH
            )
            for flow, seconds in (
                (ingest_images, FIFTEEN_MINUTES),
                (improve_model, TEN_MINUTES),
                (try_successor, None),
                (roll_back, None),
                (revive_deployment, None),
            )
        ),
        print_starting_message=False,
    )
