"""Rows of datasets as Python values, as JSON and as Arrow tables, and the conversions between them."""

import gc
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from sweep.records.schemas import REQUIRED, as_text, to_json

Row = dict[str, Any]
_PLAIN_TIME = pa.timestamp("us")


def converter(kind: pa.DataType) -> Callable[[Any], Any]:
    """Choose the function that converts a Python or NumPy value, which is not None, to one that a column stores.

    Args:
        kind: The type of the column. Text columns take mappings and lists as JSON, time columns seconds since the epoch
            or a datetime with a time zone.

    Returns:
        The function, which raises ValueError for a fraction in an integer column and for a time without a time zone.
    """
    if pa.types.is_string(kind):
        return _text
    if pa.types.is_boolean(kind):
        return bool
    if pa.types.is_floating(kind):
        return float
    return _whole if pa.types.is_integer(kind) else _moment


def _text(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else to_json(value)


def _whole(value: Any) -> int:  # noqa: ANN401
    if int(value) != value:
        raise ValueError(f"{value!r} is not an integer")
    return int(value)


def _moment(value: Any) -> datetime:  # noqa: ANN401
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(
            f"a time must be seconds since the epoch or a datetime with a time zone, got {value!r}"
        )
    return value.astimezone(UTC)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: of many rows that all stay, Python would look through all again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Completer:
    """Completes rows of a dataset to all columns of its schema, with values that can be stored.

    Args:
        dataset: The name of the dataset.
        schema: Its columns.
        now: Tells the time of a row that has none.
    """

    def __init__(self, dataset: str, schema: pa.Schema, now: Callable[[], datetime]) -> None:
        self._dataset, self._now = dataset, now
        self._converters = [(field.name, converter(field.type)) for field in schema]

    def __call__(self, row: Mapping[str, Any]) -> Row:
        """Complete a row; ``time`` defaults to now.

        Raises:
            ValueError: If a column is unknown, a required one is missing, or a value cannot be stored.
        """
        full = {
            name: None if (value := row.get(name)) is None else convert(value)
            for name, convert in self._converters
        }
        if unknown := [name for name in row if name not in full]:
            raise ValueError(f"unknown columns for '{self._dataset}': {', '.join(unknown)}")
        if full.get("time", True) is None:
            full["time"] = self._now()
        if missing := [name for name in REQUIRED[self._dataset] if full[name] is None]:
            raise ValueError(f"a row of '{self._dataset}' lacks {', '.join(missing)}")
        return full


def row_json(row: Mapping[str, Any]) -> str:
    """Write a row of converted values as JSON.

    NaN and infinities become text, from which `converter` makes an equal number; times become ISO 8601 text.
    """
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=as_text)
    except ValueError:
        plain = {name: str(value) if _no_number(value) else value for name, value in row.items()}
        return json.dumps(plain, ensure_ascii=False, allow_nan=False, default=as_text)


def _no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Convert rows to a table.

    Args:
        rows: Converted values by column; a missing one is null.
        schema: The columns of the table, and its metadata.
    """
    # One conversion of all columns: a conversion of each would take three times as long.
    table = pa.Table.from_struct_array(pa.array(rows, pa.struct(list(schema))))
    return table.replace_schema_metadata(schema.metadata)


def to_rows(table: pa.Table) -> list[Row]:
    """Convert a table to rows, with times in UTC.

    Times go through columns without a time zone, for which pyarrow would import pandas (2 s).
    """
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    for name in times:
        table = table.set_column(table.schema.get_field_index(name), name, _plain(table[name]))
    rows: list[Row] = table.to_pylist()
    for row in rows:
        for name in times:
            if row[name] is not None:
                row[name] = row[name].replace(tzinfo=UTC)
    return rows


def _plain(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take the time zone from a column of times."""
    if times.type.unit != _PLAIN_TIME.unit:  # another program wrote the part
        return times.cast(_PLAIN_TIME)
    # The same bytes; a cast would import pyarrow's functions, a twentieth of a second.
    return pa.chunked_array([chunk.view(_PLAIN_TIME) for chunk in times.chunks], _PLAIN_TIME)


def in_turn(table: pa.Table, together: int = 4096) -> Iterator[Row]:
    """Convert a table to rows, of which so many are in memory together."""
    for start in range(0, table.num_rows, together):
        yield from to_rows(table.slice(start, together))


def by_trial(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Group rows by trial, in their order."""
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["trial"], []).append(row)
    return grouped


class Moments:
    """Tells the time for rows: no moment twice, and none before the newest on record, whatever this machine's clock.

    Without it, a driver on a machine whose clock is behind that of the last one, or whose own clock is set back, would
    have trials end before they began, and what came later stand above what came before.
    """

    def __init__(self) -> None:
        self._last, self._told = datetime.min.replace(tzinfo=UTC), time.monotonic()

    def follow(self, table: pa.Table) -> None:
        """Go on from the newest moment in a table, where this machine's clock is behind it."""
        import pyarrow.compute as pc  # 40 ms, which who only reads need not wait

        for column in table.columns:
            newest = pc.max(column.cast(_PLAIN_TIME)).as_py() if pa.types.is_timestamp(column.type) else None
            if newest is not None:
                self._last = max(self._last, newest.replace(tzinfo=UTC))

    def __call__(self) -> datetime:
        """Tell the time, in UTC: of this machine's clock, or while that is behind, as long after the last as it is."""
        passed = max(time.monotonic() - self._told, 1e-6)
        self._last, self._told = (
            max(datetime.now(UTC), self._last + timedelta(seconds=passed)),
            self._told + passed,
        )
        return self._last
