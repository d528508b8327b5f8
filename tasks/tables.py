"""Records as Parquet tables, one column a field."""

import io
from collections.abc import Iterable
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.record import Record

R = TypeVar("R", bound=Record)


def to_parquet(records: Iterable[R], kind: type[R]) -> bytes:
    """The *records* as a Parquet file; without any, an empty table with the columns of *kind*."""
    rows = [record.model_dump(mode="json") for record in records]
    table = pa.Table.from_pylist(rows) if rows else pa.table({name: [] for name in kind.model_fields})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def from_parquet(content: bytes, kind: type[R]) -> list[R]:
    """The records of a Parquet file that `to_parquet` wrote."""
    # In this thread alone: one that still reads when the process ends aborts it.
    rows = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False).to_pylist()
    return [kind.model_validate(row) for row in rows]
