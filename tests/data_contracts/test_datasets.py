"""Datasets and held-out versions are known by what they hold, not by its order."""

from datetime import UTC, datetime

from data_contracts.images import Dataset, LabeledImage, Split, held_out_version


def image(digest: str, label: str = "crazing", split: Split = Split.TRAIN, *, hour: int = 8) -> LabeledImage:
    return LabeledImage(
        digest=digest,
        pixel_digest="any",
        label=label,
        group="any",
        split=split,
        source="any",
        who="any",
        labeled_at=datetime(2026, 11, 21, hour, tzinfo=UTC),
        media_type="JPEG",
    )


def test_order_and_time_do_not_change_a_datasets_digest() -> None:
    one, other = Dataset(images=(image("a"), image("b"))), Dataset(images=(image("b", hour=9), image("a")))

    assert one.digest == other.digest


def test_another_label_split_or_image_changes_a_datasets_digest() -> None:
    digests = {
        Dataset(images=images).digest
        for images in (
            (image("a"),),
            (image("a", "scratches"),),
            (image("a", split=Split.VALIDATION),),
            (image("b"),),
            (image("a"), image("b")),
            (),
        )
    }

    assert len(digests) == 6


def test_images_of_a_split_come_in_the_order_of_their_digests() -> None:
    dataset = Dataset(images=(image("c"), image("a"), image("b", split=Split.HELD_OUT)))

    assert [each.digest for each in dataset.of(Split.TRAIN)] == ["a", "c"]


def test_every_split_is_counted_even_when_it_is_empty() -> None:
    assert Dataset(images=(image("a"),)).counts() == {"train": 1, "validation": 0, "held-out": 0}


def test_a_held_out_version_is_known_by_images_and_labels() -> None:
    one, other = [image("a"), image("b")], [image("b"), image("a")]

    assert held_out_version(one) == held_out_version(other)
    assert held_out_version(one) != held_out_version([image("a"), image("b", "scratches")])
