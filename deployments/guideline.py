"""`kaizen contract guideline`: the page for the person with the camera, as text or to print."""

from collections.abc import Iterable
from pathlib import Path

from cloud.settings import load_settings
from decisions.contracts.shooting_guideline import Advice, ShootingGuideline, shooting_guideline
from deployments.contract_commands import read_file

TEMPLATE = "guideline.html.j2"


def guideline_of(file: Path | None, loop: Path) -> ShootingGuideline:
    """The guideline of the contract in *file*, without one of the loop in the folder *loop*.

    Raises WrongInput when the file cannot be read, SettingsUnreadable without a loop, ContractBroken for a bad one.
    """
    return shooting_guideline(read_file(file or loop / load_settings(loop).contract))


def as_lines(page: ShootingGuideline) -> list[str]:
    """The guideline as text."""
    lines = [f"How to photograph: {page.contract}, version {page.version}"]
    lines += [f"Questions: {page.owner}"] if page.owner else []
    lines += _section("Each image; without its musts it is not taken:", page.images)
    lines += _section("All images of a delivery together:", page.batches)
    lines += ["", f"Put each image into the folder of its class, at least {page.smallest_class} for each:"]
    for each in page.classes:
        names = ", or ".join((each.name, *each.other_names))
        lines.append(f"  {names}: {each.description}" if each.description else f"  {names}")
    return [*lines, *(f"  No longer used: {each}" for each in page.retired)]


def as_html(page: ShootingGuideline) -> str:
    """The guideline as one HTML page that prints on paper."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)


def _section(title: str, advice: Iterable[Advice]) -> list[str]:
    lines = [_line(each) for each in advice]
    return ["", title, *lines] if lines else []


def _line(each: Advice) -> str:
    reading = f" ({each.reading})" if each.reading else ""
    hint = f". {each.hint}" if each.hint else ""
    return f"  {each.what} {'must' if each.must else 'should'} be: {each.needed}{reading}{hint}"
