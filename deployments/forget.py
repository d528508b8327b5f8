"""`kaizen forget`: images leave everything new; what used them is told, and on demand their bytes are deleted."""

import getpass
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_contracts.errors import WrongInput
from data_contracts.ledger import Actor
from decisions.forgetting import Delivered, by_digests, by_source
from decisions.loop_state import LoopState
from tasks.forget.erasing import Erasing, erase
from tasks.forget.forgetting import Uses, forget, refused_images, uses_of
from tasks.gate.evidence_pack import keep_evidence
from tasks.labels import label_history
from tasks.loop import connect
from tasks.reporting.report_pages import redraw_reports


def forget_images(
    folder: Path, digests: Sequence[str], source: str | None, why: str, *, erase_bytes: bool
) -> tuple[list[str], dict[str, object], bool]:
    """Forget the images that *digests* or *source* name; returns what to print, the same as a value, and if it is done.

    It is not when the bytes have to wait for an open iteration. Raises WrongInput when nothing is named, or both are.
    """
    if bool(digests) == (source is not None):
        raise WrongInput("Name the images by their digests, or by --source: one of the two")
    loop = connect(str(folder))
    accepted = list(label_history(loop.store, loop.state()))
    known: list[Delivered] = [*accepted, *refused_images(loop, accepted)]
    images = by_digests(known, digests) if source is None else by_source(known, source)
    actor = Actor(name=getpass.getuser(), established="command line")
    recorded = forget(loop, images, source=source, why=why, erase=erase_bytes, actor=actor)
    erasing = erase(loop, images, source, actor) if erase_bytes else None
    names = [image.digest for image in images]
    redrawn = redraw_reports(loop, names)
    for number in redrawn:
        keep_evidence(loop, number)
    state, uses = loop.state(), uses_of(loop, loop.ledger.read(), names)
    value = {
        "images": names,
        "recorded": recorded,
        "reports_redrawn": list(redrawn),
        "must_restart": state.must_restart,
        **uses.model_dump(mode="json"),
        "erased": erasing.model_dump(mode="json") if erasing else None,
    }
    lines = [*_told(names, uses, state, recorded=recorded), *_told_reports(redrawn)]
    lines += _told_erasing(erasing) if erasing else ()
    return lines, value, erasing is None or erasing.waits_for is None


def _told(names: Sequence[str], uses: Uses, state: LoopState, *, recorded: bool) -> Iterator[str]:
    done = "forgotten: no new dataset takes them" if recorded else "were forgotten before; the ledger stays as it is"
    yield f"{len(names)} images {done}"
    yield f"  datasets:          {_listed(each[:12] for each in uses.datasets)}"
    yield f"  held-out versions: {_listed(each[:12] for each in uses.held_out_versions)}"
    yield f"  iterations:        {_listed(map(str, uses.iterations))}"
    yield f"  model deployments: {_listed(_with_fate(each, state) for each in uses.model_deployments)}"
    if uses.models:
        yield f"These models learned from them and still know them: {', '.join(uses.models)}"
    if state.must_restart:
        yield "The champion is one of these: the next kaizen improve trains its successor from the base model"


def _told_reports(redrawn: Sequence[int]) -> Iterator[str]:
    if redrawn:
        yield f"Their pictures are gone from the reports of iterations {', '.join(map(str, redrawn))}"


def _told_erasing(erasing: Erasing) -> Iterator[str]:
    if erasing.waits_for is not None:
        yield (
            f"Iteration {erasing.waits_for} is open and needs their bytes, so nothing was deleted;"
            " end it with kaizen improve, then run this command again"
        )
        return
    yield f"{erasing.files} files deleted here, {len(erasing.uploaded_files)} training files at the service"
    for loop, digests in erasing.kept_for.items():
        yield f"The bytes of {len(digests)} stay, for the loop {loop} uses them too; run kaizen forget --erase there"


def _with_fate(name: str, state: LoopState) -> str:
    return f"{name} (answers now)" if name in state.deployments else name


def _listed(values: Iterator[str]) -> str:
    return ", ".join(values) or "none"
