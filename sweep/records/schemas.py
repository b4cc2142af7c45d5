"""The columns of a sweep's Parquet datasets, and JSON for their text columns.

Columns may be added, never renamed or retyped; the version in the metadata (``metrics/1``) changes only if
that rule has to be broken.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
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
    ("mmd", pa.float64()),
    ("mmd_se", pa.float64()),
    ("mind", pa.float64()),
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
        ("broken", pa.string()),
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
        ("params", pa.int64()),
        ("seconds_per_kimg", pa.float64()),
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
        ("se", pa.float64()),
        ("variety", pa.float64()),
        ("cutoff", pa.float64()),
        ("alike", pa.bool_()),
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


def to_json(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON-like value
    """Write a value as JSON that every reader accepts: times become ISO 8601 text, unknown types their ``str``.

    Args:
        value: Any JSON-like value, with NumPy's scalars, times, and NaN and infinities, which become null.
        indent: Spaces of an indented text; None for one line.
    """
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent, default=as_text)


def as_text(value: object) -> str:
    """Spell a value for which JSON has no type."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):  # NumPy's scalars too
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
