"""The columns of a sweep's Parquet datasets, and the conversion of Python values to storable ones.

Columns may be added, never renamed or retyped; the version in the metadata (``metrics/1``) changes only if
that rule has to be broken.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from numbers import Integral, Real
from typing import Any

import pyarrow as pa

from sweep.records.status import Status

STATUSES = tuple(Status)
VERSION_KEY = b"sweep.schema"
_TIME = pa.timestamp("us", tz="UTC")
KINDS = {
    "float": pa.float64(),
    "int": pa.int64(),
    "str": pa.string(),
    "bool": pa.bool_(),
    "json": pa.string(),
}

_TRIAL = [("trial", pa.int32()), ("attempt", pa.int32())]
_SCORE = [
    ("fid", pa.float64()),
    ("kid", pa.float64()),
    ("kid_se", pa.float64()),
    ("n_real", pa.int64()),
    ("n_fake", pa.int64()),
    ("extractor", pa.string()),
    ("extractor_digest", pa.string()),
    ("data_hash", pa.string()),
    ("resize", pa.string()),
    ("ema", pa.bool_()),
]
_IN_FULL = [
    ("vendi", pa.float64()),
    ("real_vendi", pa.float64()),
    ("fid_infinity", pa.float64()),
    ("fid_infinity_se", pa.float64()),
    ("precision", pa.float64()),
    ("recall", pa.float64()),
    ("density", pa.float64()),
    ("coverage", pa.float64()),
    ("class_kid", pa.string()),
]
_TRANSLATION = [
    ("fid_back", pa.float64()),
    ("kid_back", pa.float64()),
    ("kid_back_se", pa.float64()),
    ("cycle_l1", pa.float64()),
    ("cycle_ssim", pa.float64()),
    ("change", pa.float64()),
    ("content", pa.float64()),
    ("luminance", pa.float64()),
    ("tint", pa.float64()),
    ("chroma", pa.float64()),
    ("chequer", pa.float64()),
]
_COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "trials": [
        *_TRIAL,
        ("status", pa.string()),
        ("rung", pa.int32()),
        ("verdict", pa.string()),
        ("seed", pa.int64()),
        ("config", pa.string()),
        ("params", pa.string()),
        ("kimg", pa.float64()),
        ("best_kimg", pa.float64()),
        ("best_value", pa.float64()),
        ("best_n_fake", pa.int64()),
        ("result", pa.float64()),
        ("result_se", pa.float64()),
        ("result_kimg", pa.float64()),
        ("still_improving", pa.bool_()),
        ("seconds_train", pa.float64()),
        ("seconds_eval", pa.float64()),
        ("started", _TIME),
        ("ended", _TIME),
        ("device", pa.string()),
        ("node", pa.string()),
        ("failure", pa.string()),
        ("failures", pa.int32()),
        ("preemptions", pa.int32()),
        ("share", pa.float64()),
    ],
    "metrics": [
        *_TRIAL,
        ("kimg", pa.float64()),
        ("epoch", pa.float64()),
        *_SCORE,
        ("stage", pa.int32()),
        *_IN_FULL,
        *_TRANSLATION,
        ("loss_g", pa.float64()),
        ("loss_d", pa.float64()),
        ("score_real", pa.float64()),
        ("score_fake", pa.float64()),
        ("accuracy_real", pa.float64()),
        ("accuracy_fake", pa.float64()),
        ("pixel_std", pa.float64()),
        ("similarity", pa.float64()),
        ("loss_cycle", pa.float64()),
        ("loss_identity", pa.float64()),
        ("loss_content", pa.float64()),
        ("loss_style", pa.float64()),
        ("lr_g", pa.float64()),
        ("lr_d", pa.float64()),
        ("seconds_train", pa.float64()),
        ("seconds_eval", pa.float64()),
        ("verdict", pa.string()),
        ("rolled_back", pa.bool_()),
    ],
    "results": [
        *_TRIAL,
        ("kimg", pa.float64()),
        *_SCORE,
        *_IN_FULL,
        *_TRANSLATION,
        ("latents", pa.string()),
        ("seen", pa.float64()),
        ("seen_n_fake", pa.int64()),
        ("seconds", pa.float64()),
        ("problem", pa.string()),
    ],
    "events": [
        ("time", _TIME),
        *_TRIAL,
        ("kimg", pa.float64()),
        ("kind", pa.string()),
        ("detail", pa.string()),
    ],
    "samples": [
        *_TRIAL,
        ("kimg", pa.float64()),
        ("path", pa.string()),
        ("rows", pa.int32()),
        ("cols", pa.int32()),
        ("latents", pa.string()),
        ("shown", pa.string()),
    ],
    "rungs": [
        *_TRIAL,
        ("rung", pa.int32()),
        ("rung_kimg", pa.float64()),
        ("kimg", pa.float64()),
        ("value", pa.float64()),
        ("cutoff", pa.float64()),
        ("stopped", pa.bool_()),
        ("time", _TIME),
    ],
}
SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema(columns, metadata={VERSION_KEY: f"{name}/1".encode()})
    for name, columns in _COLUMNS.items()
}

TRANSLATION = tuple(name for name, _ in _TRANSLATION)
"""The columns of ``metrics`` and ``results`` that only translators fill."""
REQUIRED = {
    "trials": ("trial", "attempt", "status"),
    "metrics": ("trial", "attempt", "kimg"),
    "results": ("trial", "attempt"),
    "events": ("kind",),
    "samples": ("trial", "attempt", "kimg", "path"),
    "rungs": ("trial", "attempt", "rung"),
}


def to_json(value: Any, indent: int | None = None, exact: bool = False) -> str:  # noqa: ANN401 - any JSON-like value
    """Write a value as JSON that every reader accepts: times become ISO 8601 text, unknown types their ``str``.

    Args:
        value: Any JSON-like value, with NumPy's scalars, times, NaN and infinities.
        indent: Spaces of an indented text; None for one line.
        exact: Whether NaN and infinities become text, from which `storable` makes an equal number, instead of null.
    """
    plain = _finite(value, str if exact else lambda number: None)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent, default=_other)


def _other(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _finite(value: Any, otherwise: Callable[[float], str | None]) -> Any:  # noqa: ANN401
    if value is None or type(value) in (
        str,
        bool,
        int,
    ):  # most are plain, and abstract classes are slow to ask
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):  # NumPy's scalars too
        return float(value) if math.isfinite(value) else otherwise(float(value))
    if isinstance(value, Mapping):
        return {str(key): _finite(item, otherwise) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item, otherwise) for item in value]
    return value


def storable(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401
    """Convert a Python or NumPy value to one that a column stores.

    Args:
        value: The value; None stays None.
        kind: The type of the column. Text columns take mappings and lists as JSON, time columns seconds since the epoch
            or a datetime with a time zone.

    Raises:
        ValueError: If the value is a fraction for an integer column, or a time without a time zone.
    """
    return None if value is None else _converter(kind)(value)


@cache
def _converter(kind: pa.DataType) -> Callable[[Any], Any]:
    """Choose the function that converts values of a column, which are not None."""
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
