"""Which part of a GPU a trial gets where the spec leaves it to the machine."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from commands.planning.test_forecast import COSTS, LONG
from helpers.sweeps.commands import TINY, run
from hypothesis import given
from hypothesis import strategies as st

from ganlib.errors import RequestError
from sweep.commands.inputs import Pictures
from sweep.commands.planning import costs
from sweep.commands.planning.plan import fits, foretold, lines
from sweep.commands.planning.sharing import MOST, USABLE, resident_bytes, settled, share
from sweep.runners.capacity import CONTEXT, Demand, Node
from sweep.spec.specification import Spec, parse

AUTO = TINY + "resources: {gpu: auto}\n"
GIB = 2**30


@given(memory=st.integers(2**20, 200 * GIB), there=st.integers(GIB, 200 * GIB))
def test_as_many_share_a_gpu_as_fit_into_it(memory: int, there: int) -> None:
    gpu, _ = share(memory, there)
    together = Node.having(64, 1).holds(Demand.of(1, gpu))
    assert 1 <= together <= MOST
    assert together == 1 or together * memory + CONTEXT <= there * USABLE
    assert together == MOST or (together + 1) * memory + CONTEXT > there * USABLE


@pytest.mark.parametrize(("memory", "gpu"), [(4, 0.125), (12, 0.2), (30, 0.5), (60, 1.0)])
def test_it_is_measured_on_the_gpu_that_is_here(
    memory: int, gpu: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Spec] = []

    def measure(spec: Spec, samples: object, trials: int) -> SimpleNamespace:
        measured.append(spec)
        return SimpleNamespace(memory=memory * GIB, memory_there=80 * GIB)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(costs, "measure", measure)
    said: list[str] = []
    spec = parse(AUTO, "tiny.yaml")
    found = settled(spec, None, said.append)
    assert found.resources.gpus == gpu
    assert found == replace(spec, resources=found.resources)
    assert measured[0].resources.gpu == 1.0
    assert f"resources.gpu is auto: {gpu:g}, so that" in said[0]
    assert "of 80 GiB" in said[0] or "of 85.9 GB" in said[0]


def test_without_a_gpu_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert settled(parse(AUTO, "tiny.yaml")).resources.gpus == 0


def test_a_number_stays_what_it_is() -> None:
    spec = parse(AUTO.replace("auto", "0.3"), "tiny.yaml")
    assert settled(spec, "ray.example:6379") is spec


def test_other_machines_cannot_be_measured_here() -> None:
    with pytest.raises(RequestError, match="give a number"):
        settled(parse(AUTO, "tiny.yaml"), "ray.example:6379")


def test_pictures_count_as_far_as_they_lie_there() -> None:
    spec = parse(TINY, "tiny.yaml")
    of_one = spec.data.size**2 * spec.data.channels
    assert resident_bytes(spec, {"data": Pictures(1000, True)}, GIB) == 1000 * of_one
    assert resident_bytes(spec, {"data": Pictures(1000, True)}, 1999 * of_one) == 0  # they stay on the host
    translator = replace(spec, plain={**spec.plain, "model.family": "cartoongan"})
    both = {"data": Pictures(1000, True), "photos": Pictures(500, True)}
    assert resident_bytes(translator, both, GIB) == 2500 * of_one


@pytest.mark.parametrize("wrong", ["many", "automatic"])
def test_other_words_are_refused(wrong: str, tmp_path) -> None:
    (tmp_path / "tiny.yaml").write_text(AUTO.replace("auto", wrong))
    refused = run("run", tmp_path / "tiny.yaml", "--dry-run")
    assert refused.exit_code == 2
    assert "resources.gpu: must be a number, such as 0.25, or auto" in refused.output


def test_a_sweep_has_the_number_on_record(tmp_path) -> None:
    (tmp_path / "tiny.yaml").write_text(AUTO)
    done = run("run", tmp_path / "tiny.yaml", "--local", "--storage", tmp_path, "--set", "search.trials=1")
    assert done.exit_code == 0, done.output
    assert "resources.gpu is auto: 0, because there is no GPU here" in done.output
    assert (
        "auto"
        not in (tmp_path / "tiny" / "spec.yaml").read_text().split("resources:")[1].split("gpu:")[1][:6]
    )


# ---- what a plan says of it ----------------------------------------------------------------------------------------


def test_a_gpu_is_shared_by_as_many_as_its_memory_holds() -> None:
    spec = parse(LONG)
    found = foretold(spec, spec.schedule(1000), 16, replace(COSTS, device="cuda", memory_there=8 * 2**30))
    assert fits(found.costs) == 4
    text = "\n".join(lines(found, 1000))
    assert "4 trials can share a GPU: resources.gpu 0.25" in text
    assert "GPU hours" in text


@pytest.mark.parametrize("holds", [1, 3, 6, 7, 9, 13])
def test_as_many_share_a_gpu_as_was_said(holds: int) -> None:
    spec = parse(LONG)
    each = COSTS.memory + CONTEXT
    there = int((holds + 0.5) * each / USABLE)
    found = foretold(spec, spec.schedule(1000), 16, replace(COSTS, device="cuda", memory_there=there))
    told = re.search(r"resources\.gpu ([\d.]+)", "\n".join(lines(found, 1000)))
    assert told is not None
    assert fits(found.costs) == holds
    assert Node.having(64, 1).holds(Demand.of(1, float(told[1]))) == min(holds, MOST)


@pytest.mark.parametrize("packs", [True, False])
def test_pictures_that_lie_on_a_gpu_take_room(packs: bool) -> None:
    """Once where trials share a process, and once for each that has one of its own."""
    costs = replace(COSTS, device="cuda", packs=packs, memory_there=80 * 2**30, memory=2**30)
    for pictures in (0, 2**30, 20 * 2**30):
        each = 0 if packs else CONTEXT + pictures
        once = CONTEXT + pictures if packs else 0
        holds = fits(replace(costs, pictures=pictures))
        assert holds * (costs.memory + each) + once <= 80 * 2**30 * USABLE
        assert (holds + 1) * (costs.memory + each) + once > 80 * 2**30 * USABLE


def test_a_plan_and_auto_say_the_same() -> None:
    spec, costs = parse(LONG), replace(COSTS, device="cuda", packs=True, memory_there=80 * 2**30)
    for memory in (2**28, 2**32, 12 * 2**30, 60 * 2**30):
        for pictures in (0, 30 * 2**30):
            one = replace(costs, memory=memory, pictures=pictures)
            if not fits(one):
                continue
            told = re.search(
                r"resources\.gpu ([\d.]+)", "\n".join(lines(foretold(spec, spec.schedule(1000), 16, one), 1))
            )
            assert told is not None
            assert float(told[1]) == pytest.approx(share(memory, one.memory_there, pictures)[0], abs=1e-4)
