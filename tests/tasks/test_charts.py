"""Pictures for reports and artifacts."""

import base64
import io

import numpy as np
from PIL import Image

from data_contracts.training import CurvePoint
from tasks.charts import confusion_counts, confusion_picture, loss_picture, png_url, running_median
from tests.decisions.builders import answer, evaluation

LABELS = ("crazing", "patches", "scratches")


def test_answers_are_counted_by_label_and_answer_with_the_unlabeled_last() -> None:
    answers = evaluation(
        answer("1", "crazing", "crazing"),
        answer("2", "crazing", "crazing"),
        answer("3", "crazing", "patches"),
        answer("4", "patches", "scratches"),
        answer("5", "patches", None),
        answer("6", "patches", None),
    )

    assert confusion_counts(answers, LABELS) == [[2, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 0]]


def test_the_labels_order_decides_rows_and_columns() -> None:
    answers = evaluation(answer("1", "patches", "crazing"))

    assert confusion_counts(answers, ("patches", "crazing")) == [[0, 1, 0], [0, 0, 0]]


def test_every_answer_is_counted_once() -> None:
    answers = [answer(f"{n}", LABELS[n % 3], LABELS[n % 2] if n % 5 else None) for n in range(60)]

    counts = np.array(confusion_counts(evaluation(*answers), LABELS))

    assert counts.sum() == 60
    assert counts.trace() == sum(each.correct for each in answers)


def pixels(counts: list[list[int]], title: str = "any") -> Image.Image:
    picture = Image.open(io.BytesIO(confusion_picture(counts, LABELS, title)))
    picture.load()
    return picture


def test_the_picture_is_a_png_with_something_on_it() -> None:
    picture = pixels([[2, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 0]])

    assert picture.format == "PNG"
    assert np.asarray(picture.convert("L")).std() > 10


def test_the_column_without_a_label_is_drawn_only_when_it_is_needed() -> None:
    without, needed = pixels([[1, 0, 0, 0]] * 3), pixels([[1, 0, 0, 1]] * 3)

    assert without.width < needed.width
    assert without.height == needed.height


def test_a_picture_of_no_answers_can_be_drawn() -> None:
    assert pixels([[0, 0, 0, 0]] * 3).format == "PNG"


def test_other_counts_are_another_picture() -> None:
    one, other = pixels([[9, 0, 0, 0]] * 3), pixels([[0, 9, 0, 0]] * 3)

    assert one.tobytes() != other.tobytes()


def test_a_png_url_decodes_back_to_the_png() -> None:
    png = confusion_picture([[1, 0, 0, 0]] * 3, LABELS, "any")

    head, _, body = png_url(png).partition(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == png


CURVE = [CurvePoint(step=1, train_loss=1.0), CurvePoint(step=10, train_loss=0.1, full_valid_loss=0.5)]


def test_losses_are_drawn_and_the_chosen_checkpoint_is_marked() -> None:
    unmarked, marked = loss_picture(CURVE, None, "any"), loss_picture(CURVE, 10, "any")

    assert Image.open(io.BytesIO(marked)).format == "PNG"
    assert unmarked != marked


def test_a_curve_without_points_can_be_drawn() -> None:
    assert Image.open(io.BytesIO(loss_picture([], None, "any"))).format == "PNG"


def test_a_short_curve_is_drawn_as_it_is_and_a_long_one_as_its_running_median() -> None:
    short = [(step, float(step % 7)) for step in range(99)]
    spike = [(step, 100.0 if step == 300 else 1.0) for step in range(600)]

    assert running_median(short) == short
    assert running_median(spike) == [(step, 1.0) for step in range(600)]
