"""The evidence pack of a decision, of a real iteration."""

import io
import itertools
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cloud.errors import CloudRefused
from data_contracts.ledger import entry_hash
from deployments.evidence import copy_evidence
from flows.improve_model import improve_model
from tasks.datasets import held_out_images
from tasks.gate.evidence_pack import check_evidence, evidence
from tests.support.loops import LoopFolder

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def decided(filled: LoopFolder) -> LoopFolder:
    """A loop whose first challenger was decided on."""
    improve_model(filled.name)
    return filled


def packed(folder: LoopFolder) -> bytes:
    loop = folder.loop()
    return evidence(loop, loop.iteration(1))


def files_of(content: bytes) -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def without(content: bytes, name: str, instead: bytes | None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for each, held in files_of(content).items():
            if each != name:
                pack.writestr(each, held)
            elif instead is not None:
                pack.writestr(each, instead)
    return out.getvalue()


def test_the_same_evidence_has_the_same_bytes(decided: LoopFolder) -> None:
    assert packed(decided) == packed(decided)


def test_the_pack_tells_the_decision(decided: LoopFolder) -> None:
    made = decided.loop().iteration(1).decided
    assert made is not None
    told = check_evidence(packed(decided))
    assert told["decided"] == made.model_dump(mode="json")


def test_no_held_out_image_is_known_from_the_pack(decided: LoopFolder) -> None:
    loop = decided.loop()
    version = loop.state().held_out
    assert version is not None
    everything = b"".join(files_of(packed(decided)).values()).decode()
    digests = [image.digest for image in held_out_images(loop, version)]
    assert not [digest for digest in digests if digest in everything or digest[:16] in everything]


def test_the_paired_answers_add_up_to_the_verdict(decided: LoopFolder) -> None:
    made = decided.loop().iteration(1).decided
    assert made is not None
    _, *rows = files_of(packed(decided))["paired_answers.csv"].decode().splitlines()
    told = [(row.split(",")[3], row.split(",")[5]) for row in rows]
    assert (len(told), told.count(("True", "False")), told.count(("False", "True"))) == (made.n, made.losses, made.wins)


def test_the_entries_are_those_of_the_ledger_and_hang_together(decided: LoopFolder) -> None:
    files = files_of(packed(decided))
    entries = [content for name, content in sorted(files.items()) if name.startswith("ledger/")]
    for before, after in itertools.pairwise(entries):
        if json.loads(after)["number"] == json.loads(before)["number"] + 1:
            assert json.loads(after)["previous"] == entry_hash(before)
    assert len(entries) > 5


@pytest.mark.parametrize("instead", [b"1,crazing,crazing,True,crazing,True\n", None])
def test_a_changed_or_missing_file_is_named(decided: LoopFolder, instead: bytes | None) -> None:
    with pytest.raises(CloudRefused, match=r"paired_answers\.csv"):
        check_evidence(without(packed(decided), "paired_answers.csv", instead))


def test_the_pack_is_checked_and_copied_out(decided: LoopFolder, tmp_path: Path) -> None:
    lines, _ = copy_evidence(Path(decided.name), 1, tmp_path / "pack.zip")

    assert "Every file is as the manifest says." in lines
    assert (tmp_path / "pack.zip").read_bytes() == packed(decided)


def test_what_is_no_zip_is_refused_in_a_line() -> None:
    with pytest.raises(CloudRefused, match="cannot be read"):
        check_evidence(b"no zip")
