"""What the drawn steel surfaces promise: the same picture for the same seed, and labeled files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.steel_surface import CLASSES, DEFECTS, draw, draw_folder, main


@pytest.mark.parametrize("defect", CLASSES)
def test_the_same_defect_and_seed_give_the_same_picture(defect: str) -> None:
    assert draw(defect, 7).tobytes() == draw(defect, 7).tobytes()


@pytest.mark.parametrize("defect", CLASSES)
def test_another_seed_gives_another_picture(defect: str) -> None:
    assert draw(defect, 7).tobytes() != draw(defect, 8).tobytes()


@pytest.mark.parametrize("defect", CLASSES)
def test_a_picture_is_greyscale_and_200_pixels_square(defect: str) -> None:
    picture = draw(defect, 1)

    assert picture.mode == "L"
    assert picture.size == (200, 200)


@pytest.mark.parametrize("defect", CLASSES)
def test_a_picture_is_neither_flat_nor_burnt_out(defect: str) -> None:
    for seed in range(10):
        pixels = np.asarray(draw(defect, seed), dtype=np.float64)

        assert pixels.std() > 2
        assert 20 < pixels.mean() < 240


def test_every_defect_draws_differently_from_the_same_seed() -> None:
    assert len({draw(defect, 3).tobytes() for defect in CLASSES}) == 6


def test_every_class_has_a_sentence_that_describes_it() -> None:
    assert tuple(DEFECTS) == CLASSES
    assert all(sentence.endswith(".") for sentence in DEFECTS.values())


def test_an_unknown_defect_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'rust'.*crazing, inclusion, patches, pitted_surface"):
        draw("rust", 1)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        draw("crazing", -1)


def test_the_folder_holds_one_subfolder_per_class_with_numbered_jpegs(tmp_path: Path) -> None:
    paths = draw_folder(tmp_path / "images", per_class=2)

    assert [path.relative_to(tmp_path / "images").as_posix() for path in paths] == [
        f"{defect}/{defect}_{number:04d}.jpg" for defect in CLASSES for number in (1, 2)
    ]
    for path in paths:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "L", (200, 200))


def test_the_folder_holds_nothing_but_the_returned_files(tmp_path: Path) -> None:
    paths = draw_folder(tmp_path, per_class=1)

    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)


def test_first_continues_the_numbers_with_new_pictures(tmp_path: Path) -> None:
    earlier = draw_folder(tmp_path, per_class=1)
    later = draw_folder(tmp_path, per_class=1, first=1)

    assert later[0].name == "crazing_0002.jpg"
    assert earlier[0].read_bytes() != later[0].read_bytes()


def test_a_second_run_returns_the_same_paths_and_writes_nothing(tmp_path: Path) -> None:
    first = draw_folder(tmp_path, per_class=1)
    first[0].write_bytes(b"already there")
    written = [path.stat().st_mtime_ns for path in first]

    again = draw_folder(tmp_path, per_class=1)

    assert again == first
    assert [path.stat().st_mtime_ns for path in again] == written
    assert first[0].read_bytes() == b"already there"


def test_a_failed_write_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)

    with pytest.raises(OSError, match="disk full"):
        draw_folder(tmp_path, per_class=1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("per_class", [0, -3])
def test_fewer_than_one_image_per_class_is_refused(tmp_path: Path, per_class: int) -> None:
    with pytest.raises(ValueError, match=f"per_class must be 1 or more, got {per_class}"):
        draw_folder(tmp_path, per_class=per_class)


def test_a_negative_first_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="first must be 0 or more, got -1"):
        draw_folder(tmp_path, per_class=1, first=-1)


def test_the_command_draws_a_folder_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--per-class", "1"]) == 0

    assert capsys.readouterr().out == f"6 images of 6 classes in {tmp_path}\n"
    assert len(list(tmp_path.glob("*/*_0001.jpg"))) == 6


def test_the_command_refuses_a_bad_count_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--per-class", "0"])

    assert stopped.value.code == 2
    assert "per_class must be 1 or more, got 0" in capsys.readouterr().err
