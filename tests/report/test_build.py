"""Files of a report: where they are written, and what they are called."""

from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.synthetic import make_sweep
from PIL import Image

from ganlib.errors import RequestError
from sweep.records.catalog import Sweep
from sweep.report.build import BESIDE, write_report
from sweep.storage.opening import open_folder


def test_files_go_where_they_are_asked_to(faces: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report.html"
    assert write_report([faces], out) == [str(out), *(str(out.parent / name) for name in BESIDE)]
    assert "<title>faces – sweep report</title>" in out.read_text(encoding="utf-8")
    for name in ("curves.png", "importance.png"):
        figure = Image.open(out.parent / name)
        assert round(figure.info["dpi"][0]) == 300
        assert np.asarray(figure.convert("L")).std() > 10
    with pytest.raises(RequestError, match="is the folder"):
        write_report([faces], tmp_path)
    for name in ("comparison.png", "results"):
        with pytest.raises(RequestError, match=r"ends in \.html"):
            write_report([faces], tmp_path / name)


def test_pages_in_one_folder_keep_their_files(faces: Sweep, tmp_path: Path) -> None:
    write_report([faces], tmp_path / "report.html")
    before = {name: (tmp_path / name).read_bytes() for name in BESIDE}
    other = make_sweep(tmp_path / "runs", trials=2, name="other", pictures=False)
    written = {Path(path).name for path in write_report([other], tmp_path / "other.html")}
    assert {"other.html", "other-trials.csv", "other-curves.png"} <= written
    assert {name: (tmp_path / name).read_bytes() for name in BESIDE} == before


def test_it_is_written_beside_the_sweeps(tmp_path: Path) -> None:
    sweeps = [make_sweep(tmp_path, trials=2, name=name, pictures=False) for name in ("a", "b")]
    paths = write_report(sweeps, storage=open_folder(tmp_path))
    assert paths[0] == str(tmp_path / "reports" / "a+b" / "report.html")


def test_reports_of_many_sweeps_are_told_apart(tmp_path: Path) -> None:
    a, b, c, d, e = [make_sweep(tmp_path, trials=1, name=name, pictures=False) for name in "abcde"]
    some, others = (
        write_report(sweeps, storage=open_folder(tmp_path))[0] for sweeps in ([a, b, c, d], [a, b, c, e])
    )
    assert some != others
    assert "a+3-more" in some
