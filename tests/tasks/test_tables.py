"""Records as Parquet tables and back."""

import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.evaluation import Answer, Outcome
from data_contracts.images import Authority, ImageFacts, LabeledImage, Refusal, Split
from data_contracts.record import Record
from tasks.tables import from_parquet, to_parquet
from tests.decisions.builders import answer, facts

LABELED = LabeledImage(
    digest="a" * 64,
    pixel_digest="b" * 64,
    label="rolled-in_scale",
    group="Teil-ä 裂 😀",
    split=Split.HELD_OUT,
    authority=Authority.EXPERT,
    source="monday/a.jpg",
    who="ines",
    labeled_at=datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC),
    media_type="JPEG",
)
UNREADABLE = ImageFacts(file="empty.jpg", bytes=0, digest="any", problem="the file is empty")


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ([facts("a.jpg"), UNREADABLE], ImageFacts),
        ([UNREADABLE], ImageFacts),
        ([LABELED, LABELED.model_copy(update={"label": "patches", "crop_of": "c" * 64})], LabeledImage),
        ([answer("a", "crazing", "crazing"), answer("b", "crazing", None, Outcome.FILTERED)], Answer),
        ([Refusal(file="a.jpg", code="wrong_width", reason="width is 50.\nMend it.")] * 1000, Refusal),
    ],
)
def test_records_come_back_as_they_were_and_in_their_order(records: list[Record], kind: type[Record]) -> None:
    assert from_parquet(to_parquet(records, kind), kind) == records


@pytest.mark.parametrize("kind", [ImageFacts, LabeledImage, Answer, Refusal])
def test_no_records_come_back_as_none(kind: type[Record]) -> None:
    assert from_parquet(to_parquet([], kind), kind) == []


def test_an_empty_table_has_the_columns_of_its_records() -> None:
    table = pq.read_table(io.BytesIO(to_parquet([], Refusal)))

    assert table.column_names == ["file", "code", "reason"]


def test_the_same_records_make_the_same_bytes() -> None:
    assert to_parquet([LABELED], LabeledImage) == to_parquet([LABELED], LabeledImage)


def test_records_may_come_one_by_one() -> None:
    assert from_parquet(to_parquet((each for each in [LABELED]), LabeledImage), LabeledImage) == [LABELED]


def test_a_table_of_other_records_is_not_read_as_these() -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_parquet(to_parquet([LABELED], LabeledImage), Refusal)


def test_a_table_of_facts_from_before_there_were_camera_and_evenness_still_loads() -> None:
    old = facts("a.jpg").model_dump(exclude={"aspect", "camera", "taken_at", "evenness", "derivation"})
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([old]), out)

    assert from_parquet(out.getvalue(), ImageFacts) == [facts("a.jpg")]
