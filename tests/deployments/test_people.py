"""Which images Azure would probably skip because they show people."""

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from data_contracts.errors import WrongInput
from deployments.check_images import check_folder
from examples.steel_surface import CLASSES, draw, draw_folder
from tasks.intake.people import people_finder

NASTY = os.environ.get("KAIZEN_TEST_NASTY")
with_photographs = pytest.mark.skipif(not NASTY, reason="KAIZEN_TEST_NASTY names no folder with a photograph of a face")


def face() -> Path:
    return Path(str(NASTY)) / "pillow__hopper.jpg"


def test_without_opencv_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(WrongInput, match=r"pip install 'opencv-python-headless<5'"):
        people_finder()


@with_photographs
def test_a_face_is_found() -> None:

    assert people_finder()(face().read_bytes()) == "face"


@pytest.mark.parametrize("defect", CLASSES)
def test_steel_shows_nobody(defect: str) -> None:
    out = io.BytesIO()
    draw(defect, 1).save(out, "JPEG", quality=95)

    assert people_finder()(out.getvalue()) is None


def test_bytes_that_are_no_image_show_nobody() -> None:

    assert people_finder()(b"<html>not found</html>") is None


@with_photographs
def test_the_check_of_a_folder_counts_people_by_class_and_names_the_files(tmp_path: Path) -> None:
    draw_folder(tmp_path, 1)
    shutil.copy(face(), tmp_path / "patches" / "visitor.jpg")
    lines, value = check_folder(tmp_path, None, None, calibrate=False, people=True)

    assert isinstance(value, dict)
    assert value["people"]["classes"] == {**dict.fromkeys(CLASSES, 0), "patches": 1}
    assert "  patches/visitor.jpg: face" in lines
