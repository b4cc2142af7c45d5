"""What tests of commands that look on share."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.sweeps.synthetic import KINDS, shared_storage

from sweep.records.datasets import Store
from sweep.storage.opening import open_folder


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep and one that is not, as all commands read them."""
    root = tmp_path_factory.mktemp("looked-at") / "runs"
    shutil.copytree(shared_storage(), root)
    for name in ("faces", "live"):
        store = Store(open_folder(root) / name, KINDS)
        for row in store.rows("trials"):
            store.put_trial({"trial": row["trial"], "params": json.dumps({"train.loss": "bce"})})
    return root
