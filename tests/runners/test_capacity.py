"""How many trials run at once: compared with what a packer finds that tries everything."""

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ganlib import cores
from sweep.runners.capacity import UNITS, Demand, Node, Placed, fits, largest_share, left, spread

SHARES = [0.1, 0.2, 0.25, 0.3, 1 / 3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.75, 0.9, 1.0]


def packed(node: Node, demand: Demand) -> int:
    """The most trials that can be put on a node, found by trying every way."""
    best = 0
    whole = max(1, demand.gpu // UNITS) if demand.gpu else 0
    states = {(node.cpu, node.gpus)}
    while True:
        following = set()
        for cpu, gpus in states:
            if cpu < demand.cpu:
                continue
            if not demand.gpu:
                following.add((cpu - demand.cpu, gpus))
                continue
            of_each = demand.gpu // whole
            for chosen in itertools.combinations(range(len(gpus)), whole):
                if all(gpus[i] >= of_each for i in chosen):
                    rest = tuple(g - of_each if i in chosen else g for i, g in enumerate(gpus))
                    following.add((cpu - demand.cpu, tuple(sorted(rest))))
        if not following:
            return best
        best, states = best + 1, following


nodes = st.builds(
    Node.having, st.integers(0, 6).map(float) | st.sampled_from([1.5, 2.5]), st.integers(0, 3).map(float)
)
demands = st.builds(
    Demand.of,
    st.sampled_from([*SHARES, 1.5, 2.0, 3.0]),
    st.sampled_from([0.0, *SHARES, 2.0, 3.0]),
    st.sampled_from([1.0, 1.0, 1.5, 5 / 3, 2.0]),
)


@settings(max_examples=300, deadline=None)
@given(node=nodes, demand=demands)
def test_as_many_as_can_be_packed(node: Node, demand: Demand) -> None:
    assert node.holds(demand) == packed(node, demand)


@pytest.mark.parametrize(
    ("cpu", "gpu", "have", "trials"),
    [
        (0.2, 0, (1, 0), 5),  # 1 // 0.2 is 4
        (0.1, 0, (1, 0), 10),
        (1 / 3, 0, (1, 0), 3),
        (0.3, 0, (3, 0), 10),
        (0.1, 0.6, (8, 2), 2),  # of each GPU one, not three of their sum
        (0.1, 0.4, (8, 3), 6),
        (0.1, 0.2, (8, 1), 5),
        (1, 1, (8, 4), 4),
        (2, 0.25, (5, 1), 2),
        (1, 0.25, (8, 0), 0),
    ],
)
def test_known_machines(cpu: float, gpu: float, have: tuple[float, float], trials: int) -> None:
    assert Node.having(*have).holds(Demand.of(cpu, gpu)) == trials


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whoever_is_let_in_starts_at_once(data: st.DataObject) -> None:
    """Trials come (some with a larger share) and go; wherever Ray puts one that was let in, there is a place."""
    machines = {
        str(i): node
        for i, node in enumerate(data.draw(st.lists(nodes, min_size=1, max_size=3), label="nodes"))
    }
    cpu = data.draw(st.sampled_from([0.2, 0.3, 0.5, 1.0, 2.0]), label="cpu")
    gpu = data.draw(st.sampled_from([0.0, 0.0, 0.2, 0.35, 0.6, 1.0, 2.0]), label="gpu")
    most = min(2.0, largest_share(machines.values(), cpu, gpu))
    running: list[Placed] = []
    coming: list[Demand] = []
    for _ in range(12):
        what = data.draw(st.sampled_from(["ask", "ask", "ask large", "hello", "end"]))
        if what == "end" and running:
            running.pop(data.draw(st.integers(0, len(running) - 1)))
        elif what == "hello" and coming:
            running.append(placed(data, machines, running, coming.pop(0)))
        elif what.startswith("ask"):
            demand = Demand.of(cpu, gpu, most if what == "ask large" else 1.0)
            if fits(machines, running, coming, demand):
                coming.append(demand)
    for demand in coming:
        running.append(placed(data, machines, running, demand))


def placed(
    data: st.DataObject, machines: dict[str, Node], running: Sequence[Placed], demand: Demand
) -> Placed:
    """Put a trial as awkwardly as one likes; fails where there is no place."""
    free = left(machines, running)
    able = [name for name, node in free.items() if node.holds(demand)]
    assert able, "a trial was let in and would wait"
    name = data.draw(st.sampled_from(able))
    # GPUs by name: those in use, then untouched ones.
    used = dict.fromkeys(f"{name}-{i}" for i in range(len(machines[name].gpus)))
    names = sorted({gpu for trial in running if trial.node == name for gpu in trial.gpus})
    order = [str(gpu) for gpu in names] + [gpu for gpu in used if gpu not in names]
    taken = {gpu: sum(min(t.demand.gpu, UNITS) for t in running if gpu in t.gpus) for gpu in order}
    of_each, count = min(demand.gpu, UNITS), max(1, demand.gpu // UNITS) if demand.gpu else 0
    open_gpus = [gpu for gpu in order if UNITS - taken[gpu] >= of_each]
    chosen = data.draw(st.permutations(open_gpus))[:count] if count else []
    return Placed(name, tuple(chosen), demand)


def test_trials_of_other_sizes_wait_until_it_is_known_where_the_others_are() -> None:
    two = {"a": Node.having(3, 0), "b": Node.having(3, 0)}
    one, double = Demand.of(1, 0), Demand.of(1, 0, 2.0)
    assert not fits(two, [], [one], double)
    apart = [Placed("a", (), one), Placed("a", (), one), Placed("b", (), one), Placed("b", (), one)]
    assert not fits(two, apart, [], double)  # two are free, but not on one node
    assert fits(two, [*apart[:1], *apart[2:]], [], double)


@pytest.mark.parametrize(
    ("cpu", "gpu", "have", "share"),
    [
        (1, 0, (1, 0), 1.0),
        (1, 0, (4, 0), 4.0),
        (0.3, 0, (1, 0), 1 / 0.3),
        (1, 0.6, (8, 2), 1 / 0.6),  # a part becomes at most a whole
        (1, 0.25, (2, 1), 2.0),
        (1, 1, (8, 4), 1.0),  # it has all the memory of its GPU
    ],
)
def test_the_largest_share(cpu: float, gpu: float, have: tuple[float, float], share: float) -> None:
    node = Node.having(*have)
    assert largest_share([node], cpu, gpu) == pytest.approx(share)
    assert node.holds(Demand.of(cpu, gpu, share)) >= 1


# ---- how many cores there are ------------------------------------------------------------------------------


def group(root: Path, version: int, path: str, quota: str) -> None:
    place = (root / path.strip("/")) if version == 2 else (root / "cpu,cpuacct" / path.strip("/"))
    place.mkdir(parents=True, exist_ok=True)
    if version == 2:
        (place / "cpu.max").write_text(f"{quota} 100000\n")
    else:
        (place / "cpu.cfs_quota_us").write_text(f"{'-1' if quota == 'max' else quota}\n")
        (place / "cpu.cfs_period_us").write_text("100000\n")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ({"/": "max", "/job/step": "max"}, 8),
        ({"/job/step": "100000"}, 1),
        ({"/job/step": "350000"}, 3),
        ({"/job/step": "50000"}, 1),  # half a core: one trial, which is slow
        ({"/job": "200000", "/job/step": "max"}, 2),  # that of the group above
        ({"/job": "200000", "/job/step": "400000"}, 2),
        ({"/": "100000"}, 1),  # as in a container, where the path is the host's
        ({"/other": "100000"}, 8),
        ({"/job/step": "nonsense"}, 8),
    ],
)
def test_the_quota_of_control_groups(
    version: int,
    quotas: dict[str, str],
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda pid: set(range(8)))
    for path, quota in quotas.items():
        group(tmp_path, version, path, quota)
    member = tmp_path / "cgroup"
    member.write_text("0::/job/step\n" if version == 2 else "9:memory:/x\n4:cpu,cpuacct:/job/step\n0::/\n")
    assert cores.available(tmp_path, member) == expected


def test_without_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda pid: {0, 3, 5})
    assert cores.available(tmp_path, tmp_path / "none") == 3


def test_the_affinity_of_a_process() -> None:
    code = "from ganlib import cores; print(cores.available())"
    one = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, one),
    )
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("gpus", "gpu", "at_once", "expected"),
    [
        ((4,), 0.25, 4, 1.0),  # four trials on four GPUs, not on the first
        ((4,), 0.25, 8, 0.5),
        ((4,), 0.25, 9, 1 / 3),
        ((4,), 0.25, 13, 0.25),
        ((4,), 0.25, None, 0.25),
        ((1, 1), 0.5, 2, 1.0),  # on both machines
        ((1, 1), 0.3, 100, 1 / 3),
        ((1,), 1.0, 1, 1.0),
        ((2,), 2.0, 1, 2.0),
        ((0,), 0.0, 3, 0.0),
    ],
)
def test_few_trials_are_spread_over_the_gpus(
    gpus: tuple[int, ...], gpu: float, at_once: int | None, expected: float
) -> None:
    nodes = [Node.having(64, count) for count in gpus]
    assert spread(nodes, 1.0, gpu, at_once) == pytest.approx(expected)


@given(
    gpus=st.lists(st.integers(1, 8), min_size=1, max_size=4),
    gpu=st.floats(0.05, 0.99),
    at_once=st.integers(1, 40),
)
@example(gpus=[1], gpu=math.nextafter(0.05, 1), at_once=20)
def test_spreading_costs_no_room(gpus: list[int], gpu: float, at_once: int) -> None:
    nodes = [Node.having(1000, count) for count in gpus]
    found = spread(nodes, 1.0, gpu, at_once)
    room = [sum(node.holds(Demand.of(1.0, part)) for node in nodes) for part in (gpu, found)]
    assert found >= gpu
    assert min(at_once, room[0]) <= room[1]
