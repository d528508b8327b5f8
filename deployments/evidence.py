"""`kaizen evidence`: the evidence pack of a decision, checked and copied out."""

from pathlib import Path

from cloud.store import NotFound
from tasks.gate.approvals import answered
from tasks.gate.evidence_pack import check_evidence, evidence, evidence_path
from tasks.loop import Loop, connect


def copy_evidence(folder: Path, number: int, to: Path | None) -> tuple[list[str], object]:
    """Check the pack of iteration *number*, write it to *to* unless that is None; returns what to print, and a value.

    Raises WrongInput for an iteration without a decision, CloudRefused for a pack that was changed.
    """
    loop = connect(str(folder))
    content = _pack(loop, number)
    decision = check_evidence(content)
    decided = decision["decided"]
    assert isinstance(decided, dict)
    lines = [f"Iteration {number}: {decided['code']}, {decided['reason']}"]
    lines += [told] if (told := answered(loop.iteration(number))) else []
    lines.append("Every file is as the manifest says.")
    if to is None:
        lines.append(f"The pack is {evidence_path(loop, number)} in the store; --to FILE copies it out.")
    else:
        to.write_bytes(content)
        lines.append(f"Written to {to}, {len(content):,} bytes.")
    return lines, {"path": evidence_path(loop, number), "bytes": len(content), **decision}


def _pack(loop: Loop, number: int) -> bytes:
    iteration = loop.known_iteration(number)
    try:
        return loop.store.get(evidence_path(loop, number)).content
    except NotFound:
        return evidence(loop, iteration)  # a decision from before packs were kept
