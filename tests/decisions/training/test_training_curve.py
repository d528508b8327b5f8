"""A job's losses as services write them: two spellings, blanks, and numbers that are none."""

import pytest

from data_contracts.training import CurvePoint
from decisions.training.training_curve import curve_point, merged, read_results, smoothed_train_loss

CSV = "step,train_loss,train_mean_token_accuracy,valid_loss,{},full_valid_loss,full_valid_mean_token_accuracy\n"


@pytest.mark.parametrize("column", ["validation_mean_token_accuracy", "valid_mean_token_accuracy"])
def test_both_spellings_of_the_accuracy_are_read(column: str) -> None:
    (point,) = read_results((CSV.format(column) + "10,0.5,0.8,0.6,0.7,0.61,0.71\n").encode())

    assert point == CurvePoint(
        step=10,
        train_loss=0.5,
        train_accuracy=0.8,
        valid_loss=0.6,
        valid_accuracy=0.7,
        full_valid_loss=0.61,
        full_valid_accuracy=0.71,
    )


@pytest.mark.parametrize("cell", ["", " ", "-1.0", "nan", "NaN", "inf", "n/a"])
def test_a_cell_without_a_number_is_missing(cell: str) -> None:
    (point,) = read_results((CSV.format("valid_mean_token_accuracy") + f"1,{cell},0.5,{cell},,,\n").encode())

    assert (point.train_loss, point.valid_loss, point.full_valid_loss, point.train_accuracy) == (None, None, None, 0.5)


@pytest.mark.parametrize("content", [b"", b"no,table\nat,all\n", b"\xff\xfe\x00", b"step,train_loss\n,0.5\n"])
def test_what_is_no_results_file_has_no_points(content: bytes) -> None:
    assert read_results(content) == ()


def test_a_byte_order_mark_short_lines_and_unknown_columns_do_no_harm() -> None:
    points = read_results(b"\xef\xbb\xbfstep,train_loss,new\n2,0.4,x\n1,0.5\n")

    assert [(each.step, each.train_loss) for each in points] == [(1, 0.5), (2, 0.4)]


def test_what_two_reports_say_of_one_step_is_put_together() -> None:
    both = merged([CurvePoint(step=1, train_loss=0.5), CurvePoint(step=1, full_valid_loss=0.6)])

    assert both == (CurvePoint(step=1, train_loss=0.5, full_valid_loss=0.6),)


def test_a_report_without_a_step_is_no_point() -> None:
    assert curve_point({"train_loss": 0.5}) is None


def test_the_training_loss_at_a_step_is_the_median_of_the_tenth_before_it() -> None:
    curve = [CurvePoint(step=step, train_loss=9.0 if step == 95 else step / 100) for step in range(1, 101)]

    assert smoothed_train_loss(curve, 100) == pytest.approx(0.965)


def test_without_points_near_the_step_nothing_is_smoothed() -> None:
    assert smoothed_train_loss([CurvePoint(step=10, train_loss=0.5)], 100) is None
