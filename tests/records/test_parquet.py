"""Our own Parquet files read as those that pyarrow writes of the same rows, by whoever reads them."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.records.encoding.parquet import Encoder
from sweep.records.rows import to_table
from sweep.records.schemas import KINDS, SCHEMAS

SCHEMA = pa.schema(
    [
        ("small", pa.int32()),
        ("large", pa.int64()),
        ("real", pa.float64()),
        ("text", pa.string()),
        ("truth", pa.bool_()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("none", pa.float64()),
        ("param.train.größe", pa.int64()),
    ],
    metadata={b"sweep.schema": b"metrics/1"},
)
Rows = Sequence[Mapping[str, Any]]

rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "small": st.none() | st.integers(-(2**31), 2**31 - 1),
            "large": st.none() | st.integers(-(2**63), 2**63 - 1),
            "real": st.none() | st.floats(),
            "text": st.none() | st.text(max_size=9),
            "truth": st.none() | st.booleans(),
            "time": st.none() | st.datetimes(timezones=st.just(UTC)),
        },
    ),
    max_size=20,
)


def ours(given_rows: Rows, schema: pa.Schema = SCHEMA) -> bytes:
    return bytes(Encoder(schema, {b"more": b"told"})(given_rows))


def theirs(given_rows: Rows, schema: pa.Schema = SCHEMA) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(to_table(list(given_rows), schema), sink, compression="none", use_dictionary=False)
    return bytes(sink.getvalue().to_pybytes())


def plain(table: pa.Table) -> str:
    """Its values, of which not a number is equal to itself, and zero not to minus zero."""
    return repr(table.to_pylist())


@given(rows)
def test_pyarrow_reads_what_was_written(given_rows: Rows) -> None:
    file = pq.ParquetFile(pa.BufferReader(ours(given_rows)))
    wanted = to_table(list(given_rows), SCHEMA)
    assert file.schema_arrow.equals(SCHEMA)
    assert (file.schema_arrow.metadata or {})[b"sweep.schema"] == b"metrics/1"
    assert file.metadata.metadata[b"more"] == b"told"
    assert plain(file.read()) == plain(wanted)
    assert plain(file.read(columns=["text"])) == plain(wanted.select(["text"]))


@pytest.mark.parametrize("dataset", SCHEMAS)
@pytest.mark.parametrize("count", [0, 1, 8, 9, 70])
def test_all_readers_see_what_they_see_in_pyarrows_own(dataset: str, count: int, tmp_path: Path) -> None:
    schema = SCHEMAS[dataset]
    for name, kind in KINDS.items():
        schema = schema.append(pa.field(f"param.{name}", kind))
    made = [
        {field.name: value(field.type, n) for i, field in enumerate(schema) if (i * 7 + n) % 3}
        for n in range(count)
    ]
    a, b = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    a.write_bytes(ours(made, schema))
    b.write_bytes(theirs(made, schema))
    first, second = (duckdb.sql(f"select * from '{path}'").to_arrow_table() for path in (a, b))
    assert first.schema == second.schema
    assert plain(first) == plain(second)
    assert polars.read_parquet(a).equals(polars.read_parquet(b))
    pandas.testing.assert_frame_equal(pandas.read_parquet(a), pandas.read_parquet(b))
    assert pq.read_schema(a).equals(pq.read_schema(b), check_metadata=False)
    of_pages = pq.read_metadata(a).schema
    assert [of_pages.column(i).logical_type.to_json() for i in range(len(schema))] == [
        pq.read_metadata(b).schema.column(i).logical_type.to_json() for i in range(len(schema))
    ]


def value(kind: pa.DataType, n: int) -> object:
    """A value of a type."""
    if pa.types.is_timestamp(kind):
        return datetime(2026, 3, 4, 5, 6, n % 60, 7, tzinfo=UTC)
    if pa.types.is_floating(kind):
        return math.nan if n == 4 else n / 3
    if pa.types.is_boolean(kind):
        return n % 2 == 0
    return "ä€" * n if pa.types.is_string(kind) else n


@pytest.mark.parametrize(
    ("column", "bad"), [("small", 2**31), ("large", -(2**63) - 1), ("text", "\ud800"), ("large", 0.5)]
)
def test_what_a_column_cannot_hold_is_refused(column: str, bad: object) -> None:
    with pytest.raises(ValueError, match=column if column != "text" else "surrogates"):
        ours([{column: bad}])
