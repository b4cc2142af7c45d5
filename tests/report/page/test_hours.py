"""Hours of processor: what a trial has to itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from sweep.report.page.hours import hours

ROW = {"seconds_train": 3600.0, "seconds_eval": 0.0, "kimg": 10.0, "status": "finished"}


@pytest.mark.parametrize(
    ("device", "runner", "packing", "told"),
    [
        ("GPU X", "ray", "off", "0.25 GPU-hours"),
        ("GPU X", "ray", "auto", "0.25 GPU-hours"),
        ("GPU X", "local", "off", "1 GPU-hours"),  # alone, whatever part of it the spec asks for
        ("GPU X", "local", "auto", "0.25 GPU-hours"),
        ("cpu", "ray", "auto", "2 CPU-hours"),
        ("cpu", "local", "off", "2 CPU-hours"),
    ],
)
def test_hours_are_those_of_what_a_trial_has(device: str, runner: str, packing: str, told: str) -> None:
    info = SimpleNamespace(device=device, runner=runner, budget=None)
    facts: Any = SimpleNamespace(
        trials=[{**ROW, "device": device}],
        spec={"resources": {"gpu": 0.25, "cpu": 2, "packing": packing}},
        sweep=SimpleNamespace(info=info),
    )
    assert hours([facts]) == (told, "")
