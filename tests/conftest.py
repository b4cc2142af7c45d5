"""What the tests of training share: tiny pictures, tiny configurations, an evaluator that costs nothing."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two threads on two busy cores only wait

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from helpers.drawn.embedded import remembering
from helpers.programs.fake_s3 import bucket_in_memory
from helpers.programs.two_queues import TwoQueues, by_length
from xdist.remote import Producer

from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.heap import keep_memory
from sweep.report import pictures as report_pictures
from sweep.storage.folder import Folder
from sweep.storage.opening import open_folder

keep_memory()  # as a trial's process does
report_pictures.embed = remembering(report_pictures.embed)

# No test loses power; what is killed has written what it has written. Waiting for the disk would take minutes in all.
os.fsync = lambda fd: None

# Neither these tests nor programs that they start must inherit that signals are ignored: a hang-up under nohup, Ctrl-C
# of what a shell runs in the background.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    by_length(items)


def pytest_sessionfinish() -> None:
    gc.unfreeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TwoQueues | None:
    return TwoQueues(config, log) if config.getvalue("dist") == "loadfile" else None


# How long an example takes says something of the machine.
hypothesis.settings.register_profile("sweep", deadline=None)
hypothesis.settings.load_profile("sweep")


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> None:
    """Leave out of later searches for garbage what there is: a million objects, and tests search often."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["local", "remote"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder of a disk, then one of a bucket."""
    return open_folder(tmp_path / "sweep") if request.param == "local" else bucket_in_memory()


@pytest.fixture(autouse=True)
def by_itself() -> Iterator[None]:
    """Networks of the next test do not ask the folder of a sweep of this one."""
    yield
    if choice := sys.modules.get("ganlib.models.choice"):
        choice.share(None)


@pytest.fixture
def doubles() -> Iterator[None]:
    """All that is made has float64: two ways to compute are told from rounding on every processor."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of prepared pictures and cached features that sweeps of one test process share."""
    return tmp_path_factory.getbasetemp() / "sweep-cache"


@pytest.fixture
def pictures() -> Callable[..., np.ndarray]:
    """``pictures(n, size, seed)``: bright discs on dark ground, uint8 (n, size, size, 3)."""

    def draw(n: int = 40, size: int = 32, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        y, x = np.mgrid[:size, :size]
        centres = random.uniform(0.3 * size, 0.7 * size, (n, 2, 1, 1))
        radii = random.uniform(0.15 * size, 0.3 * size, (n, 1, 1))
        inside = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2 < radii**2
        colours = random.integers(100, 256, (n, 1, 1, 3))
        return np.where(inside[..., None], colours, 30).astype(np.uint8)

    return draw


@pytest.fixture
def trial_config() -> Callable[..., TrialConfig]:
    """``trial_config(**train)``: the smallest network that trains, on 32 px in float32."""

    def make(
        size: int = 32,
        evaluate: dict[str, Any] | None = None,
        collapse: dict[str, Any] | None = None,
        model: dict[str, Any] | None = None,
        **train: Any,
    ) -> TrialConfig:
        if not {"epochs", "kimg"} & train.keys():
            train["epochs"] = 2.0
        return TrialConfig(
            data=DataConfig(size=size, count=40),
            model=ModelConfig(**{"width": 8, "latent_dim": 16, **(model or {})}),
            train=TrainConfig(**{"batch_size": 8, "precision": "fp32", **train}),
            evaluate=EvaluateConfig(**{"every": 1.0, "n_fake": 16, **(evaluate or {})}),
            collapse=CollapseConfig(**(collapse or {})),
        )

    return make


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a bucket, for which pyarrow asks no other machine."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-that-nobody-may-see")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-nobody-may-see")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
