"""The measurements of a card, tried out without one, where nothing is installed but torch and what comes with it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu import wheels
from benchmarks.gpu.measure import PARTS, Part, measure
from benchmarks.gpu.parts import Figures, Settings, Skipped

ROOT = Path(__file__).parents[2]
THERE = ("torch", "torchvision", "torchmetrics", "pyarrow", "scikit-image")
"""What the bare machine has, with all that these need."""
HIDDEN = ("ray", "optuna", "pydantic", "dicebear", "sqlalchemy", "click", "safetensors", "sweep")


def needed(names: tuple[str, ...]) -> dict[str, Distribution]:
    """Distributions with those that they need, by name."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform
        needs = [need for need in found[name].requires or [] if "extra ==" not in need]
        waiting += [re.split(r"[^\w.-]", need)[0] for need in needs]
    return found


def places(one: Distribution) -> Iterator[tuple[Path, str]]:
    """The files of a distribution beside what lies elsewhere than its modules, and their names from there."""
    for file in one.files or []:
        if ".." not in file.parts and not file.is_absolute():
            yield Path(str(one.locate_file(file))), str(file)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that finds what the bare machine has, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    visible = folder / "visible"
    visible.mkdir()
    for one in needed(THERE).values():
        for top in {Path(name).parts[0] for _, name in places(one)} - {"__pycache__"}:
            if not (visible / top).exists():
                (visible / top).symlink_to(str(one.locate_file(top)))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "visible.pth").write_text(f"{visible}\n")
    return folder / "venv" / "bin" / "python"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of what is installed here, in place of those that are downloaded."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in wheels.NEEDED:
        one = distribution(name)
        with zipfile.ZipFile(
            folder / f"{name.replace('-', '_')}-{one.version}-py3-none-any.whl", "w"
        ) as archive:
            for path, inside in places(one):
                archive.write(path, inside)
    return folder


def run(python: Path | str, *words: object) -> "subprocess.CompletedProcess[str]":
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    return subprocess.run(
        [str(python), str(ROOT / "benchmarks/gpu/measure.py"), *map(str, words)],
        env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_dry_run_on_a_bare_machine(bare: Path, packed: Path, tmp_path: Path) -> None:
    asked = f"import importlib.util as u; print([n for n in {HIDDEN!r} if u.find_spec(n)])"
    hidden = subprocess.run([bare, "-c", asked], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    assert hidden.stdout == "[]\n"
    out = tmp_path / "out.json"
    asked_for = [name for name in PARTS if name != "machine"]
    done = run(
        bare,
        "--device",
        "cpu",
        "--tiny",
        "--minutes",
        5,
        "--wheels",
        packed,
        "--out",
        out,
        "--parts",
        *asked_for,
    )
    assert done.returncode == 0, done.stdout
    assert "pydantic_core" in done.stdout.splitlines()[0]
    found = json.loads(out.read_text())
    assert found["machine"].keys() == {"card", "torch", "cuda", "python", "cores", "date", "commit"}
    parts = found["parts"]
    assert [*parts] == asked_for
    for name, said in parts.items():
        assert said["status"] == "ok", (name, said)
        assert said["seconds"] > 0
    correct = parts["correct"]["figures"]
    skipped = correct["one by one"]["out of memory"], *correct["synchronisations"].values()
    assert {said["status"] for said in skipped} == {"skipped: needs CUDA"}
    captured = parts["captured"]["figures"]["captured"]
    for said in (*captured.values(), correct["one by one"]["save, load, resume; eager"]):
        assert said["equal"]
    assert all(set(said["gradients"]) == {0.0} for said in correct["against the CPU"].values())
    speed = parts["throughput"]["figures"]
    assert speed["captured"] == "skipped: needs CUDA"
    assert speed["dcgan"]["against the example"]["ratio to the example"].keys() == {
        "bf16, eager",
        "fp32, eager",
    }
    assert speed["others"].keys() == {"wgan-gp", "stylegan2", "r3gan"}
    assert speed["kernels"]["eager"]["longest"]
    assert parts["packs"]["figures"]["one process"]["2 eager"]["pictures a second"] > 0
    assert len(parts["packs"]["figures"]["processes"]["2 eager"]["of each"]) == 2
    for said in parts["evaluation"]["figures"]["evaluations"].values():
        assert said["seconds a part"].keys() == {
            *("latents", "generation, latents included", "features", "fid", "kid", "the rest")
        }
    for sweep in (parts["sweep"]["figures"], parts["study"]["figures"]):
        assert (sweep["results"], sweep["devices"]) == (2, ["cpu"])
        assert len(sweep["seconds before a trial's first step"]) >= 2  # one that goes on starts again
    assert parts["plan"]["figures"]["ratio"] > 0


# ---- parts that go wrong -------------------------------------------------------------------------------------------


def fine(settings: Settings, figures: Figures) -> None:
    figures.note(known=sorted(settings.known))


def raising(settings: Settings, figures: Figures) -> None:
    figures.note(before=1)
    raise ValueError("what is wrong")


def checking(settings: Settings, figures: Figures) -> None:
    with figures.judged():
        figures.check("checks", "wrong", lambda: 1 / 0)
        figures.check("checks", "right", lambda: {"found": 2})


def hanging(settings: Settings, figures: Figures) -> None:
    figures.note(before=2)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    figures.note(child=child.pid)
    time.sleep(600)


def dying(settings: Settings, figures: Figures) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def unable(settings: Settings, figures: Figures) -> None:
    raise Skipped("needs CUDA")


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_no_part_loses_the_figures_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []
    monkeypatch.setattr("benchmarks.gpu.measure.GRACE", 0.0)
    monkeypatch.setattr("benchmarks.gpu.measure.LEAST", 1.0)
    monkeypatch.setattr(
        "benchmarks.gpu.measure._write", lambda path, found: written.append(json.loads(json.dumps(found)))
    )
    functions = (fine, raising, hanging, checking, dying, unable)
    monkeypatch.setattr(Part, "load", lambda self: globals()[self.function])
    parts = {one.__name__: Part(__name__, one.__name__, 1.0) for one in functions}
    measure({**parts, "last": Part(__name__, "fine", 1.0)}, 0.05, "cpu", True, [], tmp_path / "out.json")
    assert [len(one["parts"]) for one in written] == [1, 2, 3, 4, 5, 6, 7], "written after each"
    said = written[-1]["parts"]
    assert {name: one["status"].partition(" after")[0] for name, one in said.items()} == {
        **{"fine": "ok", "raising": "failed", "hanging": "timed out", "checking": "failed"},
        **{"dying": "failed", "unable": "skipped: needs CUDA", "last": "ok"},
    }
    assert said["raising"]["figures"] == {"before": 1}
    assert said["raising"]["output"][-1] == "ValueError: what is wrong"
    assert said["hanging"]["figures"]["before"] == 2
    assert not lives(said["hanging"]["figures"]["child"])
    checks = said["checking"]["figures"]["checks"]
    assert checks["wrong"]["error"][-1] == "ZeroDivisionError: division by zero"
    assert checks["right"]["found"] == 2
    assert said["checking"]["output"][-1].endswith("1 checks failed: checks: wrong")
    assert said["last"]["figures"]["known"] == sorted(parts)


def test_without_a_card_nothing_is_measured(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    out = tmp_path / "out.json"
    done = run(sys.executable, "--minutes", 1, "--out", out)
    assert done.returncode == 1
    assert json.loads(out.read_text())["parts"].keys() == {"machine"}
    assert "skipped: torch finds no CUDA device" in done.stdout


# ---- wheels --------------------------------------------------------------------------------------------------------


def wheel(folder: Path, name: str) -> None:
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr(f"{name.partition('-')[0]}.py", "")


def test_only_what_is_missing_or_older_is_unpacked(tmp_path: Path) -> None:
    for name in (
        "nowhere-1.0-py3-none-any.whl",
        "pytest-0.1-py3-none-any.whl",
        "numpy-999-cp39-abi3-any.whl",
    ):
        wheel(tmp_path, name)
    assert wheels.unpack(tmp_path, tmp_path / "site") == ["nowhere 1.0", "numpy 999"]
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["nowhere.py", "numpy.py"]


def test_wheels_of_another_python_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no wheel"):
        wheels.unpack(tmp_path, tmp_path / "site")
    wheel(tmp_path, "nowhere-1.0-cp39-cp39-manylinux_2_17_x86_64.whl")
    with pytest.raises(SystemExit, match="not for this Python"):
        wheels.unpack(tmp_path, tmp_path / "site")


def test_all_that_is_needed_is_locked() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not [name for name in wheels.NEEDED if f"\n{name}==" not in lock]
