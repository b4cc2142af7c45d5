"""Parquet files with a digest, so that a file whose bytes have changed is refused.

Parquet has no digest of the whole file, and a flipped bit in a page or in the footer can read as another
number. So a part carries the SHA-256 of its own bytes in its key-value metadata, computed with zeros in place of the
digest; other readers of Parquet see one more key. A part without the key (written by another program) is read without
a check.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from ganlib.errors import WorkError
from sweep.records.schemas import VERSION_KEY
from sweep.storage.called import called
from sweep.storage.folder import Folder

Choice = Callable[[Sequence[str]], list[str]]
"""Chooses of the columns that there are those to read; ``list`` chooses all."""
KEY = "sweep.sha256"
_BLANK = b"0" * 64
# Thrift's compact protocol puts the field's header and the length between a key and its value.
_SEAL = re.compile(re.escape(KEY.encode()) + rb".{1,3}?([0-9a-f]{64})", re.DOTALL)


class DamagedPartError(WorkError):
    """A part that is torn, changed or of another version."""


class BrokenPartError(ValueError):
    """A Parquet file whose bytes are not those that were written."""


def seal(table: pa.Table) -> bytes:
    """Write a table as the bytes of a Parquet file with its own digest."""
    sink = pa.BufferOutputStream()
    # On so few rows compression, dictionaries and statistics cost size and time.
    with pq.ParquetWriter(
        sink, table.schema, compression="none", use_dictionary=False, write_statistics=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: _BLANK.decode()})
    data = bytearray(sink.getvalue().to_pybytes())
    start, end = _digest_span(data)
    data[start:end] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def unseal(data: bytes) -> pq.ParquetFile:
    """Open the Parquet file in the bytes of a part, and check its digest where it has one.

    Raises:
        BrokenPartError: If a byte has changed since the file was sealed.
        pyarrow.ArrowException, OSError: If the bytes are no Parquet file.
    """
    check_seal(data)
    return pq.ParquetFile(pa.BufferReader(data))


def check_seal(data: bytes) -> bool:
    """Check the digest in the bytes of a part; returns whether there is one.

    Raises:
        BrokenPartError: If a byte has changed since the file was sealed.
    """
    if not _SEAL.search(data):
        return False
    blank = bytearray(data)
    start, end = _digest_span(blank)
    blank[start:end] = _BLANK
    if hashlib.sha256(blank).hexdigest().encode() != data[start:end]:
        raise BrokenPartError("its content does not match its digest")
    return True


def read_part(folder: Folder, dataset: str, path: str, choice: Choice = list) -> pa.Table:
    """Read a part of a dataset.

    Args:
        folder: The folder of the sweep.
        dataset: The name of the dataset.
        path: Of the part, in the folder.
        choice: Chooses of its columns those to read; all by default.

    Raises:
        DamagedPartError: If it is torn, changed or of another version.
    """
    data = folder.read(path)
    with readable(folder, path):
        file = unseal(data)
        version = (file.schema_arrow.metadata or {}).get(VERSION_KEY, b"none").decode()
        if version == (expected := f"{dataset}/1"):
            return read_columns(file, choice)
    raise DamagedPartError(
        f"'{folder}/{path}' has schema version '{version}', but this sweep reads '{expected}'; "
        "use the version of sweep that wrote it"
    )


def read_columns(file: pq.ParquetFile, choice: Choice) -> pa.Table:
    """Read the rows of an open file, with the columns that are chosen."""
    names = file.schema_arrow.names
    columns = choice(names)
    # Where all are named one by one, a part takes a tenth longer.
    return file.read(columns=None if columns == names else columns, use_threads=False)


@contextmanager
def readable(folder: Folder, path: str) -> Iterator[None]:
    """Turn what a damaged file makes pyarrow raise into a `DamagedPartError`."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedPartError(
            f"'{folder}/{path}' is not a readable Parquet file: {error} "
            f"('sweep check {called(folder)} --repair' mends it)"
        ) from error


def _digest_span(data: bytearray) -> tuple[int, int]:
    """Find the bytes of the digest: of several matches the last, since a cell of the table may hold anything."""
    *_, match = _SEAL.finditer(data)
    return match.span(1)
