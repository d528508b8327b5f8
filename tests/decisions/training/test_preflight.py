"""Whether a set fits into the provider's limits, and what makes it fit."""

import pytest

from data_contracts.limits import current_limits
from decisions.training.preflight import Account, FileToSend, Offer, Preflight, Sent, preflight
from decisions.training.tokens import image_tokens

LIMITS = current_limits()
SMALL = Sent(line_bytes=20_400, image_bytes=15_000, width=200, height=200, text_tokens=100)
PHOTO = Sent(line_bytes=2_000_400, image_bytes=1_500_000, width=2000, height=1500, text_tokens=100)


def checked(
    examples: list[Sent],
    account: Account | None = None,
    *,
    detail: str = "low",
    uploaded: bool = False,
    epochs: int = 3,
) -> Preflight:
    file = FileToSend("train", examples, uploaded=uploaded)
    return preflight([file], detail, epochs, account or Account(), LIMITS)


def offer(verdict: Preflight) -> Offer:
    (made,) = [check.offer for check in verdict.checks if not check.fits]
    assert made is not None
    return made


def test_a_usual_set_fits() -> None:
    assert checked([SMALL] * 1440).fits


def test_too_few_examples_ask_for_more() -> None:
    assert offer(checked([SMALL] * 7)).more_images == 3


def test_too_many_examples_are_to_be_split() -> None:
    made = offer(checked([SMALL._replace(line_bytes=5_000)] * 50_001))

    assert (made.parts, made.leave_out) == (2, 1)


def test_a_file_made_as_small_as_offered_fits() -> None:
    made = offer(checked([PHOTO] * 300))
    assert made.largest_side is not None
    assert made.leave_out is not None
    small = int(1_500_000 * (made.largest_side / 2000) ** 1.5)

    assert checked([PHOTO._replace(line_bytes=small * 4 // 3 + 400, image_bytes=small)] * 300).fits
    assert checked([PHOTO] * (300 - made.leave_out)).fits
    assert not checked([PHOTO] * (301 - made.leave_out)).fits


def test_the_parts_that_are_offered_fit_each() -> None:
    parts = offer(checked([PHOTO] * 400)).parts

    assert parts == 2
    assert checked([PHOTO] * (400 // parts)).fits


def test_one_image_above_the_limit_is_shrunk_or_left_out() -> None:
    large = Sent(line_bytes=16_000_400, image_bytes=12_000_000, width=6000, height=4000, text_tokens=100)
    made = offer(checked([*[SMALL] * 20, large]))

    assert made.leave_out == 1
    assert made.largest_side is not None
    assert 4000 < made.largest_side < 6000


def test_too_many_tokens_at_high_detail_are_met_by_smaller_images() -> None:
    photo = PHOTO._replace(line_bytes=10_000, image_bytes=7_000)
    verdict = checked([photo] * 50_000, detail="high", epochs=50)
    made = offer(verdict)
    assert made.largest_side is not None
    side = made.largest_side
    shrunk = photo._replace(width=side, height=side * 3 // 4)

    assert not verdict.fits
    assert checked([shrunk] * 50_000, detail="high", epochs=50).fits


def test_a_prompt_longer_than_an_example_may_be_is_found() -> None:
    verdict = checked([SMALL._replace(text_tokens=70_000)] * 20)

    assert "tokens of the longest example in the train file: 70,085 of 65,536" in verdict.problems


@pytest.mark.parametrize(
    ("account", "field", "amount"),
    [
        (Account(files=100), "delete_files", 1),
        (Account(bytes=999_900_000), "delete_bytes", 308_000),
        (Account(queued_jobs=20), "wait_for_jobs", 1),
        (Account(jobs=501), "delete_jobs", 2),
        (Account(model_deployments=10), "delete_deployments", 1),
    ],
)
def test_a_full_account_is_told_what_to_free(account: Account, field: str, amount: int) -> None:
    assert getattr(offer(checked([SMALL] * 20, account)), field) == amount


def test_a_file_that_is_there_already_takes_no_more_room() -> None:
    assert checked([SMALL] * 20, Account(files=100, bytes=999_999_999), uploaded=True).fits


def test_what_does_not_fit_is_told_in_one_line_with_a_way_out() -> None:
    problems = checked([SMALL] * 20, Account(files=100)).problems

    assert (
        problems
        == "fine-tuning files of the account: 101 of 100 does not fit; delete 1 fine-tuning files of the account"
    )


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(1024, 1024, 765), (1920, 1080, 1105), (2048, 4096, 1105), (512, 512, 255), (4000, 3000, 765), (128, 64, 255)],
)
def test_tokens_of_an_image_follow_the_documented_examples(width: int, height: int, tokens: int) -> None:
    assert image_tokens(width, height, "high") == tokens
    assert image_tokens(width, height, "low") == 85
