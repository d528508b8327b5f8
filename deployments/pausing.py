"""`kaizen pause` and `kaizen resume`: a person stops what the loop buys, swaps and deletes, and lets it go on."""

import getpass
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from data_contracts.ledger import Actor
from data_contracts.prices import current_prices
from data_contracts.training import is_fine_tuned
from decisions.costs import hosting_cost
from decisions.loop_state import LoopState
from deployments.kept_servers import use_servers_of
from tasks.gate.approvals import day
from tasks.loop import connect
from tasks.pausing import pause_in_force, pause_loop, resume_loop, told

A_DAY = timedelta(days=1)


def pause_for_person(folder: Path, why: str, until: str | None) -> tuple[list[str], dict[str, object]]:
    """Pause the loop in *folder* for whoever runs the command; returns what to print, and the pause as a value.

    Raises WrongInput for an empty *why* and a day that is over.
    """
    use_servers_of(folder)
    loop = connect(str(folder))
    before = pause_in_force(loop)
    written = pause_loop(loop, why, day(until) if until else None, _person())
    state = loop.state()
    assert state.pause is not None
    lines = [told(loop.name, state.pause) if written else f"Nothing changed: {told(loop.name, state.pause)}"]
    if written and before is not None:
        lines.append(f"It takes the place of an earlier pause: {told(loop.name, before)}")
    lines.append("Nothing is bought, swapped or deleted until kaizen resume; kaizen ingest still takes images")
    return [*lines, *_billed(state)], {"pause": state.pause.model_dump(mode="json"), "written": written}


def resume_for_person(folder: Path, why: str) -> tuple[list[str], dict[str, object]]:
    """End the pause of the loop in *folder*; returns what to print, and the pause that is over as a value.

    Raises WrongInput where the loop is not paused.
    """
    use_servers_of(folder)
    loop = connect(str(folder))
    over = resume_loop(loop, why, _person())
    lines = [f"{loop.name} goes on. Its pause is over: {told(loop.name, over)}", "Next: kaizen improve"]
    return lines, {"pause": over.model_dump(mode="json"), "written": True}


def _billed(state: LoopState) -> Iterator[str]:
    """What a pause does not stop: the hours of model deployments."""
    for live in state.deployments.values():
        usd = hosting_cost(A_DAY, live.sku, current_prices()) if is_fine_tuned(live.model) else 0.0
        if usd:
            yield f"Still billed: {live.name}, ${usd:.2f} a day"


def _person() -> Actor:
    return Actor(name=getpass.getuser(), established="command line")
