"""Write small Parquet files: a part has a few rows of many columns, most of them without a value.

pyarrow takes 0.6 ms of the processor to write the 53 columns of one evaluation, whatever stands in them, and a driver
writes three such files for each. What differs from file to file is little: here the rest is made once for a schema. A
file has one row group, and each column one page of plain values without compression, dictionary or statistics, which
on so few rows cost size and time. pyarrow, DuckDB and polars read it as they read pyarrow's own.

The format is specified at https://parquet.apache.org/docs/file-format/ and in ``parquet.thrift``; structs are written
in Thrift's compact protocol: a byte with type and number of each field (as the step from the last), and 0 at the end.
"""

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

import pyarrow as pa

MAGIC = b"PAR1"
_EPOCH, _MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)
# How fields of Thrift begin: the step from the last field, and the type.
_I32, _I64, _TEXT, _LIST, _STRUCT = 0x05, 0x06, 0x08, 0x09, 0x0C
_OPTIONAL, _PLAIN, _RLE = 1, 0, 3

Pack = Callable[[Sequence[Any]], bytes]
"""Writes the values of a page, none of which is missing."""


@lru_cache(maxsize=4096)
def _varint(value: int) -> bytes:
    """Write a number that is not negative by seven bits a byte, the lowest first."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


@lru_cache(maxsize=16_384)
def _number(value: int) -> bytes:
    """Write an i32 or i64 of Thrift that is not negative."""
    return _varint(2 * value)


def _field(step: int, kind: int, content: bytes) -> bytes:
    """Write a field of a struct, whose number is ``step`` above that of the field before."""
    return bytes([step << 4 | kind]) + content


def _text(text: bytes) -> bytes:
    return _varint(len(text)) + text


def _list(kind: int, items: Sequence[bytes]) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + _varint(len(items))
    return head + b"".join(items)


# ---- values --------------------------------------------------------------------------------------------------------


def _fixed(letter: str, values: Sequence[Any]) -> bytes:
    return struct.pack(f"<{len(values)}{letter}", *values)


def _moments(values: Sequence[datetime]) -> bytes:
    return _fixed("q", [(value - _EPOCH) // _MICROSECOND for value in values])


def _texts(values: Sequence[str]) -> bytes:
    encoded = [value.encode() for value in values]
    return b"".join(len(one).to_bytes(4, "little") + one for one in encoded)


def _bits(values: Sequence[bool]) -> bytes:
    """Write truth values, the first in the lowest bit."""
    together = sum(1 << place for place, value in enumerate(values) if value)
    return together.to_bytes((len(values) + 7) // 8, "little")


class _Type(NamedTuple):
    """How Parquet stores a type.

    Attributes:
        physical: The number of the stored type.
        meaning: The fields of a ``SchemaElement`` that say what the values mean.
        pack: Writes values.
    """

    physical: int
    meaning: bytes
    pack: Pack


_STRING = _field(2, _I32, _number(0)) + _field(4, _STRUCT, _field(1, _STRUCT, b"\0") + b"\0")
# In UTC (a field that is true has its value in its type), in microseconds.
_UTC_MICROSECONDS = b"\x11" + _field(1, _STRUCT, _field(2, _STRUCT, b"\0") + b"\0") + b"\0"
_MOMENT = _field(2, _I32, _number(10)) + _field(4, _STRUCT, _field(8, _STRUCT, _UTC_MICROSECONDS) + b"\0")
_TYPES: dict[pa.DataType, _Type] = {
    pa.bool_(): _Type(0, b"", _bits),
    pa.int32(): _Type(1, b"", partial(_fixed, "i")),
    pa.int64(): _Type(2, b"", partial(_fixed, "q")),
    pa.float64(): _Type(5, b"", partial(_fixed, "d")),
    pa.string(): _Type(6, _STRING, _texts),
    pa.timestamp("us", tz="UTC"): _Type(2, _MOMENT, _moments),
}


# ---- pages and columns ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _levels(present: tuple[bool, ...]) -> bytes:
    """Write which values of a page are there: as one run where all are alike, else as bits."""
    if len(set(present)) == 1:
        run = _varint(len(present) << 1) + bytes([present[0]])
    else:
        bits = _bits(present)
        run = _varint(len(bits) << 1 | 1) + bits
    return len(run).to_bytes(4, "little") + run


def _page(rows: int, content: bytes) -> bytes:
    """Write a data page of the first version behind its header."""
    values = _field(1, _I32, _number(rows)) + _field(1, _I32, _number(_PLAIN))
    values += _field(1, _I32, _number(_RLE)) * 2 + b"\0"
    size = _field(1, _I32, _number(len(content)))
    return _field(1, _I32, _number(0)) + size + size + _field(2, _STRUCT, values) + b"\0" + content


@lru_cache(maxsize=1024)
def _empty_page(rows: int) -> bytes:
    """Write the page of a column that has no value in any row."""
    return _page(rows, _levels((False,) * rows))


class _Column:
    """A column of a schema.

    Args:
        field: Its name and type.

    Attributes:
        element: Its ``SchemaElement``.
    """

    def __init__(self, field: pa.Field) -> None:
        kind, name = _TYPES[field.type], field.name.encode()
        self.name, self._pack = field.name, kind.pack
        physical = _field(1, _I32, _number(kind.physical))
        self.element = physical + _field(2, _I32, _number(_OPTIONAL)) + _field(1, _TEXT, _text(name))
        self.element += kind.meaning + b"\0"
        encodings, path = _list(_I32, [_number(_PLAIN), _number(_RLE)]), _list(_TEXT, [_text(name)])
        metadata = physical + _field(1, _LIST, encodings) + _field(1, _LIST, path)
        uncompressed = _field(1, _I32, _number(0))
        self._start = _field(2, _I64, _number(0)) + _field(1, _STRUCT, metadata + uncompressed)

    def page(self, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """Write the page of some rows."""
        name = self.name
        values = [row.get(name) for row in rows]
        present = [value for value in values if value is not None]
        if not present:
            return _empty_page(len(rows))
        levels = _levels(tuple([value is not None for value in values]))
        return _page(len(rows), levels + self._pack(present))

    def chunk(self, rows: int, size: int, offset: int) -> bytes:
        """Write the ``ColumnChunk`` of a page of so many bytes that begins there."""
        long = _number(size)
        return b"%b\x16%b\x16%b\x16%b\x26%b\0\0" % (self._start, _number(rows), long, long, _number(offset))


class Encoder:
    """Writes rows of one schema as the bytes of a Parquet file.

    Args:
        schema: The columns, whose types are among `_TYPES`, and the metadata.
        more: Further metadata by key, behind that of the schema.
    """

    def __init__(self, schema: pa.Schema, more: Mapping[bytes, bytes]) -> None:
        self._columns = [_Column(field) for field in schema]
        count = _field(1, _I32, _number(len(self._columns)))
        root = _field(4, _TEXT, _text(b"schema")) + count + b"\0"
        elements = _list(_STRUCT, [root, *(column.element for column in self._columns)])
        self._head = _field(1, _I32, _number(2)) + _field(1, _LIST, elements)
        # By this pyarrow finds its own types and metadata again.
        arrow = {b"ARROW:schema": base64.b64encode(schema.serialize().to_pybytes())}
        pairs = [
            _field(1, _TEXT, _text(key)) + _field(1, _TEXT, _text(value)) + b"\0"
            for key, value in ((schema.metadata or {}) | arrow | dict(more)).items()
        ]
        written_by = _field(1, _TEXT, _text(b"sweep"))
        self._tail = _field(1, _LIST, _list(_STRUCT, pairs)) + written_by + b"\0"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> bytearray:
        """Write a file.

        Args:
            rows: Values by column, of the types that `sweep.records.rows.converter` makes; a missing one is null.

        Raises:
            ValueError: If a number is too large for its column, or a text is no Unicode.
        """
        file, count, chunks = bytearray(MAGIC), len(rows), []
        try:
            for column in self._columns if rows else ():
                page = column.page(rows)
                chunks.append(column.chunk(count, len(page), len(file)))
                file += page
        except struct.error as error:
            raise ValueError(f"'{column.name}' cannot hold its value: {error}") from error
        group = _field(1, _LIST, _list(_STRUCT, chunks)) + _field(1, _I64, _number(len(file) - len(MAGIC)))
        groups = _list(_STRUCT, [group + _field(1, _I64, _number(count)) + b"\0"] if rows else [])
        start = len(file)
        file += self._head + _field(1, _I64, _number(count)) + _field(1, _LIST, groups) + self._tail
        return file + (len(file) - start).to_bytes(4, "little") + MAGIC
