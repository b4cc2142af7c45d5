"""What has to work before the first trial starts, on one node."""

import socket
from typing import Any

import pytest

from ganlib.errors import RequestError
from sweep.storage.lease import Owner
from sweep.storage.opening import open_folder
from sweep.worker.preflight import preflight


def test_nothing_is_trained_on_a_cpu_under_the_name_of_a_gpu(
    tmp_path: Any, trial_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    folder = open_folder(tmp_path / "sweep")
    config = trial_config().model_dump(mode="json")
    with (
        Owner(folder) as owner,
        pytest.raises(
            RequestError, match=f"Ray counts a GPU on {socket.gethostname()}, but torch finds none there"
        ),
    ):
        preflight(config, "hash", folder.url, owner.lease.owner, 0.25, 1)
