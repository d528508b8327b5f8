"""Rules measured on images: all of them pass, and their like pass too."""

from data_contracts.images import ImageFacts
from decisions.contracts.measured_limits import measured_limits


def fact(**known: object) -> ImageFacts:
    features = {"format": "PNG", "mode": "L", "width": 200, "height": 100, "brightness": 0.5, "contrast": 0.2}
    more = {"sharpness": 80.0, "saturation": 0.0, "evenness": 0.9}
    return ImageFacts.model_validate({"file": "a/1.png", "bytes": 9, "digest": "d" * 64, **features, **more, **known})


def test_sizes_may_be_half_and_double_of_what_is_there() -> None:
    limits = measured_limits([fact(width=200), fact(width=300)])

    assert limits is not None
    assert limits.width == (100, 600)


def test_a_tiny_image_that_is_there_passes() -> None:
    limits = measured_limits([fact(width=8)])

    assert limits is not None
    assert limits.width == (8, 16)


def test_a_share_without_room_below_or_above_has_no_limit_there() -> None:
    limits = measured_limits([fact(brightness=0.05), fact(brightness=0.6)])

    assert limits is not None
    assert limits.brightness == (None, 0.7)


def test_unreadable_files_measure_nothing() -> None:
    assert measured_limits([fact(problem="the file is empty")]) is None


def test_a_limit_that_everything_keeps_is_none() -> None:
    limits = measured_limits([fact(contrast=0.0), fact(contrast=0.2)])

    assert limits is not None
    assert limits.contrast == (None, None)
