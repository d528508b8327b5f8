"""The evidence pack of a decision: one zip with all that an auditor needs to follow it, and no held-out image."""

import csv
import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version

from prefect import task
from prefect.artifacts import create_markdown_artifact

from cloud.errors import CloudRefused
from cloud.store import NotFound
from data_contracts.evaluation import PairedAnswer
from data_contracts.ledger import HeldOutVersionMade
from data_contracts.limits import current_limits
from data_contracts.models import current_models
from data_contracts.prices import current_prices
from decisions.loop_state import Iteration
from tasks.gate.approvals import answered
from tasks.intake.contract_history import kept_contract_path
from tasks.loop import Loop, Turn, connect
from tasks.retrying import PATIENTLY
from tasks.tables import from_parquet

NAME = "evidence.zip"
MANIFEST = "manifest.json"
REPORTS = ("report.html", "report.json")
LIBRARIES = (
    "azure-identity", "azure-mgmt-cognitiveservices", "kaizen", "numpy", "openai", "prefect", "scikit-learn", "scipy",
)  # fmt: skip
COLUMNS = ("row", "label", "answer before", "right before", "answer of the challenger", "right of the challenger")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time that every file of the pack bears, so that the same evidence has the same bytes."""

README = """Evidence for a decision of Kaizen
=================================

Loop {loop}, iteration {number}: {code}

    {reason}
{answered}
This pack documents one release decision about a classification model: what was compared, by which rule, on which data,
and who answered where a person had to. It is meant to be filed as a record of a design or process change (ISO 9001,
8.3.6 and 8.5.6; IATF 16949, 8.5.6.1).

decision.json        the verdict with its figures, the policy that it went by, and a person's answer if there was one
paired_answers.csv   each held-out image once: its label, and what both models answered
data.json            the dataset that the model learned from and the held-out set that decided, by their digests
contract.odcs.yaml   the data contract that was in force (Open Data Contract Standard)
report.html, .json   the report as it was published for people and for programs
ledger/              the entries of this iteration, byte for byte as they stand in the ledger
versions.json        software and dated tables (prices, models, limits) that were used
manifest.json        SHA-256 of every file in this pack

Held-out images are not in this pack, and its rows bear no digest of one: a held-out image that is handed around may
find its way into training, and would then prove nothing. The order of the rows tells nothing of the images.
To check a row against its image, ask the owner of the loop; the answers are kept in its store.

To check this pack: the SHA-256 of every file has to be the one in manifest.json, and each file in ledger/ names in
"previous" the SHA-256 of the entry before it. `kaizen evidence {number}` checks the first, and
`kaizen ledger verify --head {head}`
proves that the ledger still holds all that it held when this pack was made.
"""


@task(**PATIENTLY)
def publish_evidence(turn: Turn) -> str | None:
    """Write the pack beside the iteration's report and name it on the run; None before there is a decision."""
    loop = connect(turn.folder)
    content = keep_evidence(loop, turn.iteration)
    if content is None:
        return None
    path = evidence_path(loop, turn.iteration)
    create_markdown_artifact(
        f"Evidence of iteration {turn.iteration}: `{path}`, SHA-256 `{hashlib.sha256(content).hexdigest()}`\n\n"
        f"To copy and check it: `kaizen evidence {turn.iteration} --to evidence-{turn.iteration}.zip`",
        key=f"{loop.name}-evidence",
        description=f"Iteration {turn.iteration}",
    )
    return path


def keep_evidence(loop: Loop, number: int) -> bytes | None:
    """Make the pack of an iteration anew and keep it; returns it, None before there is a decision."""
    iteration = loop.iteration(number)
    if iteration.decided is None:
        return None
    content = evidence(loop, iteration)
    loop.store.put(evidence_path(loop, number), content)
    return content


def evidence_path(loop: Loop, number: int) -> str:
    """Where the pack of an iteration is kept."""
    return loop.iteration_path(number, NAME)


def evidence(loop: Loop, iteration: Iteration) -> bytes:
    """The pack as a zip; the same ledger and reports give the same bytes. Raises CloudRefused before a decision."""
    if iteration.decided is None:
        raise CloudRefused(f"Iteration {iteration.number} has no decision yet, so there is no evidence of one")
    files = dict(_files(loop, iteration))
    files[MANIFEST] = _json({name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in sorted(files.items()):
            pack.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def check_evidence(content: bytes) -> Mapping[str, object]:
    """The decision in a pack; raises CloudRefused where a file is not as its manifest says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            files = {name: pack.read(name) for name in pack.namelist()}
    except (zipfile.BadZipFile, EOFError) as error:
        raise CloudRefused(f"The evidence pack cannot be read: {error}") from error
    manifest = json.loads(files.pop(MANIFEST, b"{}"))
    for name in sorted(manifest.keys() | files.keys()):
        found = hashlib.sha256(files[name]).hexdigest() if name in files else "missing"
        if manifest.get(name) != found:
            raise CloudRefused(f"{name} in the evidence pack is not what the manifest says; make the pack anew")
    decision: Mapping[str, object] = json.loads(files["decision.json"])
    return decision


def _files(loop: Loop, iteration: Iteration) -> Iterator[tuple[str, bytes]]:
    numbers = [entry.number for entry in loop.ledger.read() if entry.iteration == iteration.number]
    yield "README.txt", _readme(loop, iteration, numbers[-1])
    yield "decision.json", _json(_decision(iteration))
    yield "data.json", _json(_data(loop, iteration))
    yield "versions.json", _json(_versions())
    for number in numbers:
        yield f"ledger/{number:08d}.json", loop.ledger.stored(number)
    kept = {"contract.odcs.yaml": kept_contract_path(loop, iteration.contract)}
    kept |= {name: loop.iteration_path(iteration.number, name) for name in REPORTS}
    for name, path in kept.items():
        try:
            yield name, loop.store.get(path).content
        except NotFound:
            continue
    pairs = _paired(loop, iteration, numbers[-1])
    if pairs is not None:
        yield "paired_answers.csv", pairs


def _readme(loop: Loop, iteration: Iteration, last: int) -> bytes:
    decided, answer = iteration.decided, ""
    assert decided is not None
    if iteration.approved is not None:
        answer = f"\n    {answered(iteration)}\n"
    return README.format(
        loop=loop.name,
        number=iteration.number,
        code=decided.code,
        reason=decided.reason,
        answered=answer,
        head=hashlib.sha256(loop.ledger.stored(last)).hexdigest(),
    ).encode()


def _decision(iteration: Iteration) -> Mapping[str, object]:
    decided, approved = iteration.decided, iteration.approved
    who = {"by": iteration.approved_by, "established": iteration.approved_as, "at": str(iteration.approved_at)}
    return {
        "decided": decided.model_dump(mode="json") if decided else None,
        "approved": approved.model_dump(mode="json") | who if approved else None,
        "outcome": iteration.closed.outcome if iteration.closed else "open",
    }


def _data(loop: Loop, iteration: Iteration) -> Mapping[str, object]:
    looked = iteration.looked
    made = [each for each in loop.state().held_out_versions if looked and each.version == looked.version]
    version_made: HeldOutVersionMade | None = made[0] if made else None
    return {
        "dataset": iteration.dataset.model_dump(mode="json") if iteration.dataset else None,
        "held_out": version_made.model_dump(mode="json") if version_made else None,
        "parent": iteration.opened.parent,
        "training": iteration.intended.request.model_dump(mode="json") if iteration.intended else None,
        "evaluations": [each.model_dump(mode="json") for each in iteration.evaluations.values()],
    }


def _versions() -> Mapping[str, object]:
    limits = current_limits()
    return {
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "prices_as_of": str(current_prices().as_of),
        "models_as_of": str(current_models().as_of),
        "limits_as_of": str(min(getattr(limits, name).as_of for name in type(limits).model_fields)),
    }


def _paired(loop: Loop, iteration: Iteration, last: int) -> bytes | None:
    """The paired answers as CSV, in an order that tells nothing of the images; None where nothing was paired."""
    try:
        stored = loop.store.get(loop.iteration_path(iteration.number, "evaluation.parquet")).content
    except NotFound:
        return None
    salt = hashlib.sha256(loop.ledger.stored(last)).digest()
    pairs = sorted(
        from_parquet(stored, PairedAnswer), key=lambda pair: hashlib.sha256(salt + pair.image.encode()).digest()
    )
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row, pair in enumerate(pairs, start=1):
        before, after = pair.champion or "", pair.challenger or ""
        table.writerow((row, pair.expected, before, pair.champion_right, after, pair.challenger_right))
    return out.getvalue().encode()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str).encode() + b"\n"
