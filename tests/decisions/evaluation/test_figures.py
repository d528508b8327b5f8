"""Figures of an evaluation, held against scikit-learn and tables made by hand."""

import random

import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from data_contracts.evaluation import Answer, Outcome
from data_contracts.figures import ModelFigures
from data_contracts.prices import current_prices
from decisions.evaluation.calibration import calibration
from decisions.evaluation.figures import NO_LABEL, confusion, model_figures
from decisions.evaluation.gap import gap, newcombe
from decisions.evaluation.latency import latency
from decisions.evaluation.slices import slices
from tests.decisions.builders import BASE, answer, evaluation

LABELS = ("crazing", "inclusion", "scratches")


def drawn(count: int = 300) -> list[Answer]:
    dice = random.Random(7)
    return [answer(f"d{number}", dice.choice(LABELS), dice.choice((*LABELS, None))) for number in range(count)]


def figures(*answers: Answer, labels: tuple[str, ...] = LABELS, model: str = BASE) -> ModelFigures:
    return model_figures(evaluation(*answers, model=model), "challenger", labels, current_prices())


def test_classes_and_accuracy_are_those_of_scikit_learn() -> None:
    answers = drawn()
    expected, given = [each.expected for each in answers], [each.given or NO_LABEL for each in answers]
    found = figures(*answers)

    assert found.accuracy == pytest.approx(accuracy_score(expected, given))
    for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        asked = score(expected, given, labels=list(LABELS), average=None)
        assert [getattr(each, name) for each in found.classes] == pytest.approx(list(asked))


def test_macro_f1_is_the_mean_over_classes_that_have_images() -> None:
    found = figures(answer("a", "crazing", "crazing"), answer("b", "inclusion", "crazing"))

    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    assert found.classes[2].recall is None


def test_what_is_no_label_has_a_column_of_its_own_and_counts_as_confused() -> None:
    answers = [answer("a", "crazing", None), answer("b", "crazing", "crazing"), answer("c", "scratches", "crazing")]

    assert confusion(answers, LABELS) == ((1, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 0))
    assert [(pair.label, pair.given) for pair in figures(*answers).confused] == [
        ("scratches", "crazing"),
        ("crazing", NO_LABEL),
    ]


def test_answers_to_no_image_of_the_labels_still_make_a_table() -> None:
    assert confusion([answer("a", "retired", "crazing")], LABELS) == ((0, 0, 0, 0),) * 3


def test_one_class_alone_has_figures() -> None:
    found = figures(answer("a", "crazing", "crazing"), labels=("crazing",))

    assert (found.accuracy, found.macro_f1, found.confused) == (1.0, 1.0, ())


def test_graded_texts_have_neither_classes_nor_a_matrix() -> None:
    chat = answer("a", "chat", None, Outcome.TEXT).model_copy(update={"passed": True, "text": "Stay safe!"})
    found = figures(chat, labels=())

    assert (found.accuracy, found.classes, found.confusion, found.macro_f1) == (1.0, (), (), None)


def test_a_model_without_a_price_has_no_cost() -> None:
    assert figures(answer("a", "crazing", "crazing"), model="any-7b").usd is None


def test_failed_answers_took_no_time_that_counts() -> None:
    slow = [answer(str(ms), "crazing", "crazing").model_copy(update={"latency_ms": ms}) for ms in range(1, 102)]
    failed = answer("x", "crazing", None, Outcome.FAILED).model_copy(update={"latency_ms": 60_000})
    found = latency([*slow, failed])

    assert found is not None
    assert found.percentiles == pytest.approx({"50": 51, "90": 91, "95": 96, "99": 100})
    assert sum(found.counts) == 101


def test_answers_by_batch_have_no_latency_and_do_not_lower_that_of_the_others() -> None:
    direct = answer("a", "crazing", "crazing")
    batched = direct.model_copy(update={"image": "b", "latency_ms": None})

    found = latency([direct, batched])

    assert latency([batched]) is None
    assert found is not None
    assert (found.answers, found.percentiles["50"]) == (1, 300)


def test_nothing_answered_has_no_latency() -> None:
    assert latency([answer("x", "crazing", None, Outcome.FAILED)]) is None


def test_small_slices_are_pooled_and_the_worst_comes_first() -> None:
    answers = [
        answer(f"{batch}{number}", "crazing", "crazing" if batch == "b" else None)
        for batch, size in (("a", 20), ("b", 20), ("c", 3), ("d", 4))
        for number in range(size)
    ]
    found = slices(answers, {"batch": {each.image: each.image[0] for each in answers}})

    assert [(each.name[:1], each.images, each.correct) for each in found] == [("a", 20, 0), ("b", 20, 20), ("2", 7, 0)]


def test_calibration_error_is_the_weighted_distance_in_ten_bins() -> None:
    sure = [answer(f"s{n}", "crazing", "crazing" if n < 8 else "inclusion") for n in range(10)]
    told = [each.model_copy(update={"confidence": 0.95}) for each in sure]
    unsure = answer("u", "crazing", "crazing").model_copy(update={"confidence": 0.55})
    found = calibration([*told, unsure, answer("not known", "crazing", "crazing")])

    assert found is not None
    assert found.expected_error == pytest.approx((10 * 0.15 + 1 * 0.45) / 11)
    assert found.answers == 11


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    found = calibration([answer("a", "crazing", "crazing").model_copy(update={"confidence": 1.0})])

    assert found is not None
    assert found.bins[-1].answers == 1


def test_without_probabilities_there_is_no_calibration() -> None:
    assert calibration([answer("a", "crazing", "crazing")]) is None


def test_newcombe_gives_the_interval_of_his_paper() -> None:
    assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_clear_gap_is_said_to_be_one_and_a_small_one_is_not() -> None:
    assert gap((195, 200), (800, 1000)).meaning.startswith("Better on validation")
    assert gap((160, 200), (990, 1000)).meaning.startswith("Better on held-out")
    assert gap((160, 200), (800, 1000)).meaning.startswith("No gap beyond chance")


def test_a_kind_with_one_slice_only_is_left_out() -> None:
    answers = [answer(f"a{number}", "crazing", "crazing") for number in range(30)]

    assert slices(answers, {"batch": {each.image: "monday" for each in answers}}) == ()
