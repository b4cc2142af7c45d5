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
    out = tmp_path / "new" / "page.html"
    assert write_report([faces], out) == [str(out), *(str(out.parent / name) for name in BESIDE)]
    assert "<title>faces – sweep report</title>" in out.read_text(encoding="utf-8")
    for name in ("curves.png", "importance.png"):
        figure = Image.open(out.parent / name)
        assert round(figure.info["dpi"][0]) == 300
        assert np.asarray(figure.convert("L")).std() > 10
    with pytest.raises(RequestError, match="is the folder"):
        write_report([faces], tmp_path)
    with pytest.raises(RequestError, match="written beside it"):
        write_report([faces], tmp_path / "comparison.png")


def test_it_is_written_beside_the_sweeps(tmp_path: Path) -> None:
    sweeps = [make_sweep(tmp_path, trials=2, name=name, pictures=False) for name in ("a", "b")]
    paths = write_report(sweeps, storage=open_folder(tmp_path))
    assert paths[0] == str(tmp_path / "reports" / "a+b" / "report.html")
