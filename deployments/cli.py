"""`kaizen`: a thin shell over flows and decisions; errors are one line that says what to do."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from data_contracts.errors import KaizenError
from deployments.interrupts import interrupted, remember_interrupts

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
FOLDER = click.Path(path_type=Path)
LOOP = click.option("--loop", "folder", type=FOLDER, default=Path(), help="Folder of the loop, with its kaizen.toml.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def main() -> None:
    """Run the command line and exit with its code."""
    remember_interrupts()
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(_stopped())
    except (KaizenError, OSError) as error:  # OSError: a full disk, a file where a folder should be, no permission
        sys.exit(_stopped() if interrupted() else _failed(error))
    except Exception:
        if not interrupted():
            raise
        sys.exit(_stopped())  # a library stumbled over Ctrl-C
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kaizen")
def cli() -> None:
    """Keep a fine-tuned vision model good in production.

    Example: kaizen demo
    """


@cli.command()
@click.option("--images", type=FOLDER, help="Folder of class folders; drawn images without it.")
@click.option("--folder", type=FOLDER, help="Where the demo lives; a run there continues the one before.")
@click.option("--keep", is_flag=True, help="Leave the Prefect server and the emulator up.")
@click.option("--prefect-port", type=click.IntRange(0, 65535), default=0, help="0 picks a free one.")
@click.option("--emulator-port", type=click.IntRange(0, 65535), default=0, help="0 picks a free one.")
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


@cli.command()
@click.argument("folder", type=FOLDER)
@click.option("--images", type=FOLDER, help="Folder of class folders, for the classes and rules of the contract.")
@click.option("--from-env", "env", type=FOLDER, help="A notebook's .env, for the addresses; its key is not copied.")
def init(folder: Path, images: Path | None, env: Path | None) -> None:
    """Make a loop's folder, with kaizen.toml and a commented data contract.

    Example: kaizen init loops/steel --images photographs/
    """
    from deployments.init_loop import init_loop

    for line in init_loop(folder, images, env):
        click.echo(line)


@cli.command()
@LOOP
@JSON
def ingest(folder: Path, as_json: bool) -> None:
    """Take new batches from the inbox: accept what the data contract accepts, quarantine the rest.

    Example: kaizen ingest --loop loops/steel
    """
    from deployments.commands import ingest_inbox

    _print(*ingest_inbox(folder), as_json=as_json)


@cli.command("check-images")
@click.argument("images", type=FOLDER)
@click.option("--contract", type=FOLDER, help="Data contract; without it the loop's, or the shipped rules.")
@click.option("--against", type=FOLDER, help="Folder of a loop whose accepted images count as known.")
@click.option("--calibrate", is_flag=True, help="Only find thresholds for near-duplicates that suit the images.")
@click.option("--people", is_flag=True, help="Forecast which images Azure would skip for faces or people.")
@click.option("--metadata-only", is_flag=True, help="Read headers alone: quick, but without a look at any pixel.")
@click.option("--no-cache", is_flag=True, help="Examine unchanged files again, too.")
@JSON
def check_images(  # noqa: PLR0917  (click passes them by name)
    images: Path,
    contract: Path | None,
    against: Path | None,
    calibrate: bool,
    people: bool,
    metadata_only: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Show what the data contract makes of a folder of class folders, changing nothing.

    With train/ and test/ inside, every picture that is in both is named.

    Example: kaizen check-images photographs/ --json
    """
    from deployments.check_images import check_folder, check_headers_of

    if metadata_only:
        if calibrate or people:
            raise click.UsageError("--calibrate and --people look at pixels, --metadata-only does not")
        _print(*check_headers_of(images, contract, against), as_json=as_json)
        return
    checked = check_folder(images, contract, against, calibrate=calibrate, people=people, cache=not no_cache)
    _print(*checked, as_json=as_json)


@cli.command()
@LOOP
@JSON
def improve(folder: Path, as_json: bool) -> None:
    """Move the loop one turn forward; an interrupted one is continued.

    Example: kaizen improve --loop loops/steel
    """
    from deployments.commands import improve_once

    _print(*improve_once(folder), as_json=as_json)


@cli.command()
@LOOP
@JSON
def preflight(folder: Path, as_json: bool) -> int:
    """Show whether the loop's images fit into Azure's limits, buying and uploading nothing.

    Example: kaizen preflight --loop loops/steel
    """
    from deployments.preflight import preflight_loop

    lines, verdict = preflight_loop(folder)
    _print(lines, verdict, as_json=as_json)
    return 0 if verdict["fits"] else FAILED


@cli.command()
@click.argument("iteration", type=click.IntRange(1))
@click.option("--yes/--no", "yes", default=None, help="Whether the challenger becomes champion.")
@click.option("--why", required=True, help="Goes into the ledger.")
@LOOP
def approve(iteration: int, yes: bool | None, why: str, folder: Path) -> None:
    """Answer where the gate asks a person; run `kaizen improve` afterwards.

    Example: kaizen approve 3 --yes --why "checked 50 images on line 2"
    """
    import getpass

    from data_contracts.ledger import Actor
    from tasks.loop import connect
    from tasks.promotion import approve as answer

    if yes is None:
        raise click.UsageError("say --yes or --no")
    actor = Actor(name=getpass.getuser(), established="command line")
    if not answer(connect(str(folder)), iteration, yes=yes, reason=why, actor=actor):
        raise KaizenError(f"Iteration {iteration} waits for no answer; see kaizen ledger log")
    click.echo(f"Iteration {iteration}: {'yes' if yes else 'no'}, in the ledger. Next: kaizen improve")


@cli.command()
@click.argument("digests", nargs=-1, metavar="[DIGEST]...")
@click.option("--source", help="Instead of digests: a contributor, a batch, or a folder or file of a batch.")
@click.option("--why", required=True, help="Goes into the ledger.")
@click.option("--erase", is_flag=True, help="Delete the bytes too: in the store, the inbox and our uploaded files.")
@LOOP
@JSON
def forget(  # noqa: PLR0917  (click passes them by name)
    digests: tuple[str, ...], source: str | None, why: str, erase: bool, folder: Path, as_json: bool
) -> int:
    """Take images out of all future datasets, and tell what used them until now.

    A digest may be cut to its first 8 digits or more.

    Example: kaizen forget --source monday/line-2 --why "customer withdrew them" --erase
    """
    from deployments.forget import forget_images

    lines, value, done = forget_images(folder, digests, source, why, erase_bytes=erase)
    _print(lines, value, as_json=as_json)
    return 0 if done else FAILED


@cli.group()
def contract() -> None:
    """The data contract: what changed in it, and its page for the person with the camera.

    Example: kaizen contract diff old.odcs.yaml contract.odcs.yaml
    """


@contract.command("diff")
@click.argument("old", type=FOLDER)
@click.argument("new", type=FOLDER)
@JSON
def contract_diff(old: Path, new: Path, as_json: bool) -> int:
    """Name every change from OLD to NEW, whether it breaks, and the version that it needs.

    Ends with 1 when a change breaks and the version does not say so.

    Example: kaizen contract diff old.odcs.yaml contract.odcs.yaml --json
    """
    from deployments.contract_commands import diff_contracts

    lines, diff = diff_contracts(old, new)
    _print(lines, diff.model_dump(mode="json"), as_json=as_json)
    return 0 if diff.enough else FAILED


@contract.command()
@click.argument("file", type=FOLDER, required=False)
@click.option("--html", is_flag=True, help="Print a page of HTML that fits on paper instead.")
@LOOP
@JSON
def guideline(file: Path | None, html: bool, folder: Path, as_json: bool) -> None:
    """Tell the person with the camera what the contract in FILE, or else the loop's, asks of images.

    Example: kaizen contract guideline contract.odcs.yaml --html > guideline.html
    """
    from deployments.guideline import as_html, as_lines, guideline_of

    if html and as_json:
        raise click.UsageError("say --html or --json")
    page = guideline_of(file, folder)
    _print([as_html(page)] if html else as_lines(page), page.model_dump(mode="json"), as_json=as_json)


@cli.group()
def ledger() -> None:
    """The append-only record of everything decided, bought, switched or deleted.

    Example: kaizen ledger verify
    """


@ledger.command()
@LOOP
@JSON
def log(folder: Path, as_json: bool) -> None:
    """Print every entry, oldest first.

    Example: kaizen ledger log --loop loops/steel
    """
    from deployments.ledger_log import as_lines, as_objects
    from tasks.loop import connect

    loop = connect(str(folder))
    _print(as_lines(loop), as_objects(loop), as_json=as_json)


@ledger.command()
@click.option("--head", help="Hash of an entry that has to be in the chain, to find a cut-off tail.")
@LOOP
@JSON
def verify(head: str | None, folder: Path, as_json: bool) -> None:
    """Recompute the chain; a changed, missing or reordered entry is named.

    Example: kaizen ledger verify --head 3f6c…
    """
    from cloud.ledger import verify as recompute
    from tasks.loop import connect

    loop = connect(str(folder))
    verified = recompute(loop.store, loop.name, head)
    text = f"{verified.entries} entries, the chain holds; head {verified.head}"
    _print([text], {"entries": verified.entries, "head": verified.head}, as_json=as_json)


@cli.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def emulator(arguments: tuple[str, ...]) -> int:
    """Run foundry_emulator, the stand-in for Azure.

    Example: kaizen emulator --port 0 --state emulator/
    """
    from foundry_emulator.__main__ import main as run

    return run(list(arguments), "kaizen emulator")


@cli.command()
@LOOP
@click.option("--prefect-port", type=click.IntRange(0, 65535), default=4200, help="0 picks a free one.")
@click.option("--emulator-port", type=click.IntRange(0, 65535), default=0, help="0 picks a free one.")
def up(folder: Path, prefect_port: int, emulator_port: int) -> None:
    """Start the Prefect server, the emulator and a runner for the flows, in one terminal.

    Without a kaizen.toml in the folder, the demo's loop is used. The emulator is started only
    where kaizen.toml names no endpoint.

    Example: kaizen up --loop loops/steel
    """
    from deployments.up import run_up

    run_up(folder, prefect_port=prefect_port, emulator_port=emulator_port)


def _print(lines: Iterable[str], content: object, *, as_json: bool) -> None:
    """The *lines* for people, or the *content* as JSON for programs."""
    import json

    for line in [json.dumps(content)] if as_json else lines:
        click.echo(line)


def _failed(error: Exception) -> int:
    _complain(str(error))
    return FAILED


def _stopped() -> int:
    _complain("stopped; the same command continues where this one was")
    return INTERRUPTED


def _complain(text: str) -> None:
    click.echo(f"kaizen: {' '.join(text.split())}", err=True)


if __name__ == "__main__":
    main()
