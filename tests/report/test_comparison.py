"""The comparison for papers: the grids of the best trials beside real pictures."""

from io import BytesIO
from pathlib import Path

import numpy as np
from helpers.sweeps.synthetic import make_sweep
from PIL import Image

from sweep.records.catalog import Sweep
from sweep.report.beside.comparison import comparison
from sweep.report.results import Results


def test_comparison_is_a_picture_for_papers(faces: Sweep, tmp_path: Path) -> None:
    sheet = Image.open(BytesIO(comparison(Results.read([faces])) or b""))
    assert sheet.format == "PNG"
    assert sheet.width > 2000
    assert round(sheet.info["dpi"][0]) == 300
    # 12 tiles of 4 columns: the real pictures come first, and they are in colour
    assert np.asarray(sheet.convert("RGB"))[130:600, 40:500].std() > 20
    assert comparison(Results.read([make_sweep(tmp_path, trials=1, pictures=False)])) is None
