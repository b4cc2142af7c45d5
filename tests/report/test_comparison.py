"""The comparison for papers: the grids of the best trials beside real pictures."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from helpers.sweeps.synthetic import make_sweep
from PIL import Image

from sweep.records.catalog import Sweep
from sweep.report.beside.comparison import comparison, real_pictures
from sweep.report.results import Results


def test_comparison_is_a_picture_for_papers(faces: Sweep, tmp_path: Path) -> None:
    sheet = Image.open(BytesIO(comparison(Results.read([faces])) or b""))
    assert sheet.format == "PNG"
    assert sheet.width > 2000
    assert round(sheet.info["dpi"][0]) == 300
    # 12 tiles of 4 columns: the real pictures come first, and they are in colour
    assert np.asarray(sheet.convert("RGB"))[130:600, 40:500].std() > 20
    assert comparison(Results.read([make_sweep(tmp_path, trials=1, pictures=False)])) is None


def test_real_pictures_stand_once_each_and_those_of_the_best_first(tmp_path: Path) -> None:
    hashes = (("a", "1"), ("b", "1"), ("c", "2"))
    sweeps = [make_sweep(tmp_path, 2, name, size=12, info={"data_hash": told}) for name, told in hashes]
    results = Results.read(sweeps)
    found = real_pictures(results)
    assert [words for _, *words in found] == [["Real pictures", "a"], ["Real pictures", "c"]]
    backwards = replace(results, trials=[*results.trials][::-1])
    assert backwards.trials[0].facts.sweep.name == "c"
    assert [name for _, _, name in real_pictures(backwards)] == ["c", "b"]
    assert [words for _, *words in real_pictures(Results.read(sweeps[:2]))] == [["Real pictures", ""]]
