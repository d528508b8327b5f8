"""Images of classes that the model is no longer asked for."""

from datetime import UTC, datetime

from data_contracts.images import ImageFacts, LabeledImage, Split
from decisions.ingestion.acceptance import judge_batch
from decisions.ingestion.retired_classes import of_retired_classes, relabeled, still_asked
from tests.decisions.builders import facts
from tests.support.contracts import read_changed, with_class

NEW = (with_class("grooves"), with_class("hairlines"))
SPLIT = read_changed(with_class("scratches", retired=True, splitInto=["patches", "grooves", "hairlines"]), *NEW)
RENAMED = read_changed(with_class("scratches", retired=True, successor="grooves"), *NEW)
GONE = read_changed(with_class("scratches", retired=True))


def known(name: str, label: str) -> LabeledImage:
    return LabeledImage(
        digest=name,
        pixel_digest=f"pixels of {name}",
        label=label,
        group=name,
        split=Split.TRAIN,
        source="monday",
        who="ines",
        labeled_at=datetime(2026, 11, 21, tzinfo=UTC),
        media_type="JPEG",
    )


def test_an_image_of_a_split_class_goes_to_a_person_with_the_choices() -> None:
    refused = of_retired_classes([facts("a.jpg", "scratches"), facts("b.jpg", "crazing")], SPLIT)

    assert [(each.file, each.code) for each in refused] == [("a.jpg", "split_class")]
    assert refused[0].reason == "the class scratches was split; say whether it is patches, grooves or hairlines"


def test_an_image_of_a_class_that_is_gone_needs_another_class() -> None:
    refused = of_retired_classes([facts("a.jpg", "scratches")], GONE)

    assert [(each.code, "has no successor" in each.reason) for each in refused] == [("retired_class", True)]


def test_a_file_that_is_no_image_has_its_reason_already() -> None:
    broken = ImageFacts(file="a.jpg", bytes=0, digest="any", label="scratches", problem="the file is empty")

    assert of_retired_classes([broken], SPLIT) == []


def test_an_image_accepted_under_a_retired_class_has_its_successors_label() -> None:
    assert [image.label for image in relabeled([known("a", label="scratches")], RENAMED)] == ["grooves"]


def test_an_image_accepted_before_its_class_was_split_waits_for_its_new_label() -> None:
    assert still_asked(relabeled([known("a", label="scratches")], SPLIT), SPLIT) == []


def test_an_image_of_a_split_class_enters_again_under_its_new_label() -> None:
    earlier = known("a", label="scratches")
    again = facts("grooves/a.jpg", "grooves").model_copy(update={"pixel_digest": earlier.pixel_digest})

    labels = {image.pixel_digest: image for image in still_asked([earlier], SPLIT)}

    assert [fact.label for fact in judge_batch([again], [], labels).accepted] == ["grooves"]
