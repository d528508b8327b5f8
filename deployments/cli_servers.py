"""The commands that start servers: demo, up, emulator."""

from pathlib import Path

import click

from deployments.cli_options import FOLDER, JSON, LOOP, PORT


@click.command()
@click.option("--images", type=FOLDER, help="Folder of class folders; drawn images without it.")
@click.option("--folder", type=FOLDER, help="Where the demo lives; a run there continues the one before.")
@click.option("--keep", is_flag=True, help="Leave the Prefect server and the emulator up.")
@click.option("--prefect-port", type=PORT, default=0, help="0 picks a free one.")
@click.option("--emulator-port", type=PORT, default=0, help="0 picks a free one.")
@JSON
def demo(  # noqa: PLR0917  (click passes them by name)
    images: Path | None, folder: Path | None, keep: bool, prefect_port: int, emulator_port: int, as_json: bool
) -> None:
    """Run the whole loop on the emulator, from first images to a second champion.

    Example: kaizen demo --images photographs/
    """
    from deployments.demo import run_demo

    place = folder or Path("kaizen-demo") / (images.resolve().name if images else "drawn")
    run_demo(place, images, keep=keep, as_json=as_json, prefect_port=prefect_port, emulator_port=emulator_port)


@click.command()
@LOOP
@click.option("--prefect-port", type=PORT, default=4200, help="0 picks a free one.")
@click.option("--emulator-port", type=PORT, default=0, help="0 picks a free one.")
@click.option("--webhook-host", default="127.0.0.1", show_default=True, help="Where webhooks are taken, IPv4.")
@click.option("--webhook-port", type=PORT, default=4210, show_default=True, help="0: a free one.")
def up(folder: Path, prefect_port: int, emulator_port: int, webhook_host: str, webhook_port: int) -> None:
    """Start the Prefect server, the emulator and a runner for the flows, in one terminal.

    Without a kaizen.toml in the folder, the demo's loop is used. The emulator is started only
    where kaizen.toml names no endpoint, the webhook address only where KAIZEN_WEBHOOK_SECRET is set.

    Example: kaizen up --loop loops/steel
    """
    from deployments.up import run_up

    run_up(
        folder,
        prefect_port=prefect_port,
        emulator_port=emulator_port,
        webhook_host=webhook_host,
        webhook_port=webhook_port,
    )


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def emulator(arguments: tuple[str, ...]) -> int:
    """Run foundry_emulator, the stand-in for Azure.

    Example: kaizen emulator --port 0 --state emulator/
    """
    from foundry_emulator.__main__ import main as run

    return run(list(arguments), "kaizen emulator")
