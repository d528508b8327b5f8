"""What becomes of a batch: who gets in, and why the others stay outside."""

import itertools

from data_contracts.images import ImageFacts, Refusal
from decisions.acceptance import Acceptance, judge_batch
from tests.decisions.builders import facts


def judge(*batch: ImageFacts, broken: tuple[Refusal, ...] = (), **known: str) -> Acceptance:
    """The verdict; *known* maps pictures to the labels accepted earlier."""
    return judge_batch(batch, broken, {f"pixels of {picture}": label for picture, label in known.items()})


def names(verdict: Acceptance) -> tuple[list[str], list[str], list[str]]:
    """Files accepted, refused, and found to be copies."""
    return (
        [fact.file for fact in verdict.accepted],
        [refusal.file for refusal in verdict.refused],
        [refusal.file for refusal in verdict.duplicates],
    )


def unreadable(file: str) -> ImageFacts:
    return ImageFacts(file=file, bytes=0, digest="any", label="crazing", problem="the file is empty")


def test_sound_images_get_in_in_their_order() -> None:
    verdict = judge(facts("b.jpg"), facts("a.jpg", "scratches"))

    assert names(verdict) == (["b.jpg", "a.jpg"], [], [])


def test_an_empty_batch_has_nothing_to_judge() -> None:
    assert names(judge()) == ([], [], [])


def test_an_unreadable_file_is_refused_with_its_problem() -> None:
    verdict = judge(unreadable("crazing/a.jpg"))

    assert verdict.refused == (Refusal(file="crazing/a.jpg", code="not_an_image", reason="the file is empty"),)


def test_a_class_that_the_contract_lacks_is_refused_by_name() -> None:
    verdict = judge(facts("rust/a.jpg", None))

    assert verdict.refused == (
        Refusal(file="rust/a.jpg", code="unknown_class", reason="the contract has no class 'rust'"),
    )


def test_an_image_outside_any_class_folder_is_refused() -> None:
    verdict = judge(facts("a.jpg", None))

    assert verdict.refused[0].reason == "the contract has no class 'no folder'"


def test_a_broken_rule_keeps_an_image_out_and_only_the_first_reason_is_told() -> None:
    first, second = (Refusal(file="a.jpg", code=code, reason="any") for code in ("wrong_width", "wrong_height"))

    verdict = judge(facts("a.jpg"), facts("b.jpg"), broken=(first, second))

    assert names(verdict)[0] == ["b.jpg"]
    assert verdict.refused == (first,)


def test_a_copy_within_a_batch_enters_once() -> None:
    verdict = judge(facts("a.jpg", picture="p"), facts("b.jpg", picture="p"), facts("c.jpg", picture="p"))

    assert names(verdict) == (["a.jpg"], [], ["b.jpg", "c.jpg"])
    assert {refusal.reason for refusal in verdict.duplicates} == {"the same picture as a.jpg"}


def test_a_copy_of_what_was_accepted_earlier_stays_outside() -> None:
    verdict = judge(facts("a.jpg", picture="p"), p="crazing")

    assert names(verdict) == ([], [], ["a.jpg"])
    assert verdict.duplicates[0].reason == "the same picture as an image accepted earlier"


def test_a_copy_of_a_refused_image_takes_its_place() -> None:
    broken = Refusal(file="a.jpg", code="wrong_format", reason="any")

    verdict = judge(facts("a.jpg", picture="p"), facts("b.jpg", picture="p"), broken=(broken,))

    assert names(verdict) == (["b.jpg"], ["a.jpg"], [])


def test_one_picture_with_two_labels_keeps_both_files_out() -> None:
    verdict = judge(facts("a.jpg", "crazing", picture="p"), facts("b.jpg", "scratches", picture="p"))

    assert names(verdict) == ([], ["a.jpg", "b.jpg"], [])
    assert [refusal.reason for refusal in verdict.refused] == [
        "labeled crazing, but the same picture is b.jpg, labeled scratches",
        "labeled scratches, but the same picture is a.jpg, labeled crazing",
    ]


def test_a_third_copy_of_a_disputed_picture_stays_outside_too() -> None:
    copies = [
        facts("a.jpg", "crazing", picture="p"),
        facts("b.jpg", "scratches", picture="p"),
        facts("c.jpg", "crazing", picture="p"),
    ]
    for order in itertools.permutations(copies):
        assert names(judge(*order)) == ([], ["a.jpg", "b.jpg", "c.jpg"], []), order


def test_a_label_that_contradicts_the_history_is_refused() -> None:
    verdict = judge(facts("a.jpg", "scratches", picture="p"), p="crazing")

    assert [(refusal.code, refusal.reason) for refusal in verdict.refused] == [
        ("label_conflict", "labeled scratches, but the same picture is an accepted image labeled crazing")
    ]


def test_a_contradiction_of_the_history_does_not_touch_a_copy_that_agrees_with_it() -> None:
    agrees, contradicts = facts("a.jpg", "crazing", picture="p"), facts("b.jpg", "scratches", picture="p")
    for order in ((agrees, contradicts), (contradicts, agrees)):
        assert names(judge(*order, p="crazing")) == ([], ["b.jpg"], ["a.jpg"])


def test_every_file_of_a_batch_is_accepted_refused_or_a_copy_exactly_once() -> None:
    batch = [
        facts(f"{number}.jpg", label, picture=f"picture {number % 5}")
        for number, label in enumerate(["crazing", "scratches", None, "crazing"] * 6)
    ]

    accepted, refused, copies = names(judge(*batch, unreadable("broken.jpg")))

    assert sorted(accepted + refused + copies) == sorted([*(fact.file for fact in batch), "broken.jpg"])


def test_a_file_that_an_operating_system_left_behind_is_called_a_sidecar() -> None:
    sidecar = ImageFacts(file="crazing/._a.jpg", bytes=9, digest="0" * 64, label="crazing", problem="no image")

    assert [refusal.code for refusal in judge_batch([sidecar], [], {}).refused] == ["sidecar"]
