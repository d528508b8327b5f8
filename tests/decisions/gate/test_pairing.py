"""Two evaluations side by side."""

from data_contracts.evaluation import ClassTable, Evaluation, Outcome, PairedAnswer, PromotionEvidence
from decisions.gate.pairing import by_cohort, paired, promotion_evidence, rival
from tests.decisions.builders import answer, evaluation


def compare(champion: Evaluation, challenger: Evaluation, *, images: int) -> PromotionEvidence:
    return promotion_evidence(champion, challenger, images=images, uses_left=3, alpha_per_use=0.01)


def test_answers_are_laid_side_by_side_in_the_order_of_the_images() -> None:
    champion = evaluation(answer("b", "crazing", "crazing"), answer("a", "patches", None))
    challenger = evaluation(answer("a", "patches", "patches"), answer("b", "crazing", "patches"))

    assert paired(champion, challenger) == (
        PairedAnswer(image="a", expected="patches", champion=None, challenger="patches"),
        PairedAnswer(image="b", expected="crazing", champion="crazing", challenger="patches"),
    )


def test_losses_and_wins_are_counted_overall_and_by_class() -> None:
    champion = evaluation(
        answer("1", "crazing", "crazing"),
        answer("2", "crazing", "crazing"),
        answer("3", "patches", "crazing"),
        answer("4", "patches", None),
        answer("5", "patches", "crazing"),
        answer("6", "crazing", "crazing"),
    )
    challenger = evaluation(
        answer("1", "crazing", "crazing"),
        answer("2", "crazing", None),
        answer("3", "patches", "patches"),
        answer("4", "patches", "patches"),
        answer("5", "patches", "scratches"),
        answer("6", "crazing", "crazing"),
    )

    seen = compare(champion, challenger, images=6)

    assert (seen.n, seen.losses, seen.wins, seen.complete) == (6, 1, 2, True)
    assert seen.classes == {
        "crazing": ClassTable(images=3, losses=1, wins=0),
        "patches": ClassTable(images=3, losses=0, wins=2),
    }


def test_the_budget_is_passed_on_as_it_is() -> None:
    both = evaluation(answer("a", "crazing", "crazing"))

    seen = compare(both, both, images=1)

    assert (seen.uses_left, seen.alpha_per_use) == (3, 0.01)


def test_an_image_that_only_one_of_them_answered_makes_the_evidence_incomplete() -> None:
    champion = evaluation(answer("a", "crazing", "crazing"), answer("b", "crazing", None))
    challenger = evaluation(answer("a", "crazing", "crazing"))

    seen = compare(champion, challenger, images=2)

    assert (seen.n, seen.complete) == (1, False)


def test_an_image_that_neither_answered_makes_the_evidence_incomplete() -> None:
    both = evaluation(answer("a", "crazing", "crazing"))

    assert not compare(both, both, images=2).complete


def test_an_image_answered_twice_does_not_stand_in_for_one_that_was_not() -> None:
    twice = evaluation(answer("a", "crazing", "crazing"), answer("a", "crazing", "crazing"))

    assert not compare(twice, twice, images=2).complete


def test_answers_to_different_held_out_versions_are_no_evidence() -> None:
    champion = evaluation(answer("a", "crazing", "crazing"), version="v1")
    challenger = evaluation(answer("a", "crazing", "crazing"), version="v2")

    assert not compare(champion, challenger, images=1).complete


def test_models_that_answered_nothing_are_incomplete_evidence() -> None:
    seen = compare(evaluation(), evaluation(), images=2)

    assert (seen.n, seen.complete) == (0, False)
    assert seen.champion_failure_share == 1


def test_failures_are_shares_of_each_models_own_answers() -> None:
    champion = evaluation(answer("a", "crazing", "crazing"), answer("b", "crazing", None, Outcome.FAILED))
    challenger = evaluation(answer("a", "crazing", None, Outcome.REFUSED), answer("b", "crazing", "crazing"))

    seen = compare(champion, challenger, images=2)

    assert (seen.champion_failure_share, seen.challenger_failure_share) == (0.5, 0)


def test_wins_by_answers_that_the_service_lost_are_counted_apart() -> None:
    champion = evaluation(
        answer("a", "crazing", None, Outcome.FAILED),
        answer("b", "crazing", None, Outcome.FAILED),
        answer("c", "crazing", None, Outcome.REFUSED),
        answer("d", "crazing", "crazing"),
    )
    challenger = evaluation(
        answer("a", "crazing", "crazing"),
        answer("b", "crazing", None),
        answer("c", "crazing", "crazing"),
        answer("d", "crazing", None),
    )

    seen = compare(champion, challenger, images=4)

    assert (seen.wins, seen.losses, seen.wins_by_failure, seen.losses_by_failure) == (2, 1, 1, 0)
    assert seen.classes["crazing"].wins_by_failure == 1
    assert rival("best", champion, challenger).wins_by_failure == 1
    back = compare(challenger, champion, images=4)
    assert (back.wins, back.losses, back.wins_by_failure, back.losses_by_failure) == (1, 2, 0, 1)


def test_classes_and_batches_know_the_groups_of_their_images() -> None:
    champion = evaluation(*(answer(image, "crazing", None) for image in "abc"), answer("d", "patches", "patches"))
    challenger = evaluation(*(answer(image, "crazing", "crazing") for image in "abc"), answer("d", "patches", None))
    group_of = {"a": "part 1", "b": "part 1", "c": "part 2", "d": "part 2"}

    seen = promotion_evidence(champion, challenger, images=4, uses_left=3, alpha_per_use=0.01, group_of=group_of)

    assert (seen.group_net_wins, seen.group_images) == ((2, 0), (2, 2))
    crazing = seen.classes["crazing"]
    assert (crazing.images, crazing.wins, crazing.group_net_wins, crazing.group_images) == (3, 3, (2, 1), (2, 1))
    monday = by_cohort(champion, challenger, dict.fromkeys("abcd", "monday"), group_of)["monday"]
    assert (monday.images, monday.losses, monday.wins) == (4, 1, 3)
    assert (monday.group_net_wins, monday.group_images) == ((2, 0), (2, 2))
