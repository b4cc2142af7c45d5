"""``sweep plan`` and the dry run: measured for real once, and what is told of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from commands.planning.test_forecast import COSTS, LONG
from helpers.sweeps.commands import TINY, run

from sweep.commands.inputs import Pictures
from sweep.commands.planning import cluster, costs, steps, timing
from sweep.commands.planning.dry_run import describe
from sweep.commands.planning.findings import Findings
from sweep.commands.planning.forecast import Range
from sweep.commands.planning.plan import fits, foretold, lines
from sweep.runners.capacity import Node
from sweep.spec.specification import parse


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(costs, "SECONDS", 0.01)
    monkeypatch.setenv("SWEEP_CACHE", str(cache))


def test_it_is_measured_and_told(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(TINY)
    told = run("plan", tmp_path / "s.yaml", "--local", "--budget", "1h", "--json")
    assert told.exit_code == 0, told.output
    facts = json.loads(told.stdout)
    measured = facts["costs"]
    assert facts["images"] == 64
    assert measured["measured"] == measured["at_once"] == 1
    assert all(value > 0 for value in measured["per_kimg"])
    for name in ("per_picture", "per_score", "per_evaluation", "memory", "checkpoint", "snapshot", "grid"):
        assert measured[name] > 0, name
    assert 0 < facts["sweep"]["wall"]["low"] <= facts["sweep"]["wall"]["high"]
    assert facts["fits"] >= 1
    assert all(one["wall"]["high"] <= 3600 for one in facts["proposals"])


def test_packed_trials_are_measured_in_turn_in_one_process(tmp_path: Path) -> None:
    """As they are trained: two take twice the time of one for as many pictures each, or a little less."""
    (tmp_path / "s.yaml").write_text(TINY)
    how = ("--set", "resources.packing=on", "--set", "resources.max_concurrent=2")
    facts = json.loads(run("plan", tmp_path / "s.yaml", "--local", "--json", *how).stdout)["costs"]
    assert (facts["measured"], facts["slots"], facts["at_once"], facts["takes"]) == (1, 2, 2, 0.5)
    assert facts["per_kimg"][0] > 0


class Ticking:
    """A step of 10 pictures that takes 5 ms of a made-up clock, and a second as long as it has not settled."""

    pictures_per_step, refused = 10, ""

    def __init__(self, clock: list[float], settling: int = 1, slow: float = 1.0) -> None:
        self.clock, self.settling, self.left, self.slow = clock, settling, settling, slow

    def __call__(self, batches: object) -> None:
        self.clock[0] += self.slow if self.left > 0 else 0.005
        self.left -= 1

    def read_means(self) -> None:
        pass


@pytest.mark.parametrize("slow", [1.0, 90.0])
@pytest.mark.parametrize("settling", [1, 8], ids=["as they are", "recorded"])
def test_in_turn_each_slot_gets_its_share(
    settling: int, slow: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second a kimg for one, three times as much in three slots; what is slow once is not counted."""
    clock = [0.0]
    monkeypatch.setattr(steps.time, "perf_counter", lambda: clock[0])
    made: Any = [(Ticking(clock, settling, slow), None) for _ in range(3)]
    assert steps.per_kimg(*made[0], 1.0) == pytest.approx(0.5)
    made = [(Ticking(clock, settling, slow), None) for _ in range(3)]
    assert steps.in_turn(made, torch.device("cpu"), 1.0) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("resources", "local", "gpus", "processes", "slots", "at_once"),
    [
        ("{gpu: 0.25}", True, 1, 1, 4, 4),
        ("{gpu: 0.25}", False, 2, 1, 4, 8),
        ("{gpu: 0.25, packing: off}", False, 2, 4, 1, 8),
        ("{gpu: 0.25, packing: off}", True, 2, 1, 1, 1),
        ("{gpu: 1}", False, 2, 1, 1, 2),
        ("{gpu: 0.25, max_concurrent: 2}", True, 1, 1, 2, 2),
    ],
)
def test_it_measures_as_the_runner_will_run(
    resources: str,
    local: bool,
    gpus: int,
    processes: int,
    slots: int,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    def side_by_side(
        spec: object, samples: object, gpu: float, together: int, slots: int
    ) -> list[timing.Timed]:
        asked.append((together, slots))
        numbers = {name: 1 for name in timing.Timed.__dataclass_fields__}
        known = {"device": "cuda", "machine": "a card", "per_kimg": (1.0,)}
        return [timing.Timed(**numbers | known)]  # type: ignore[arg-type]

    def none_of_that(*_: object) -> None:
        raise AssertionError("the driver holds memory of a GPU")

    monkeypatch.setattr(costs, "_side_by_side", side_by_side)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(costs.cores, "available", lambda: 64)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    for name in ("_lazy_init", "init", "get_device_name", "mem_get_info", "set_per_process_memory_fraction"):
        monkeypatch.setattr(torch.cuda, name, none_of_that)
    found = costs.measure(parse(TINY + f"resources: {resources}\n"), [{}], 16, local)
    assert asked == [(processes, slots)]
    assert (found.at_once, found.slots, found.machine) == (at_once, slots, "a card")


def test_gpus_that_trials_do_not_use_do_not_divide_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of a cluster with four GPUs, six trials of a processor run side by side, and so many measure."""
    asked: list[int] = []

    def side_by_side(
        spec: object, samples: object, gpu: float, together: int, slots: int
    ) -> list[timing.Timed]:
        asked.append(together)
        numbers = {name: 1 for name in timing.Timed.__dataclass_fields__}
        return [timing.Timed(**numbers | {"device": "cpu", "per_kimg": (1.0,)})]  # type: ignore[arg-type]

    monkeypatch.setattr(costs, "_side_by_side", side_by_side)
    spec, node = parse(TINY + "resources: {gpu: 0}\n"), Node.having(6, 4)
    assert costs.measure(spec, [{}], 16, node=node).at_once == 6
    assert asked == [6]
    assert cluster._takes(spec, 16, node) == (6.0, 0.0)


def test_the_dry_run_says_it_too(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(TINY)
    told = run("run", tmp_path / "s.yaml", "--dry-run", "--local")
    assert told.exit_code == 0, told.output
    assert re.search(r"a trial to its end: about \d", told.output)


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.background=transparent"],
        ["data.channels=1"],
        ["data.labels=folders"],
        ["model.family=stylegan2"],
    ],
)
def test_all_kinds_of_pictures_and_networks_are_timed(overrides: list[str]) -> None:
    found = timing.measure(parse(TINY, overrides=overrides), [{"train.lr_g": 5e-4}], 0.01)
    assert found.per_kimg[0] > 0
    assert found.per_picture > 0


def test_configurations_are_named_in_one_order_whichever_is_timed_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[int] = []

    def timed(step: object, batches: object, seconds: float) -> float:
        order.append(step.train_config.batch_size)  # type: ignore[attr-defined]
        return float(order[-1])

    monkeypatch.setattr(steps, "per_kimg", timed)
    samples = [{"train.batch_size": size} for size in (8, 16)]
    spec = parse(TINY, overrides=["train.batch_size={type: categorical, choices: [8, 16]}"])
    assert timing.measure(spec, samples, 0.01, first=1).per_kimg == (8.0, 16.0)
    assert order == [16, 8]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ({"refused": "the weights are not there"}, 2, "the weights are not there"),
        ({"failed": "out of memory"}, 1, "out of memory"),
    ],
)
def test_what_cannot_be_measured_is_no_traceback(
    answer: dict[str, str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "_line", lambda stream: json.dumps(answer))
    (tmp_path / "s.yaml").write_text(TINY)
    told = run("plan", tmp_path / "s.yaml", "--local")
    assert told.exit_code == code, told.output
    assert words in told.output
    assert "Traceback" not in told.output


def test_a_dry_run_goes_on_without_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "_line", lambda stream: "")  # it has died
    (tmp_path / "s.yaml").write_text(TINY)
    told = run("run", tmp_path / "s.yaml", "--dry-run")
    assert told.exit_code == 0
    assert "could not be timed: a process that measured has died" in told.output


def test_ranges_and_what_is_saved_are_told() -> None:
    spec = parse(LONG)
    text = "\n".join(lines(foretold(spec, spec.schedule(1000), 16, replace(COSTS, at_once=2)), 1000))
    assert "16 trials, 2 at a time" in text
    assert re.search(r"the sweep, stopped early: about .* \(.* to .*\); .* core hours", text)
    assert "without ASHA: about" in text
    assert "memory: 1.0 GB a trial of 10.0 GB" in text
    assert "disk: at most" in text
    assert "measured on here, and true of such machines alone\n" in text
    kinds = replace(foretold(spec, spec.schedule(1000), 16, COSTS), kinds=("A100", "H100"))
    assert "(resources.accelerator asks for A100, H100)" in "\n".join(lines(kinds, 1000))


def test_each_kind_of_machine_of_a_cluster_is_told() -> None:
    spec = parse(LONG)
    fast = replace(COSTS, at_once=6, machines=3, has="8 cores", machine="old1")
    slow = replace(COSTS, at_once=1, has="1 core", machine="tiny", per_kimg=(8.0,))
    plan = foretold(spec, spec.schedule(1000), 16, fast, [slow])
    text = "\n".join(lines(plan, 1000))
    assert "# Cost on 3 machines with 8 cores; a few steps" in text
    assert "measured on old1; 6 trials at a time" in text
    assert "# Cost on 1 machine with 1 core; a few steps" in text
    assert "training: 8.0 s a kimg" in text
    assert "# Time; 16 trials, 7 at a time" in text
    assert plan.plain()["at_once"] == 7
    assert [one["fits"] for one in plan.plain()["others"]] == [9]


def test_no_more_run_than_the_spec_allows_whatever_kinds_there_are() -> None:
    found = [replace(COSTS, at_once=count) for count in (6, 3, 1)]
    assert [one.at_once for one in cluster._at_most(8, found)] == [6, 2]
    assert [one.at_once for one in cluster._at_most(None, found)] == [6, 3, 1]


@pytest.mark.parametrize(
    ("resources", "node", "takes"),
    [
        ("{gpu: 0.25, cpu: 2}", Node.having(64, 4), (8.0, 1.0)),
        ("{gpu: 1, cpu: 4}", Node.having(64, 1), (4.0, 1.0)),
        ("{gpu: 0, cpu: 2}", Node.having(8, 0), (8.0, 0.0)),
        ("{gpu: 0, cpu: 1}", Node.having(64, 0), (8.0, 0.0)),
    ],
)
def test_what_measures_takes_what_as_many_trials_do(
    resources: str, node: Node, takes: tuple[float, float]
) -> None:
    assert cluster._takes(parse(TINY + f"resources: {resources}\n"), 16, node) == takes


def test_memory_that_holds_fewer_than_run_is_warned_of() -> None:
    spec = parse(LONG)
    found = foretold(spec, spec.schedule(1000), 16, replace(COSTS, at_once=16))
    assert fits(found.costs) == 9
    assert "set resources.max_concurrent to 9" in "\n".join(lines(found, 1000))


@pytest.mark.parametrize(
    ("device", "takes", "wanted"), [("cpu", 2.0, "2 core hours"), ("cuda", 0.25, "0.25 GPU")]
)
def test_devices_are_busy_as_far_as_a_trial_takes_them(device: str, takes: float, wanted: str) -> None:
    spec = parse(LONG)
    found = foretold(spec, spec.schedule(1000), 16, replace(COSTS, device=device, takes=takes))
    hour = Range(3600.0, 3600.0, 3600.0)
    text = "\n".join(lines(replace(found, sweep=replace(found.sweep, busy=hour)), 1000))
    assert f"; {wanted}" in text


def test_what_was_found_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    spec = parse(LONG)
    describe(
        spec, found=Findings(Pictures(1000, prepared=True), foretold(spec, spec.schedule(1000), 16, COSTS))
    )
    assert "# Time; 16 trials, 1 at a time" in capsys.readouterr().out


@pytest.mark.parametrize(("free", "there"), [(79.5, 80), (60, 60.6), (0.1, 0.7)])
def test_memory_of_a_gpu_that_others_hold_is_none_for_trials(
    free: float, there: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (int(free * 2**30), 80 * 2**30))
    found = timing._memory_there(torch.device("cuda")) / 2**30
    assert found == pytest.approx(there, abs=0.02)
