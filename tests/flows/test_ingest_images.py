"""`ingest_images` on a real Prefect server: what gets in, what stays outside, and what no kill or race can spoil."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect.client.schemas.objects import Artifact
from prefect.settings import PREFECT_API_URL

from cloud.ledger import verify
from data_contracts.images import Split
from decisions.imaging.images import image_facts
from deployments.check_images import check_folder
from flows.ingest_images import BatchesNotTaken, ingest_images
from tasks.intake.inbox import late_files, stray_files
from tasks.intake.quarantine import quarantine_path, refusals
from tasks.labels import accepted_images, labeled_images
from tests.support.artifacts import artifacts_of
from tests.support.loops import LoopFolder, nearly_the_same

pytestmark = pytest.mark.usefixtures("prefect_server")
RUN = "import sys; from flows.ingest_images import ingest_images; ingest_images(sys.argv[1])"
PATIENCE = 60.0


def test_refused_images_are_kept_apart_with_a_reason(loop_folder: LoopFolder, images: Path) -> None:
    files = sorted(images.glob("*/*"))[:5]
    loop_folder.deliver("mixed", files)
    copy = files[1].read_bytes()
    loop_folder.put("mixed/crazing/broken.jpg", copy[:2000])
    loop_folder.put("mixed/crazing/page.jpg", b"<html>not found</html>")
    loop_folder.put("mixed/crazing/again.jpg", copy)
    loop_folder.put("mixed/rust/unknown.jpg", files[2].read_bytes())
    loop = loop_folder.loop()
    (accepted,) = ingest_images(loop_folder.name)

    assert (accepted.accepted, accepted.quarantined, accepted.duplicates) == (5, 3, 1)
    assert {refusal.file: refusal.code for refusal in refusals(loop, accepted)} == {
        "crazing/broken.jpg": "not_an_image",
        "crazing/page.jpg": "not_an_image",
        "rust/unknown.jpg": "unknown_class",
    }
    assert loop.store.get(loop.path("quarantine/mixed/files/rust/unknown.jpg")).content == files[2].read_bytes()


def test_a_batch_is_ingested_once(loop_folder: LoopFolder, images: Path) -> None:
    loop_folder.deliver("one", sorted(images.glob("*/*"))[:5])
    first, again = ingest_images(loop_folder.name), ingest_images(loop_folder.name)

    assert ([each.accepted for each in first], again) == ([5], [])
    assert verify(loop_folder.loop().store, loop_folder.loop().name).entries == 1


def test_images_in_subfolders_belong_to_the_outermost_class(loop_folder: LoopFolder, images: Path) -> None:
    file = sorted(images.glob("scratches/*"))[0]
    loop_folder.put("one/scratches/camera-2/line 7/a.jpg", file.read_bytes())
    (accepted,) = ingest_images(loop_folder.name)

    assert accepted.classes == {"scratches": 1}


def test_a_folder_without_images_is_no_batch_yet(loop_folder: LoopFolder) -> None:
    loop_folder.put("one/.DS_Store", b"x")

    assert ingest_images(loop_folder.name) == []


def test_a_folder_is_checked_against_the_images_of_a_loop(loop_folder: LoopFolder, images: Path) -> None:
    loop_folder.deliver("one", sorted(images.glob("*/*"))[:5])
    ingest_images(loop_folder.name)
    told = check_folder(images, None, loop_folder.path, calibrate=False)[1]

    assert isinstance(told, dict)
    assert sum(each["reason"].endswith(", accepted earlier") for each in told["duplicates"]) == 5


def test_nearly_the_same_picture_stays_on_the_side_of_the_first(loop_folder: LoopFolder, images: Path) -> None:
    files = sorted(images.glob("*/*"))
    loop_folder.deliver("one", files)
    for file in files:
        loop_folder.put(f"two/{file.parent.name}/{file.stem}.png", nearly_the_same(file))
    originals, copies = ingest_images(loop_folder.name)
    loop = loop_folder.loop()
    splits: dict[str, set[Split]] = {}
    for image in labeled_images(loop, loop.state()):
        splits.setdefault(image.source.rpartition("/")[2].partition(".")[0], set()).add(image.split)

    assert copies.near_duplicates == originals.accepted
    assert [name for name, found in splits.items() if len(found) > 1] == []


def test_a_part_stays_in_its_split_when_the_shares_change(loop_folder: LoopFolder, images: Path) -> None:
    contract = loop_folder.path / "contract.odcs.yaml"
    pattern = (
        "      - {property: group, value: {from: file name, pattern: 'part[0-9]+'}}\n      - property: smallestClass"
    )
    grouped = contract.read_text().replace("      - property: smallestClass", pattern)
    contract.write_text(grouped)
    files = sorted(images.glob("*/*"))
    for number, file in enumerate(files):
        loop_folder.put(f"one/{file.parent.name}/part{number % 40}-a{number}.jpg", file.read_bytes())
    ingest_images(loop_folder.name)
    contract.write_text(grouped.replace("held_out: 0.25", "held_out: 0.6").replace('"1.0.0"', '"2.0.0"'))
    for number, file in enumerate(files):
        loop_folder.put(f"two/{file.parent.name}/part{number % 40}-b{number}.png", nearly_the_same(file))
    ingest_images(loop_folder.name)
    loop = loop_folder.loop()

    splits: dict[str, set[Split]] = {}
    for image in labeled_images(loop, loop.state()):
        splits.setdefault(image.group, set()).add(image.split)
    assert len(splits) == 40
    assert all(len(each) == 1 for each in splits.values())


def different(files: list[Path]) -> int:
    """How many pictures the files show: photographs may hold copies."""
    return len({image_facts(file.read_bytes(), file.name).pixel_digest for file in files})


def said(folder: LoopFolder) -> dict[str, str]:
    """The label of each accepted image that a dataset may use, by the name of its file."""
    loop = folder.loop()
    return {Path(image.source).name: image.label for image in labeled_images(loop, loop.state())}


def test_a_labels_sheet_beside_the_files_says_what_they_show(loop_folder: LoopFolder, images: Path) -> None:
    for number, file in enumerate(sorted(images.glob("*/*"))[::20][:3]):
        loop_folder.put(f"form/photos/{number}.jpg", file.read_bytes())
    sheet = "File;Label;Reporter\nphotos/0.jpg;pits;mika\nC:\\photos\\1.jpg;rust;mika\n7.jpg;scratch;mika\n"
    loop_folder.put("form/labels.csv", sheet.encode())
    (accepted,) = ingest_images(loop_folder.name)
    (image,) = accepted_images(loop_folder.loop(), loop_folder.loop().state())

    assert (image.label, image.who, image.source) == ("pitted_surface", "mika", "form/photos/0.jpg")
    assert {each.file: each.code for each in refusals(loop_folder.loop(), accepted)} == {
        "photos/1.jpg": "unknown_class",
        "photos/2.jpg": "unlabeled",
        "7.jpg": "missing_file",
    }


def test_a_batch_that_cannot_be_taken_holds_no_other_up(loop_folder: LoopFolder, images: Path) -> None:
    (file,) = sorted(images.glob("scratches/*"))[:1]
    loop_folder.put("a/photo.jpg", file.read_bytes())
    loop_folder.put("a/labels.csv", b"photo.jpg,scratches\n")
    loop_folder.deliver("b", [file])

    with pytest.raises(
        BatchesNotTaken, match=r"^The batch a is not taken: a/labels.csv has no column for the"
    ) as failed:
        ingest_images(loop_folder.name)
    assert [batch.batch for batch in failed.value.taken] == ["b"]
    assert [batch.batch for batch in loop_folder.loop().state().batches] == ["b"]


@pytest.mark.skipif(os.name != "posix", reason="names that are no UTF-8 exist where names are bytes")
def test_a_file_whose_name_is_no_text_stops_no_batch(loop_folder: LoopFolder, images: Path) -> None:
    file = sorted(images.glob("scratches/*"))[0]
    loop_folder.deliver("one", [file])
    odd = (
        loop_folder.path / "store" / "inbox" / loop_folder.loop().name / "one" / "scratches" / os.fsdecode(b"\xff.jpg")
    )
    odd.write_bytes(file.read_bytes())
    (accepted,) = ingest_images(loop_folder.name)

    assert accepted.accepted == 1
    assert [(each.file, each.code) for each in refusals(loop_folder.loop(), accepted)] == [
        ("scratches/\\udcff.jpg", "bad_name")
    ]


def test_files_that_come_after_their_batch_was_taken_are_told(loop_folder: LoopFolder, images: Path) -> None:
    first, second = sorted(images.glob("scratches/*"))[:2]
    loop_folder.deliver("one", [first])
    ingest_images(loop_folder.name)
    assert late_files(loop_folder.loop()) == {}
    loop_folder.deliver("one", [second])

    loop_folder.put("one/.DS_Store", b"hidden")
    for sheet in ("labels.csv", "labels.xlsx"):
        loop_folder.put(f"one/{sheet}", b"nobody reads it any more")
    loop = loop_folder.loop()
    loop.store.delete(f"inbox/{loop.name}/one/scratches/{first.name}")

    assert ingest_images(loop_folder.name) == []
    assert late_files(loop) == {"one": 1}


def test_files_that_lie_in_no_batch_are_found(loop_folder: LoopFolder) -> None:
    loop_folder.put("photo.jpg", b"any")

    assert stray_files(loop_folder.loop()) == ["photo.jpg"]


def test_a_label_that_a_later_batch_disputes_teaches_nothing_until_it_comes_again(
    loop_folder: LoopFolder, images: Path
) -> None:
    file = sorted(images.glob("scratches/*"))[0]
    loop_folder.put("a/scratches/x.jpg", file.read_bytes())
    loop_folder.put("b/crazing/y.jpg", file.read_bytes())
    _, disputing = ingest_images(loop_folder.name)
    told = {each.file: each.code for each in refusals(loop_folder.loop(), disputing)}
    disputed = said(loop_folder)
    loop_folder.put("c/scratches/z.jpg", file.read_bytes())
    ingest_images(loop_folder.name)

    assert (len(told), set(told.values()), disputed) == (2, {"label_conflict"}, {})
    assert said(loop_folder) == {"x.jpg": "scratches"}


def test_the_splits_are_the_same_however_the_images_are_cut_and_ordered(
    tmp_path: Path, loop_folder: LoopFolder, images: Path
) -> None:
    files = sorted(images.glob("*/*"))[::3]
    other = LoopFolder.make(tmp_path / "other")
    loop_folder.deliver("all", files)
    for number in range(5):
        other.deliver(f"part-{number}", files[::-1][number::5])
    ingest_images(loop_folder.name)
    ingest_images(other.name)

    assert splits(loop_folder) == splits(other)
    assert len(splits(other)) == different(files)


def splits(folder: LoopFolder) -> dict[str, Split]:
    loop = folder.loop()
    return {image.digest: image.split for image in accepted_images(loop, loop.state())}


def started(folder: LoopFolder) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    return subprocess.Popen([sys.executable, "-c", RUN, folder.name], env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_two_runs_at_once_take_each_batch_once(loop_folder: LoopFolder, images: Path) -> None:
    files = sorted(images.glob("*/*"))
    for number in range(4):
        loop_folder.deliver(f"batch-{number}", files[number::4])
        loop_folder.put(f"batch-{number}/crazing/page.jpg", b"<html>")
    runs = [started(loop_folder), started(loop_folder)]
    codes = [run.wait(PATIENCE * 2) for run in runs]
    loop = loop_folder.loop()
    images_in = accepted_images(loop, loop.state())

    assert codes == [0, 0]
    assert len(images_in) == len({image.digest for image in images_in}) == different(files)
    assert [len(refusals(loop, batch)) for batch in loop.state().batches] == [1] * 4
    assert verify(loop.store, loop.name).entries == 4


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["ingestion", "quarantine", "images", "labels"])
def test_a_run_killed_at_any_moment_is_done_again_and_loses_nothing(
    loop_folder: LoopFolder, images: Path, moment: str
) -> None:
    files = sorted(images.glob("*/*"))[::2]
    loop_folder.deliver("one", files)
    loop_folder.put("one/crazing/page.jpg", b"<html>")
    run = started(loop_folder)
    written = (
        loop_folder.path
        / "store"
        / "data"
        / ("images" if moment == "images" else f"loops/{loop_folder.loop().name}/{moment}")
    )
    wait_for(written, run)
    run.send_signal(signal.SIGKILL)
    run.wait(PATIENCE)
    ingest_images(loop_folder.name)
    loop = loop_folder.loop()
    (batch,) = loop.state().batches

    assert (batch.accepted, batch.quarantined) == (different(files), 1)
    assert {image.digest for image in accepted_images(loop, loop.state())} == {
        path.name.partition(".")[0] for path in (loop_folder.path / "store" / "data" / "images").rglob("*.jpg")
    }
    assert loop.store.get(quarantine_path(loop, "one", "crazing/page.jpg")).content == b"<html>"


def wait_for(folder: Path, run: subprocess.Popen[bytes]) -> None:
    """Until something is in *folder*."""
    deadline = time.monotonic() + PATIENCE
    while not (folder.exists() and any(folder.iterdir())):
        assert run.poll() is None, "the run ended before"
        assert time.monotonic() < deadline, f"nothing was written to {folder}"
        time.sleep(0.005)


@pytest.mark.slow
def test_a_dask_cluster_examines_the_images_if_the_settings_say_so(loop_folder: LoopFolder, images: Path) -> None:
    files = sorted(images.glob("*/*"))[::10]
    loop_folder.deliver("one", files)
    settings = loop_folder.path / "kaizen.toml"
    with cluster_of_two() as client:
        address = client.scheduler.address
        settings.write_text(settings.read_text() + f'\n[ingestion]\ntask_runner = "dask"\naddress = "{address}"\n')
        (accepted,) = ingest_images(loop_folder.name)
        worked = client.run(lambda: "tasks.intake.ingestion" in sys.modules)

    assert accepted.accepted == different(files)
    assert any(worked.values())


@contextmanager
def cluster_of_two() -> Iterator[Any]:
    """A client of a Dask cluster of two processes on this machine."""
    import distributed

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:  # type: ignore[no-untyped-call]
        yield client


def artifacts(loop_name: str) -> dict[str, Artifact]:
    """The newest artifact of each key of a loop."""
    return {str(each.key): each for each in artifacts_of(loop_name)[::-1]}


def test_a_run_shows_what_became_of_the_batch(loop_folder: LoopFolder, images: Path) -> None:
    files = sorted(images.glob("*/*"))[:3]
    loop_folder.deliver("one", files)
    loop_folder.put("one/crazing/page|*.jpg", b"<html>")
    loop_folder.put("one/rust/<b>x.jpg", files[0].read_bytes()[:-2] + b"\xff\xd9")
    small = io.BytesIO()
    Image.new("RGB", (10, 10)).save(small, "PNG")
    loop_folder.put("one/crazing/small.png", small.getvalue())
    ingest_images(loop_folder.name)
    loop = loop_folder.loop()
    shown = artifacts(loop.name)

    assert {key.removeprefix(f"{loop.name}-") for key in shown} == {
        "accepted",
        "rules",
        "reasons",
        "quarantined",
        "refused",
        "quarantine",
    }
    assert '"rule": "wrong_width"' in str(shown[f"{loop.name}-rules"].data)
    assert "data:image/jpeg;base64," in str(shown[f"{loop.name}-refused"].data)
    assert "<b>" not in str(shown[f"{loop.name}-refused"].data).replace("\\<b\\>", "")
    assert str(loop_folder.path.resolve()) in str(shown[f"{loop.name}-quarantine"].data)
