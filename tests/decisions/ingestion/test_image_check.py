"""What a folder of images would become, without changing anything."""

import pytest
from PIL import Image, ImageEnhance, ImageOps

from data_contracts.errors import WrongInput
from data_contracts.findings import Findings
from data_contracts.image_contract import ImageContract, NearDuplicateRule
from data_contracts.images import ImageFacts
from decisions.imaging.images import image_facts
from decisions.ingestion.batch_verdict import KnownImages, judged
from decisions.ingestion.class_folders import class_folder, side_of
from decisions.ingestion.image_check import ImageCheck, Leak, calibrated, check
from tests.decisions.builders import image_contract
from tests.decisions.imaging.test_images import saved
from tests.decisions.pictures import texture


def facts(file: str, image: Image.Image, kind: str = "PNG") -> ImageFacts:
    return image_facts(saved(image, kind), file, class_folder(file))


def checked(*found: ImageFacts, contract: ImageContract | None = None) -> ImageCheck:
    """The report about files, labeled by their folders, of which no rule refuses one."""
    wanted = contract or image_contract()
    verdict = judged(
        found, None, [], KnownImages(), wanted, lambda _facts, _contract, refused: Findings(refused=tuple(refused))
    )
    return check(verdict, wanted)


@pytest.mark.parametrize(
    ("file", "label", "side"),
    [
        ("crazing/a.png", "crazing", None),
        ("train/crazing/a.png", "crazing", "train"),
        ("Test/crazing/deep/a.png", "crazing", "test"),
        ("valid/crazing/a.png", "crazing", "validation"),
        ("a.png", None, None),
        ("train/a.png", None, "train"),
    ],
)
def test_the_folders_name_class_and_side(file: str, label: str | None, side: str | None) -> None:
    assert (class_folder(file), side_of(file)) == (label, side)


@pytest.mark.parametrize("edit", [lambda image: ImageEnhance.Brightness(image).enhance(1.08), ImageOps.mirror])
def test_a_near_copy_on_the_other_side_is_a_leak(edit: object) -> None:
    assert callable(edit)
    found = checked(facts("train/crazing/a.png", texture(1)), facts("test/crazing/b.png", edit(texture(1))))

    assert found.leaks == (Leak(files=("test/crazing/b.png", "train/crazing/a.png"), kind="near"),)
    assert found.near_duplicate_groups == (("test/crazing/b.png", "train/crazing/a.png"),)


def test_an_equal_picture_on_the_other_side_is_an_exact_leak_and_enters_once() -> None:
    found = checked(facts("train/crazing/a.png", texture(1)), facts("val/crazing/b.bmp", texture(1), "BMP"))

    assert found.leaks == (Leak(files=("train/crazing/a.png", "val/crazing/b.bmp"), kind="exact"),)
    assert (found.accepted, len(found.duplicates)) == (1, 1)


def test_copies_on_one_side_are_no_leak() -> None:
    found = checked(facts("train/crazing/a.png", texture(1)), facts("train/crazing/b.png", brighter(texture(1))))

    assert found.leaks == ()
    assert len(found.near_duplicate_groups) == 1


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.05)


def test_conflicts_are_told_apart_from_other_refusals() -> None:
    found = checked(
        facts("crazing/a.png", texture(1)),
        facts("scratches/a.png", texture(1)),
        image_facts(b"no image", "crazing/b.png", "crazing"),
    )

    assert {each.file for each in found.conflicts} == {"crazing/a.png", "scratches/a.png"}
    assert [(each.file, each.code) for each in found.quarantined] == [("crazing/b.png", "not_an_image")]


def test_every_class_is_counted_with_the_splits_it_would_have() -> None:
    found = checked(*(facts(f"crazing/{number}.png", texture(number)) for number in range(12)))

    assert [(each.label, each.count) for each in found.classes] == [("crazing", 12), ("scratches", 0)]
    assert sum(found.classes[0].splits.values()) == 12


def test_distinct_pictures_keep_the_usual_thresholds() -> None:
    textures = [facts(f"{('crazing', 'scratches')[seed % 2]}/{seed}.png", texture(seed)) for seed in range(40)]

    assert calibrated(textures) == NearDuplicateRule()


def test_a_fixed_camera_gets_thresholds_below_the_distances_of_different_parts() -> None:
    scene = texture(1)
    parts = [
        facts(f"{('crazing', 'scratches')[seed % 2]}/{seed}.png", Image.blend(scene, texture(100 + seed), 0.12))
        for seed in range(40)
    ]
    rule = calibrated(parts)

    assert rule is not None
    assert rule.coarse < NearDuplicateRule().coarse or rule.fine < NearDuplicateRule().fine
    assert checked(*parts).stopped
    assert not checked(*parts, contract=image_contract(near_duplicates=rule)).stopped


def test_images_of_one_class_show_no_different_parts_for_sure() -> None:
    with pytest.raises(WrongInput, match="All images are of one class"):
        calibrated([facts(f"crazing/{seed}.png", texture(seed)) for seed in range(3)])


def test_no_threshold_tells_pictures_apart_that_are_all_alike() -> None:
    labels = ("crazing", "scratches")
    alike = [facts(f"{labels[number % 2]}/{number}.png", texture(1)) for number in range(6)]

    assert calibrated(alike) is None
