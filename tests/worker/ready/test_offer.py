"""What a machine that lacks weights and features gets from the driver's, and that of its processes one fetches."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ganlib.config import TrialConfig
from ganlib.domains import travel
from ganlib.errors import WorkError
from sweep.worker.ready.offer import FEATURES, WEIGHTS, received, take

PIECE, DATA = 1000, bytes(range(250)) * 20
NAME = "0123.safetensors"


class Far:
    """The driver's machine, which takes its time, and counts what it is asked for."""

    def __init__(self, weights: Path, harm: bool = False) -> None:
        self.asked, self._weights, self._harm = Counter[tuple[str, int]](), str(weights), harm
        self._counting = threading.Lock()

    def told(self) -> dict[str, Any]:
        facts = {"size": len(DATA), "sha256": sha256(DATA).hexdigest()}
        return {"kit": None, WEIGHTS: {self._weights: facts}, FEATURES: {NAME: len(DATA)}}

    def read(self, name: str, offset: int, size: int) -> bytes:
        with self._counting:
            self.asked[name, offset] += 1
        time.sleep(0.01)
        return b"\0" * size if self._harm else DATA[offset : offset + size]


def measured_with(weights: Path, config: TrialConfig) -> TrialConfig:
    evaluate = config.evaluate.model_copy(update={"weights": str(weights)})
    return config.model_copy(update={"evaluate": evaluate})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(travel, "PIECE", PIECE)
    return tmp_path / "cache"


@pytest.mark.parametrize("stale", [False, True])
def test_of_several_processes_one_fetches(
    stale: bool, cache: Path, tmp_path: Path, trial_config: Any
) -> None:
    """Each worker of a node that has come late makes it ready; they begin at one moment."""
    weights = tmp_path / "gone" / "w.pth"
    config = measured_with(weights, trial_config())
    if stale:
        received(str(weights)).parent.mkdir(parents=True)
        received(str(weights)).write_bytes(b"of another time")
    far, together = Far(weights), threading.Barrier(3)

    def one(_: int) -> None:
        together.wait(20)
        take(far, "hash", config, lambda done, total: None)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(3)))
    assert received(str(weights)).read_bytes() == (cache / NAME).read_bytes() == DATA
    kinds = (f"{WEIGHTS}:{weights}", f"{FEATURES}:{NAME}")
    assert far.asked == {(kind, offset): 1 for kind in kinds for offset in range(0, len(DATA), PIECE)}
    assert not list(cache.rglob("*.part"))


def test_weights_that_arrive_damaged_are_removed_by_each(
    cache: Path, tmp_path: Path, trial_config: Any
) -> None:
    weights = tmp_path / "gone" / "w.pth"
    config = measured_with(weights, trial_config())
    far = Far(weights, harm=True)

    def one(_: int) -> str:
        with pytest.raises(WorkError) as error:
            take(far, "hash", config, lambda done, total: None)
        return str(error.value)

    with ThreadPoolExecutor(2) as pool:
        assert all("arrived damaged" in told for told in pool.map(one, range(2)))
    assert not received(str(weights)).exists()
