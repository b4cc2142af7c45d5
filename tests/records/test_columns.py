"""The columns of the datasets: which there are, their types, and what other versions wrote."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.sweeps.columns import metric

from ganlib.errors import WorkError
from sweep.records.datasets import SCHEMAS, Store


def test_empty_datasets_have_their_schema(store: Store) -> None:
    for name, schema in SCHEMAS.items():
        table = store.table(name)
        assert table.num_rows == 0
        assert table.schema.names[: len(schema)] == schema.names
        assert store.rows(name) == []
    assert store.trial(0) is None


def test_the_promised_columns_are_there() -> None:
    promised = {
        "trials": "trial attempt status rung verdict seed config kimg seconds_train seconds_eval started "
        "ended device node",
        "metrics": "trial attempt kimg epoch fid kid kid_se n_real n_fake extractor extractor_digest "
        "data_hash loss_g loss_d score_real score_fake lr_g lr_d seconds_train seconds_eval",
        "events": "time trial attempt kimg kind detail",
    }
    for name, columns in promised.items():
        assert set(columns.split()) <= set(SCHEMAS[name].names)


def test_every_part_carries_its_schema_version(store: Store) -> None:
    store.put_trial({"trial": 3, "status": "running"})
    store.add("metrics", metric(3))
    store.add("events", {"kind": "note"})
    store.add("samples", metric(3, path="images/00003/1.000.png"))
    store.add("rungs", {"trial": 3, "attempt": 0, "rung": 0, "stopped": False})
    parts = {"trials": "00003", "metrics": "00003", "events": "sweep", "samples": "00003", "rungs": "00003"}
    for dataset, name in parts.items():
        path = store.folder.local(f"{dataset}/{name}.parquet")
        assert pq.read_schema(path).metadata[b"sweep.schema"] == f"{dataset}/1".encode()


def test_types_and_nan_survive(store: Store) -> None:
    started = datetime(2025, 3, 1, 12, 30, 0, 250, tzinfo=UTC)
    params = {
        "param.train.lr_g": np.float32(0.5),
        "param.model.width": np.int64(64),
        "param.train.loss": "bce",
    }
    extra = {"param.x.flag": True, "param.x.list": [0.5, 0.999], "started": started, "seed": 2**40}
    store.put_trial({"trial": 0, "status": "running", **params, **extra})
    store.add("metrics", metric(kid=math.nan, fid=math.inf, n_fake=512))
    row = Store(store.folder).rows("trials")[0]
    assert row["param.train.lr_g"] == 0.5
    assert row["param.model.width"] == 64
    assert row["param.x.flag"] is True
    assert json.loads(row["param.x.list"]) == [0.5, 0.999]
    assert row["started"] == started
    assert row["seed"] == 2**40
    assert row["verdict"] is None
    assert row["ended"] is None
    read = store.rows("metrics")[0]
    assert math.isnan(read["kid"])
    assert read["fid"] == math.inf
    assert read["loss_g"] is None


def test_a_time_is_seconds_or_a_zoned_datetime(store: Store) -> None:
    store.add("events", {"kind": "a", "time": 1_700_000_000})
    store.add("events", {"kind": "b"})
    first, second = store.rows("events")
    assert first["time"] == datetime.fromtimestamp(1_700_000_000, UTC) < second["time"]
    with pytest.raises(ValueError, match="time zone"):
        store.add("events", {"kind": "c", "time": datetime(2025, 1, 1)})


def test_event_details_are_json_that_every_reader_accepts(store: Store) -> None:
    detail = {
        "loss_g": math.nan,
        "step": np.int64(3),
        "std": np.float32(0.5),
        "path": Path("ö"),
        "ok": True,
    }
    store.add("events", {"kind": "collapse", "trial": 0, "attempt": 0, "detail": detail})
    text = store.rows("events")[0]["detail"]
    assert json.loads(text) == {"loss_g": None, "step": 3, "std": 0.5, "path": "ö", "ok": True}
    path = store.folder.local("events/00000.parquet")
    assert duckdb.sql(f"SELECT (detail::JSON->>'step')::INT FROM '{path}'").fetchall() == [(3,)]


def test_other_schema_versions_are_refused(store: Store) -> None:
    path = store.folder.local("metrics/00000.parquet")
    path.parent.mkdir(parents=True)
    schema = SCHEMAS["metrics"].with_metadata({"sweep.schema": "metrics/2"})
    pq.write_table(schema.empty_table(), path)
    with pytest.raises(WorkError, match=r"00000\.parquet' has schema version 'metrics/2', .*'metrics/1'"):
        store.rows("metrics")


def test_parts_with_fewer_or_more_columns_are_read(store: Store) -> None:
    store.add("metrics", metric(trial=0, kid=1.0))
    table = store.table("metrics").drop_columns(["pixel_std"]).append_column("later", pa.array([7]))
    table = table.set_column(0, "trial", pa.array([1], pa.int32()))
    store.folder.local("metrics/00001.parquet").parent.mkdir(exist_ok=True)
    pq.write_table(table, store.folder.local("metrics/00001.parquet"))
    rows = Store(store.folder).rows("metrics")
    assert [(r["trial"], r["pixel_std"], r["later"]) for r in rows] == [(0, None, None), (1, None, 7)]
    some = Store(store.folder).table("metrics", ["pixel_std", "kid"])
    assert some.column_names == ["trial", "kimg", "pixel_std", "kid"]
