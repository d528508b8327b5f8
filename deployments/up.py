"""`kaizen up`: Prefect server, emulator and a runner for the flows, until Ctrl-C."""

import os
from pathlib import Path

import click

from cloud.settings import FILE, load_settings
from deployments.demo_loop import demo_loop
from deployments.servers import client_environment, servers

DEMO = Path("kaizen-demo") / "drawn"
TEN_MINUTES, FIFTEEN_MINUTES = 600, 900


def run_up(folder: Path, *, prefect_port: int, emulator_port: int) -> None:
    """Serve the flows of the loop in *folder*; without a loop there, the demo's."""
    if not (folder / FILE).exists() and folder == Path():
        click.echo(f"There is no {FILE} here, so the demo's loop is used: {DEMO}", err=True)
        folder = demo_loop(DEMO.resolve(), None, lambda text: click.echo(text, err=True)).folder
    folder = folder.resolve()
    load_settings(folder)
    with servers(folder, prefect_port=prefect_port, emulator_port=emulator_port) as running:
        addresses = running.addresses()
        os.environ |= client_environment(folder, addresses)
        click.echo(f"Prefect UI {addresses.prefect}, emulator {addresses.emulator}; Ctrl-C stops everything", err=True)
        serve_flows(folder)


def serve_flows(folder: Path) -> None:
    """Run scheduled and requested flow runs of the loop in *folder* until interrupted."""
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from flows.improve_model import improve_model
    from flows.ingest_images import ingest_images

    name, parameters = load_settings(folder).loop, {"folder": str(folder)}
    serve(
        *(
            RunnerDeployment.from_flow(
                flow, name, interval=seconds, parameters=parameters, entrypoint_type=EntrypointType.MODULE_PATH
            )
            for flow, seconds in ((ingest_images, FIFTEEN_MINUTES), (improve_model, TEN_MINUTES))
        )
    )
