"""The rows that decide a ranking decide as all rows do."""

from typing import Any

import pyarrow as pa
from helpers.sweeps.ranking import measured, numbers, trial
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.records.schemas import SCHEMAS
from sweep.results.decisive import COLUMNS, decisive
from sweep.results.ranking import MixedIdentityError, rank


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *(st.integers(0, 4), numbers, st.sampled_from([8, 9, None]), st.sampled_from(["a", None])),
        ),
        max_size=25,
    ),
    st.sampled_from(["kid", "fid", "mind"]),
)
def test_the_decisive_rows_decide_as_all_rows_do(
    values: list[tuple[int, float | None, int | None, str | None]], metric: str
) -> None:
    trials = [trial(n) for n in range(5)]
    rows = [
        measured(n, float(i // 2), value, n_fake=count, data_hash=data, verdict=None)
        for i, (n, value, count, data) in enumerate(sorted(values, key=lambda value: value[0]))
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema([SCHEMAS["metrics"].field(name) for name in COLUMNS]))
    few = decisive(table, metric).to_pylist()
    assert len(few) <= len(rows)
    assert outcome(trials, few, metric) == outcome(trials, rows, metric)


def test_a_dead_evaluation_does_not_hide_the_best_one() -> None:
    """Rolled back, a trial goes on: what it had when it was called dead counts for nothing, however small."""
    values = [(1.0, 0.7, None), (2.0, 0.5, None), (3.0, 0.1, "low_diversity"), (4.0, 0.6, None)]
    rows = [measured(0, kimg, kid, verdict=verdict) for kimg, kid, verdict in values]
    table = pa.Table.from_pylist(rows, schema=pa.schema([SCHEMAS["metrics"].field(name) for name in COLUMNS]))
    few = decisive(table, "kid").to_pylist()
    (entry,) = rank([trial(0)], few, "kid").ranked
    assert (entry.value, entry.kimg, entry.last) == (0.5, 2.0, 0.6)


def outcome(trials: list[dict[str, Any]], rows: list[dict[str, Any]], metric: str) -> object:
    try:
        return rank(trials, rows, metric)
    except MixedIdentityError as error:
        return str(error)
