"""The commands about images and their data contract: check, ingest, forget, compare, explain."""

from pathlib import Path

import click

from deployments.cli_options import FAILED, FOLDER, JSON, LOOP, complain, show


@click.command("check-images")
@click.argument("images", type=FOLDER)
@click.option("--contract", type=FOLDER, help="Data contract; without it that of --against, or the shipped rules.")
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
        show(*check_headers_of(images, contract, against), as_json=as_json)
        return
    checked = check_folder(images, contract, against, calibrate=calibrate, people=people, cache=not no_cache)
    show(*checked, as_json=as_json)


@click.command()
@LOOP
@JSON
def ingest(folder: Path, as_json: bool) -> int:
    """Take new batches from the inbox: accept what the data contract accepts, quarantine the rest.

    Example: kaizen ingest --loop loops/steel
    """
    from deployments.commands import ingest_inbox

    lines, batches, problems = ingest_inbox(folder)
    show(lines, batches, as_json=as_json)
    for problem in problems:
        complain(problem)
    return FAILED if problems else 0


@click.command()
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

    if not why.strip():
        raise click.UsageError("--why is empty; say why, for it goes into the ledger")

    lines, value, done = forget_images(folder, digests, source, why, erase_bytes=erase)
    show(lines, value, as_json=as_json)
    return 0 if done else FAILED


@click.group()
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
    show(lines, diff.model_dump(mode="json"), as_json=as_json)
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
    show([as_html(page)] if html else as_lines(page), page.model_dump(mode="json"), as_json=as_json)
