"""A sealed part is right or refused, and an ordinary Parquet file to everybody else."""

import io

import pandas
import pyarrow as pa
import pytest

from sweep.records.parts.sealed import KEY, BrokenPartError, seal, unseal

TABLE = pa.table(
    {"kimg": [float(n) for n in range(50)], "text": ["x" * n for n in range(50)], "none": pa.nulls(50)}
).replace_schema_metadata({b"sweep.schema": b"metrics/1"})


def same(first: pa.Table, second: pa.Table) -> bool:
    return first.replace_schema_metadata().equals(second.replace_schema_metadata())


def test_it_can_be_read_by_all() -> None:
    data = seal(TABLE)
    assert same(unseal(data).read(), TABLE)
    assert unseal(data).schema_arrow.metadata[b"sweep.schema"] == b"metrics/1"
    assert pandas.read_parquet(io.BytesIO(data))["kimg"].sum() == sum(range(50))


def test_no_flipped_bit_gives_another_table() -> None:
    data = seal(TABLE)
    for bit in range(len(data) * 8):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            table = unseal(bytes(broken)).read()
        except (BrokenPartError, pa.ArrowException, OSError, ValueError):
            continue
        assert same(table, TABLE), bit


@pytest.mark.parametrize("length", [0, 3, 100, -1, -8])
def test_a_torn_file_is_refused(length: int) -> None:
    with pytest.raises((BrokenPartError, pa.ArrowException, OSError)):
        unseal(seal(TABLE)[:length])


def test_a_cell_that_looks_like_a_digest_is_only_a_cell() -> None:
    table = pa.table({"text": [f"{KEY}@@{'0' * 64}", f"{KEY}\x18@{'a' * 64}"]})
    assert same(unseal(seal(table)).read(), table)
