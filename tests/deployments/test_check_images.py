"""`kaizen check-images` finds what was planted in a folder, and changes nothing."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageEnhance, ImageOps

from deployments.check_images import check_folder
from tests.support.commands import kaizen

PHOTOGRAPHS = os.environ.get("KAIZEN_TEST_IMAGES")
Edit = Callable[[Image.Image], Image.Image]


def checked(folder: Path) -> dict[str, Any]:
    found = check_folder(folder, None, None, calibrate=False)[1]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def split_by_hand(tmp_path: Path, images: Path) -> Path:
    """A folder with train/ and test/ and no picture on both sides."""
    for file in sorted(images.glob("*/*"))[::8]:
        put(tmp_path / "all", f"train/{file.parent.name}/{file.name}", file.read_bytes())
    for file in sorted(images.glob("*/*"))[4::8]:
        put(tmp_path / "all", f"test/{file.parent.name}/{file.name}", file.read_bytes())
    return tmp_path / "all"


def put(folder: Path, file: str, content: bytes) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def saved(image: Image.Image, kind: str = "JPEG", **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def crop(image: Image.Image) -> Image.Image:
    """Two percent less at each side."""
    width, height = image.size
    edges = (width // 50, height // 50, width - width // 50, height - height // 50)
    return image.crop(edges)


def test_without_a_plant_no_picture_is_on_both_sides(split_by_hand: Path) -> None:
    found = checked(split_by_hand)

    assert (found["leaks"], found["conflicts"], found["quarantined"]) == ([], [], [])
    assert found["accepted"] == found["images"] == sum(1 for _ in split_by_hand.rglob("*.jpg"))


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        pytest.param(None, "exact", id="byte copy"),
        pytest.param(lambda image: image, "near", id="encoded anew"),
        pytest.param(crop, "near", id="crop of two percent"),
        pytest.param(ImageOps.mirror, "near", id="mirrored"),
        pytest.param(lambda image: ImageEnhance.Brightness(image).enhance(1.15), "near", id="brightened"),
    ],
)
def test_a_copy_across_the_split_is_a_leak(split_by_hand: Path, edit: Edit | None, kind: str) -> None:
    original = sorted(split_by_hand.glob("train/scratches/*"))[0]
    with Image.open(original) as image:
        copy = original.read_bytes() if edit is None else saved(edit(image.convert("RGB")), quality=60)
    put(split_by_hand, "test/scratches/planted.jpg", copy)
    leaks = checked(split_by_hand)["leaks"]

    assert leaks == [{"files": ["test/scratches/planted.jpg", f"train/scratches/{original.name}"], "kind": kind}]


def test_a_mask_beside_an_image_is_no_image(split_by_hand: Path) -> None:
    images = checked(split_by_hand)["images"]
    first = min(split_by_hand.rglob("*.jpg"))
    with Image.open(first) as picture:
        first.with_suffix(".mask.png").write_bytes(saved(picture.convert("L"), "PNG"))

    assert checked(split_by_hand)["images"] == images


def test_one_picture_in_two_classes_is_a_conflict_that_names_both(split_by_hand: Path) -> None:
    original = sorted(split_by_hand.glob("train/scratches/*"))[0]
    put(split_by_hand, "train/crazing/planted.jpg", original.read_bytes())
    reasons = {each["file"]: each["reason"] for each in checked(split_by_hand)["conflicts"]}

    assert reasons == {
        f"train/scratches/{original.name}": "labeled scratches, but the same picture is train/crazing/planted.jpg,"
        " labeled crazing",
        "train/crazing/planted.jpg": f"labeled crazing, but the same picture is train/scratches/{original.name},"
        " labeled scratches",
    }


@pytest.mark.parametrize("name", ["Scratch ", "SCRATCHES", "scratch", " scratches"])
def test_an_alias_or_a_careless_folder_name_is_understood(tmp_path: Path, images: Path, name: str) -> None:
    contract = Path(__file__).resolve().parents[2] / "data_contracts" / "steel_surface.odcs.yaml"
    file = sorted(images.glob("scratches/*"))[0]
    put(tmp_path, f"{name}/a.jpg", file.read_bytes())
    found = check_folder(tmp_path, contract, None, calibrate=False)[1]

    assert isinstance(found, dict)
    assert [each["label"] for each in found["classes"] if each["count"]] == ["scratches"]


def test_a_fixed_camera_on_which_all_is_near_all_is_stopped_with_a_way_out(tmp_path: Path, images: Path) -> None:
    with Image.open(sorted(images.glob("scratches/*"))[0]) as image:
        part = image.convert("RGB")
    for number in range(60):
        moved = part.copy()
        moved.paste((number, 90, 90), (40 + number, 40, 44 + number, 44))
        put(tmp_path, f"{'scratches' if number % 2 else 'crazing'}/{number}.png", saved(moved, "PNG"))
    stopped = str(checked(tmp_path)["stopped"])

    assert "60 of 60 images, of the classes crazing, scratches, are nearly the same picture" in stopped
    assert "kaizen check-images --calibrate" in stopped


def test_the_command_tells_the_same_as_json_and_changes_nothing(split_by_hand: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in split_by_hand.rglob("*")}
    done = kaizen("check-images", split_by_hand, "--json")
    found = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert found == checked(split_by_hand)
    assert {path: path.stat().st_mtime_ns for path in split_by_hand.rglob("*")} == before


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS, reason="set KAIZEN_TEST_IMAGES to a folder of class folders to check all of it")
def test_of_the_photographs_all_get_in_but_copies() -> None:
    found = checked(Path(str(PHOTOGRAPHS)))

    assert (found["quarantined"], found["conflicts"], found["near_duplicate_groups"]) == ([], [], [])
    assert found["accepted"] + len(found["duplicates"]) == found["images"]
