"""What the commands of `kaizen` share: options, exit codes, and how they print."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import click

FAILED, INTERRUPTED = 1, 130


class _WholeNumber(click.IntRange):
    """As its parent, which calls a word "not a valid integer range"."""

    name = "whole number"


NUMBER, PORT = _WholeNumber(1), _WholeNumber(0, 65535)
FOLDER = click.Path(path_type=Path)
"""A file or a folder; the commands say themselves what is wrong with one."""


class _NewFile(click.Path):
    """A file to write, in a folder that exists."""

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        path = Path(value)
        if path.is_dir():
            self.fail(f"{str(path)!r} is a folder; name a file in it", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {str(path.parent)!r}; name a file in one that exists", param, ctx)
        return path


def _no_file(_: click.Context, __: click.Parameter, folder: Path) -> Path:
    if folder.is_file():
        raise click.BadParameter(f"{str(folder)!r} is a file; name the folder of the loop that holds it")
    return folder


NEW_FILE = _NewFile()
LOOP = click.option(
    "--loop",
    "folder",
    type=FOLDER,
    default=Path(),
    callback=_no_file,
    help="Folder of the loop, with its kaizen.toml.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def show(lines: Iterable[str], content: object, *, as_json: bool) -> None:
    """Print the *lines* for people, or the *content* as JSON for programs."""
    for line in [json.dumps(content)] if as_json else lines:
        click.echo(line)


def remark(text: str) -> None:
    """Say on standard error what is going on, so that standard output stays what was asked for."""
    click.echo(text, err=True)


def complain(text: str) -> None:
    """Say on standard error, in one line, what went wrong."""
    click.echo(f"kaizen: {' '.join(text.split())}", err=True)
