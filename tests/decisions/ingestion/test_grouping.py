"""Groups and splits of newly accepted images, next to those that are known."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from PIL import Image, ImageEnhance, ImageOps

from data_contracts.image_contract import GroupRule, ImageContract, NearDuplicateRule
from data_contracts.images import ImageFacts, LabeledImage, Split
from decisions.imaging.images import image_facts
from decisions.ingestion.grouping import Placement, place
from decisions.ingestion.splits import split_of
from tests.decisions.builders import by_name, image_contract
from tests.decisions.imaging.test_images import saved
from tests.decisions.pictures import texture

Edit = Callable[[Image.Image], Image.Image]
TRAIN, HELD_OUT = Split.TRAIN, Split.HELD_OUT


def facts(image: Image.Image, file: str = "dent/a.png", label: str = "dent") -> ImageFacts:
    return image_facts(saved(image), file, label)


def known(image: Image.Image, split: Split, *, group: str | None = None, label: str = "dent") -> LabeledImage:
    found = facts(image)
    return LabeledImage(
        digest=found.digest,
        pixel_digest=str(found.pixel_digest),
        label=label,
        group=group or str(found.pixel_digest),
        split=split,
        source="first/a.png",
        who="ines",
        labeled_at=datetime(2026, 11, 21, tzinfo=UTC),
        media_type="PNG",
        phash64=found.phash64,
        phash256=found.phash256,
    )


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.08)


def cropped(image: Image.Image) -> Image.Image:
    margin = image.width // 100
    return image.crop((margin, margin, image.width - margin, image.height - margin))


def splits(placement: Placement) -> dict[str, Split]:
    return {each.facts.file: each.split for each in placement.placed}


def test_a_picture_of_its_own_falls_where_its_hash_says() -> None:
    new = facts(texture(1))
    placed = place([new], [], image_contract()).placed[0]

    assert (placed.group, placed.split) == (new.pixel_digest, split_of(str(new.pixel_digest), image_contract().split))


@pytest.mark.parametrize("edit", [brighter, cropped, ImageOps.mirror])
@pytest.mark.parametrize("split", list(Split))
def test_an_edited_copy_of_a_known_image_joins_its_group_and_split(edit: Edit, split: Split) -> None:
    original = known(texture(1), split)
    placement = place([facts(edit(texture(1)))], [original], image_contract())

    assert [(each.group, each.split) for each in placement.placed] == [(original.group, split)]
    assert placement.near == (("dent/a.png", original.digest),)


def test_near_newcomers_share_one_group_whatever_their_order() -> None:
    new = [facts(texture(1), "dent/a.png"), facts(brighter(texture(1)), "dent/b.png"), facts(texture(2), "dent/c.png")]
    forth, back = place(new, [], image_contract()), place(new[::-1], [], image_contract())

    assert len({each.group for each in forth.placed}) == 2
    assert splits(forth) == splits(back)


def test_a_newcomer_that_bridges_two_splits_is_refused_and_the_held_out_image_leaks() -> None:
    train, held_out = known(texture(1), TRAIN), known(brighter(texture(1)), HELD_OUT)
    placement = place([facts(cropped(texture(1)))], [train, held_out], image_contract())

    assert placement.placed == ()
    assert [(each.code, each.reason) for each in placement.refused] == [
        (
            "bridges_splits",
            "it shows the same part as images on both sides of the held-out set: one in held-out, one in train",
        )
    ]
    assert placement.leaky == (held_out.digest,)


def test_a_group_from_the_file_name_keeps_together_what_looks_different() -> None:
    grouped = image_contract(group=by_name(r"part(?P<group>\d+)"))
    new = [facts(texture(1), "dent/part7_a.png"), facts(texture(2), "dent/part7_b.png")]
    placement = place(new, [known(texture(3), HELD_OUT, group="7")], grouped)

    assert splits(placement) == {"dent/part7_a.png": HELD_OUT, "dent/part7_b.png": HELD_OUT}


def test_without_the_rule_only_equal_names_join() -> None:
    alone = image_contract(near_duplicates=None)
    placement = place([facts(brighter(texture(1)))], [known(texture(1), TRAIN)], alone)

    assert placement.near == ()
    assert placement.placed[0].group == placement.placed[0].facts.pixel_digest


def test_what_only_the_coarse_hash_finds_goes_to_a_person() -> None:
    strict = image_contract(near_duplicates=NearDuplicateRule(coarse=8, fine=0))
    placement = place([facts(cropped(texture(1)))], [known(texture(1), TRAIN)], strict)

    assert placement.near == ()
    assert [pair[0] for pair in placement.to_review] == ["dent/a.png"]


def shots(count: int, labels: tuple[str, ...] = ("dent",)) -> list[ImageFacts]:
    """Return so many exposures of one part."""
    images = (ImageEnhance.Brightness(texture(1)).enhance(1 + number / 100) for number in range(count))
    return [facts(image, f"shot{number}.png", labels[number % len(labels)]) for number, image in enumerate(images)]


def test_a_fixed_camera_on_which_all_looks_alike_stops_the_batch_and_shows_the_chain() -> None:
    placement = place(shots(30), [], image_contract())

    assert placement.placed == ()
    assert str(placement.stopped).startswith("30 of 30 images are nearly the same picture: shot0.png and shot1.png; ")
    assert "nearDuplicates" in str(placement.stopped)


def test_most_of_a_small_set_may_not_be_one_picture() -> None:
    others = [facts(texture(50 + seed), f"other{seed}.png") for seed in range(12)]

    assert place([*shots(8), *others[:6]], [], image_contract()).stopped is not None
    assert place([*shots(8), *others], [], image_contract()).stopped is None


def test_a_few_exposures_of_one_part_are_welcome() -> None:
    assert place(shots(6), [], image_contract()).stopped is None


def test_near_pictures_of_several_classes_stop_the_batch() -> None:
    placement = place(shots(10, ("dent", "crack")), [], image_contract())

    assert ", of the classes crack, dent, are nearly" in str(placement.stopped)


def test_images_from_before_there_were_hashes_are_left_in_peace() -> None:
    old = known(texture(1), TRAIN).model_copy(update={"phash64": None, "phash256": None})

    assert place([facts(brighter(texture(1)))], [old], image_contract()).near == ()


def test_an_empty_batch_has_nothing_to_place() -> None:
    empty: ImageContract = image_contract()

    assert place([], [known(texture(1), TRAIN)], empty) == Placement()


BURST = image_contract(group=GroupRule(source="seconds", seconds=10), near_duplicates=None)


def taken(second: int, file: str, *, camera: str = "A") -> ImageFacts:
    """A shot unlike all others, taken so many seconds after six."""
    when = f"2026-11-25T06:{second // 60:02}:{second % 60:02}"
    return facts(texture(hash_of(file)), file).model_copy(update={"taken_at": when, "camera": camera})


def hash_of(file: str) -> int:
    return sum(file.encode())


def test_shots_that_follow_each_other_closely_are_one_group() -> None:
    new = [taken(0, "dent/a.png"), taken(9, "dent/b.png"), taken(18, "dent/c.png"), taken(60, "dent/d.png")]
    groups = [each.group for each in place(new, [], BURST).placed]

    assert len(set(groups[:3])) == 1
    assert groups[3] != groups[0]


@pytest.mark.parametrize(
    "other", [taken(1, "dent/b.png", camera="B"), taken(1, "dent/line 2/b.png"), taken(11, "dent/b.png")]
)
def test_shots_of_another_camera_folder_or_time_stay_apart(other: ImageFacts) -> None:
    one, two = place([taken(0, "dent/a.png"), other], [], BURST).placed

    assert one.group != two.group


def test_a_shot_right_after_a_known_one_joins_its_group_and_split() -> None:
    first = known(texture(1), HELD_OUT).model_copy(
        update={"taken_at": "2026-11-25T06:00:00", "camera": "A", "source": "monday/dent/x.png"}
    )
    (placed,) = place([taken(5, "dent/a.png")], [first], BURST).placed

    assert (placed.group, placed.split) == (first.group, HELD_OUT)


def test_exposures_that_the_contract_groups_already_are_no_fixed_camera() -> None:
    by_part = image_contract(group=by_name("shot"))

    assert place(shots(30), [], by_part).stopped is None


def test_shots_of_one_part_are_one_group_in_whatever_class_they_are_sorted() -> None:
    one, two = place([taken(0, "dent/a.png"), taken(5, "crack/b.png")], [], BURST).placed

    assert one.group == two.group


def test_a_chain_that_grows_from_batch_to_batch_is_stopped_too() -> None:
    first, *rest = shots(30)
    history = [known(texture(900 + seed), TRAIN) for seed in range(40)]
    grown = [known_as(each, "scene") for each in rest[:25]]

    assert place([first], [*history, *grown], image_contract()).stopped is not None
    assert place([first], [*history, *grown[:2]], image_contract()).stopped is None


def known_as(fact: ImageFacts, group: str) -> LabeledImage:
    """An image accepted earlier, with these facts, in that group."""
    return known(texture(1), TRAIN, group=group).model_copy(
        update={
            "digest": fact.digest,
            "pixel_digest": fact.pixel_digest,
            "phash64": fact.phash64,
            "phash256": fact.phash256,
        }
    )
