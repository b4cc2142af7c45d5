"""Commands that only read a sweep write nothing into its folder."""

from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.records.parts import compaction
from sweep.results import nearest_real
from sweep.search.study import Study
from sweep.spec.specification import parse
from sweep.storage import layout

READERS = (
    ("ls",),
    ("ls", "--json"),
    ("show", "faces"),
    ("show", "faces", "--json"),
    ("best", "faces"),
    ("best", "faces", "--json"),
    ("watch", "faces"),
    ("watch", "faces", "--json"),
    ("check", "faces"),
    ("check", "faces", "--json"),
)
REPORT = {layout.REPORT, "comparison.png", "curves.png", "importance.png", "trials.csv"}
REPORT |= {"table.tex", "table.md"}


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """A sweep with more loose parts than are read one by one, on a machine that has its pictures."""
    monkeypatch.setattr(compaction, "MANY", 3)
    monkeypatch.setattr(compaction, "SETTLED_SECONDS", 0.0)
    real = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    monkeypatch.setattr(nearest_real, "packed", lambda data_hash: real)
    sweep = make_sweep(tmp_path)
    spec = parse(sweep.spec_text())
    Study.create(tmp_path / "faces" / layout.STUDY, spec.name, spec.space, spec.search).close()
    return sweep


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below a folder, with its size and the time of its last change."""
    found = {str(path.relative_to(folder)): path.stat() for path in folder.rglob("*")}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()} | {
        ".": (0, folder.stat().st_mtime_ns)
    }


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_a_reader_writes_nothing(arguments: tuple[str, ...], sweep: Sweep, tmp_path: Path) -> None:
    before = listing(tmp_path)
    result = run(*arguments, "--storage", str(tmp_path))
    assert result.exit_code in (0, 1), result.output  # `check` finds the study to be empty
    assert "Traceback" not in result.output
    assert listing(tmp_path) == before


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in the folder", "elsewhere"])
def test_a_report_writes_only_itself(elsewhere: bool, sweep: Sweep, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    before = listing(folder)
    out = ["--out", str(tmp_path / "out" / "report.html")] if elsewhere else []
    result = run("report", "faces", "--storage", str(tmp_path), *out)
    assert result.exit_code == 0, result.output
    page = Path(result.output.split()[0]).read_text()
    assert "nearest real" in page  # looked for, because this machine has the pictures
    after = listing(folder)
    if not elsewhere:
        assert set(after) - set(before) <= REPORT
    fresh = {name: facts for name, facts in after.items() if name not in REPORT and name != "."}
    assert fresh == {name: facts for name, facts in before.items() if name != "."}
