"""What becomes of a batch: who gets in, and why the others stay outside."""

import itertools

from data_contracts.images import Authority, ImageFacts, Refusal, Split
from decisions.ingestion.acceptance import Acceptance, judge_batch
from tests.decisions.builders import facts
from tests.decisions.builders import known as known_image


def judge(*batch: ImageFacts, broken: tuple[Refusal, ...] = (), **known: str) -> Acceptance:
    """The verdict; *known* maps pictures to the labels accepted earlier."""
    earlier = {f"pixels of {picture}": known_image(picture, label) for picture, label in known.items()}
    return judge_batch(batch, broken, earlier)


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
    assert verdict.duplicates[0].reason == "the same picture as image digest of p, accepted earlier"


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
        ("label_conflict", "labeled scratches, but the same picture is earlier/p, accepted as crazing")
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


def test_two_labels_of_equal_authority_put_both_images_in_doubt_and_name_each_other() -> None:
    earlier = known_image("one/a.jpg", "crazing", picture="p")
    verdict = judge_batch([facts("b.jpg", "scratches", picture="p")], [], {"pixels of p": earlier})

    assert [refusal.reason for refusal in verdict.refused] == [
        "labeled scratches, but the same picture is earlier/one/a.jpg, accepted as crazing"
    ]
    assert {digest: (each.file, each.reason) for digest, each in verdict.disputed.items()} == {
        earlier.digest: (
            "earlier/one/a.jpg",
            "labeled crazing, but the same picture is b.jpg of this batch, labeled scratches",
        )
    }


def test_a_label_of_more_weight_is_not_put_in_doubt() -> None:
    expert = known_image("a.jpg", "crazing", picture="p").model_copy(update={"authority": Authority.EXPERT})
    verdict = judge_batch([facts("b.jpg", "scratches", picture="p")], [], {"pixels of p": expert})

    assert ([each.code for each in verdict.refused], dict(verdict.disputed)) == (["label_conflict"], {})


def test_of_a_held_out_image_a_conflict_tells_no_label_and_no_folder() -> None:
    held_out = known_image("crazing/a.jpg", "crazing", picture="p", split=Split.HELD_OUT)
    verdict = judge_batch([facts("b.jpg", "scratches", picture="p")], [], {"pixels of p": held_out})
    told = [each.model_dump_json() for each in (*verdict.refused, *verdict.disputed.values())]

    assert len(told) == 2
    assert not [each for each in told if "crazing" in each]


def test_a_disputed_label_that_comes_again_is_settled() -> None:
    earlier = known_image("a.jpg", "crazing", picture="p")
    again = [facts("c.jpg", "crazing", picture="p")]
    known = {"pixels of p": earlier}

    assert judge_batch(again, [], known, frozenset({earlier.digest})).settled == (earlier.digest,)
    assert judge_batch(again, [], known).settled == ()


def test_a_delivery_that_repeats_both_labels_settles_nothing() -> None:
    earlier = known_image("a.jpg", "crazing", picture="p")
    both = [facts("c.jpg", "crazing", picture="p"), facts("d.jpg", "scratches", picture="p")]
    verdict = judge_batch(both, [], {"pixels of p": earlier}, frozenset({earlier.digest}))

    assert (verdict.settled, list(verdict.disputed)) == ((), [earlier.digest])
