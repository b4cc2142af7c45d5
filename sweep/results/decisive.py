"""Pick the few evaluations on which a ranking depends, without making Python objects of the others."""

from typing import TYPE_CHECKING

from ganlib.metrics.identity import IDENTITY
from ganlib.names import MEASURED

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

COLUMNS = ["trial", "kimg", *MEASURED, "verdict", *IDENTITY]
"""What ranking needs of ``metrics``."""


def decisive(metrics: "pa.Table", metric: str) -> "pa.Table":
    """Pick the rows of ``metrics`` that decide a ranking: of each trial the best and newest, one of each identity.

    Args:
        metrics: At least `COLUMNS`, ordered by kimg within a trial.
        metric: One of `ganlib.names.METRICS`.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    # Through dlpack and buffers: other ways between pyarrow and NumPy import pandas, which takes seconds.
    def array(column: "pa.ChunkedArray") -> "np.ndarray":
        return np.from_dlpack(column.combine_chunks())

    def codes(name: str) -> "np.ndarray":
        return np.from_dlpack(measured[name].combine_chunks().dictionary_encode("encode").indices)

    # As `_measured` has it for rows: an evaluation at which the run was called dead must not hide the best one.
    alive = pc.is_null(metrics["verdict"])
    measured = metrics.filter(pc.and_(pc.is_finite(metrics[metric]), alive))
    trial, kimg, values = (array(measured[name]) for name in ("trial", "kimg", metric))
    order = np.lexsort((np.arange(len(trial)), kimg, values, trial))
    best = order[np.unique(trial[order], return_index=True)[1]]
    newest = len(trial) - 1 - np.unique(trial[::-1], return_index=True)[1]
    kinds = np.stack([trial, *map(codes, IDENTITY)])
    few = np.unique(np.concatenate([best, newest, np.unique(kinds, axis=1, return_index=True)[1]]))
    few = few.astype(np.int64)
    return measured.take(pa.Array.from_buffers(pa.int64(), len(few), [None, pa.py_buffer(few)]))
