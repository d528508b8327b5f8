"""The commands that turn a loop, and turn it back: init, plan, improve, approve, roll-back, and its ledger."""

from pathlib import Path

import click

from deployments.cli_options import FAILED, FOLDER, JSON, LOOP, NEW_FILE, NUMBER, remark, show


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--images", type=FOLDER, help="Folder of class folders, for the classes and rules of the contract.")
@click.option("--from-env", "env", type=FOLDER, help="A notebook's .env, for the addresses; its key is not copied.")
@click.option("--chats", type=FOLDER, help="File of chats, .jsonl, for a loop that learns from text.")
def init(folder: Path, images: Path | None, env: Path | None, chats: Path | None) -> None:
    """Make a loop's folder, with kaizen.toml and a commented data contract.

    Example: kaizen init loops/steel --images photographs/
    """
    from deployments.init_loop import init_loop

    for line in init_loop(folder, images, env, chats):
        click.echo(line)


@click.command()
@LOOP
@JSON
def plan(folder: Path, as_json: bool) -> int:
    """Show what the next run would do, buy and delete, in dollars, doing nothing.

    Ends with 1 when the run would stop: paused, over the budget, a limit of Azure, a model that cannot be trained.

    Example: kaizen plan --loop loops/steel
    """
    from deployments.plan import plan_loop

    lines, value = plan_loop(folder)
    show(lines, value, as_json=as_json)
    return FAILED if value["refusals"] else 0


@click.command()
@click.option("--dry-run", is_flag=True, help="Train and evaluate, report the gate's verdict, and promote nothing.")
@LOOP
@JSON
def improve(folder: Path, dry_run: bool, as_json: bool) -> None:
    """Move the loop one turn forward; an interrupted one is continued.

    Example: kaizen improve --loop loops/steel
    """
    from deployments.commands import improve_once

    show(*improve_once(folder, dry_run=dry_run), as_json=as_json)


@click.command()
@click.argument("iteration", type=NUMBER)
@click.option("--yes", is_flag=True, help="The challenger becomes champion.")
@click.option("--no", is_flag=True, help="It does not.")
@click.option("--why", required=True, help="Goes into the ledger.")
@click.option("--until", help="Day after which a yes is to be looked at again, such as 2027-01-31.")
@LOOP
def approve(  # noqa: PLR0917  (click passes them by name)
    iteration: int, yes: bool, no: bool, why: str, until: str | None, folder: Path
) -> None:
    """Answer where the gate asks a person; a run that waits in Prefect goes on, else run `kaizen improve`.

    Example: kaizen approve 3 --yes --why "checked 50 images on line 2" --until 2027-01-31
    """
    from deployments.answering import answer_for_person

    if yes == no:
        raise click.UsageError("say --yes or --no" + (", not both" if yes else ""))
    click.echo(answer_for_person(folder, iteration, yes=yes, why=why, until=until))


@click.command()
@click.option("--why", required=True, help="Goes into the ledger.")
@click.option("--until", help="Last day of the pause, UTC, such as 2027-01-31; without it, until kaizen resume.")
@LOOP
@JSON
def pause(why: str, until: str | None, folder: Path, as_json: bool) -> None:
    """Stop every purchase, swap and deletion of the loop; images still come in, a job under way is followed.

    Example: kaizen pause --why "line 2 is rebuilt" --until 2027-01-31
    """
    from deployments.pausing import pause_for_person

    show(*pause_for_person(folder, why, until), as_json=as_json)


@click.command()
@click.option("--why", default="", help="Goes into the ledger.")
@LOOP
@JSON
def resume(why: str, folder: Path, as_json: bool) -> None:
    """End a pause; the next run of `kaizen improve` continues where the loop was.

    Example: kaizen resume --why "line 2 runs again"
    """
    from deployments.pausing import resume_for_person

    show(*resume_for_person(folder, why), as_json=as_json)


@click.command()
@click.argument("iteration", type=NUMBER)
@click.option("--to", type=NEW_FILE, help="File to write the pack to, a zip.")
@LOOP
@JSON
def evidence(iteration: int, to: Path | None, folder: Path, as_json: bool) -> None:
    """Check the evidence pack of a decision, and copy it out for those who keep records.

    Example: kaizen evidence 3 --to decision-3.zip
    """
    from deployments.evidence import copy_evidence

    show(*copy_evidence(folder, iteration, to), as_json=as_json)


@click.command()
@click.argument("model")
@LOOP
@JSON
def trial(model: str, folder: Path, as_json: bool) -> None:
    """Ask another base model the held-out images, before the present one retires; it promotes nothing.

    Counts as one look at the held-out set; the same model again is free.

    Example: kaizen trial gpt-4.1-2025-04-14
    """
    from deployments.commands import try_model

    show(*try_model(folder, model), as_json=as_json)


@click.command("roll-back")
@click.argument("iteration", type=NUMBER, required=False)
@click.option("--why", required=True, help="Goes into the ledger.")
@LOOP
@JSON
def roll_back(iteration: int | None, why: str, folder: Path, as_json: bool) -> None:
    """Let production use an earlier iteration's model again; without ITERATION the champion before.

    Takes seconds while its model deployment is alive; else it is deployed first, which is said.

    Example: kaizen roll-back --why "scratches are missed on line 2"
    """
    from deployments.commands import go_back

    show(*go_back(folder, iteration, why, remark), as_json=as_json)


@click.command()
@click.argument("name")
@LOOP
@JSON
def revive(name: str, folder: Path, as_json: bool) -> None:
    """Deploy a deleted model deployment of the loop again, from its recipe in the ledger.

    Example: kaizen revive steel-i0007
    """
    from deployments.commands import revive_once

    show(*revive_once(folder, name, remark), as_json=as_json)


@click.group()
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
    show(as_lines(loop), as_objects(loop), as_json=as_json)


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
    show([text], {"entries": verified.entries, "head": verified.head}, as_json=as_json)


@click.command()
@click.argument("first", type=NUMBER)
@click.argument("second", type=NUMBER)
@click.option("--html", type=NEW_FILE, help="File to write the comparison to as a page.")
@LOOP
@JSON
def compare(first: int, second: int, html: Path | None, folder: Path, as_json: bool) -> None:
    """Show two iterations' challengers side by side; nothing is asked or bought.

    Example: kaizen compare 2 3 --html comparison.html
    """
    from deployments.compare import compare_iterations

    show(*compare_iterations(folder, first, second, html), as_json=as_json)


@click.command()
@click.option("--images-per-month", "images", type=NUMBER, help="Forecast for so many images.")
@click.option("--tokens-in", type=NUMBER, help="Tokens of a question with its image, instead of the champion's mean.")
@click.option("--tokens-out", type=NUMBER, help="Tokens of an answer, instead of the champion's mean.")
@LOOP
@JSON
def cost(images: int | None, tokens_in: int | None, tokens_out: int | None, folder: Path, as_json: bool) -> None:
    """Show what the loop has cost, what is billed right now, and what a month of production would cost.

    Example: kaizen cost --images-per-month 250000
    """
    from deployments.cost import tell_costs

    show(*tell_costs(folder, images, tokens_in, tokens_out), as_json=as_json)
