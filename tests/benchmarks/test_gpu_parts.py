"""What the measurements of a card would get wrong on a card alone, tried out without one."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchmarks.gpu import correct, throughput
from benchmarks.gpu.cases import ALL, GROWING, apart
from benchmarks.gpu.packs import _in_time
from benchmarks.gpu.parts import Figures, Settings, Skipped
from ganlib.models import choice

CPU = torch.device("cpu")


def tiny(folder: Path, **other: Any) -> Settings:
    return Settings(
        **{"device": "cpu", "tiny": True, "seconds": 60.0, "scratch": str(folder)} | other, paths=(), known={}
    )


@pytest.mark.parametrize("name", [GROWING, "r1_gamma, every third step, and ada_target"])
def test_there_are_steps_enough_to_record_the_last_of_each_kind(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correct, "TINY_STEPS", correct.STEPS)
    found = correct._captured(tiny(tmp_path), CPU, ALL[name])
    assert found["recordings"]
    assert found["equal"]


def test_the_cpus_side_of_a_comparison_is_torchs_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "LEAST_WORK", 1)
    correct._check(tiny(tmp_path), Figures(tmp_path / "figures.json"), {}, {})
    assert sys.maxsize == choice.LEAST_WORK


def test_a_count_that_nothing_reads_sets_no_two_runs_apart() -> None:
    def state(count: float, total: float, other: str = "sum") -> dict[str, Any]:
        return {"state": {0: {"step": torch.tensor(count), other: torch.tensor([total])}}}

    assert apart(state(30, 2), state(4, 2))["equal"]
    assert not apart(state(30, 2), state(30, 3))["equal"]
    assert not apart(state(30, 2, "exp_avg"), state(4, 2, "exp_avg"))["equal"], "Adam reads its count"


def test_each_way_says_for_itself_why_it_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(stored: object, device: object, model: object, train: dict[str, Any]) -> tuple[Any, None]:
        fails = train["capture"] == "auto" and train["precision"] == "bf16"
        return SimpleNamespace(refused="it waits" if fails else ""), None

    monkeypatch.setattr(throughput, "ways", lambda kind: {"eager": "off", "captured": "auto"})
    monkeypatch.setattr(throughput, "made", made)
    monkeypatch.setattr(throughput, "settled", lambda step, batches: iter([1]))
    monkeypatch.setattr(throughput, "Tutorial", lambda *of: SimpleNamespace(steps=lambda: iter([1])))
    monkeypatch.setattr(throughput, "rounds", lambda loops, *of: {name: [1.0] for name in loops})
    stored = torch.zeros((2, 8, 8, 3), dtype=torch.uint8)
    found = throughput._beside(tiny(tmp_path), stored, {"width": 4}, 2, 0, 1, 0.1)
    assert found["refused"] == {"bf16, captured": "it waits"}
    assert found["captured over eager"].keys() == {"bf16", "fp32"}


def test_a_range_with_a_name_is_no_kernel() -> None:
    on_card, elsewhere = torch.autograd.DeviceType.CUDA, torch.autograd.DeviceType.CPU
    events = [
        SimpleNamespace(device_type=device, is_user_annotation=named)
        for device in (on_card, elsewhere)
        for named in (False, True)
    ]
    assert [throughput._is_kernel(event) for event in events] == [True, False, False, False]


def test_what_there_is_no_time_for_is_skipped(tmp_path: Path) -> None:
    late = tiny(tmp_path, begun=time.monotonic() - 40)
    assert _in_time(late, 0.3, lambda: {"found": 1}) == {"found": 1}
    with pytest.raises(Skipped, match="no time left"):
        _in_time(late, 0.5, lambda: pytest.fail("begun"))
