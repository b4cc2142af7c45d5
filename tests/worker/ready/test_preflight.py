"""What has to work before the first trial starts, on one node."""

import socket
from typing import Any

import pytest
import torch

from ganlib.errors import RequestError, WorkError
from sweep.storage.lease import Owner
from sweep.storage.opening import open_folder
from sweep.worker.ready import preflight as module
from sweep.worker.ready.preflight import preflight


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


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory"),
            WorkError,
            r"fit into a part of the GPU on .*nvidia-smi.*resources.gpu",
        ),
        (
            RuntimeError("CUDA error: no kernel image is available for execution on the device"),
            RequestError,
            r"for sm_80 sm_90\) computes nothing on the GPU on .*resources.gpu 0",
        ),
        (RuntimeError("something else"), RuntimeError, "something else"),
    ],
)
def test_what_a_gpu_cannot_do_is_said_in_words(
    error: Exception,
    kind: type[Exception],
    words: str,
    tmp_path: Any,
    trial_config: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tried(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "device_of", lambda gpu: torch.device("cuda"))
    monkeypatch.setattr(module, "_tried", tried)
    monkeypatch.setattr("torch.cuda.get_arch_list", lambda: ["sm_80", "sm_90"])
    folder = open_folder(tmp_path / "sweep")
    config = trial_config().model_dump(mode="json")
    with Owner(folder) as owner, pytest.raises(kind, match=words):
        preflight(config, "hash", folder.url, owner.lease.owner, 0.25, 1)
