"""Sample grids by loaded generators: those of training, compared where they were made of real pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganlib.config import ModelConfig
from ganlib.data.sheet import GAP, grid
from ganlib.export.files import ExportConfig, pack_weights
from ganlib.export.generator import LoadedGenerator, rebuild
from ganlib.export.sheets import difference, sheet_by
from ganlib.models.inputs import inputs_of
from ganlib.models.sheets import COLUMNS, Sheet
from ganlib.names import FAMILIES

SIDE = 32
ROWS = {"cyclegan": 6, "cartoongan": 8, "dcgan": 3}
MADE = {"cyclegan": [1, 4], "cartoongan": [1, 3, 5, 7], "dcgan": [0, 1, 2]}
"""Which rows of a sheet are compared."""


def loaded(family: str) -> LoadedGenerator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ModelConfig(family=family, width=4, **({"blocks": 1} if FAMILIES[family].translates else {}))
        network = FAMILIES[family].load().generator(model, SIDE, 3)
    return rebuild(ExportConfig(model=model, size=SIDE), pack_weights(network), "memory")


def sheet(family: str) -> tuple[LoadedGenerator, Sheet]:
    generator = loaded(family)
    photos, drawings = np.random.default_rng(0).integers(0, 256, (2, 40, SIDE, SIDE, 3), np.uint8)
    return generator, sheet_by(generator, inputs_of(generator.config.model, drawings, photos), 3 * COLUMNS)


def changed(image: Image.Image, row: int) -> Image.Image:
    """The sheet with one row turned round."""
    pixels = np.array(image)
    top = GAP + row * (SIDE + GAP)
    pixels[top : top + SIDE] = 255 - pixels[top : top + SIDE]
    return Image.fromarray(pixels)


@pytest.mark.parametrize("family", ROWS)
def test_only_what_was_made_of_real_pictures_is_compared(family: str) -> None:
    _, shown = sheet(family)
    image = grid(shown.pictures, COLUMNS)
    assert len(shown.pictures) == ROWS[family] * COLUMNS
    assert difference(shown, image) == 0
    assert [row for row in range(ROWS[family]) if difference(shown, changed(image, row)) > 1] == MADE[family]


def test_a_sheet_goes_there_and_back() -> None:
    translator, shown = sheet("cyclegan")
    rows = shown.pictures.reshape(6, COLUMNS, SIDE, SIDE, 3)
    for before, back in ((0, False), (1, True), (3, True), (4, False)):
        made = translator.translate(rows[before], back=back)
        # One by one and in blocks are rounded in other ways.
        assert np.abs(made.astype(int) - rows[before + 1]).max() <= 1
