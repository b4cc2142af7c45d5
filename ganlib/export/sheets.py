"""Make the sample grid of a loaded generator, and compare it with the one that training wrote."""

from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ganlib.data.alpha import to_uint8
from ganlib.data.sheet import GAP, grid
from ganlib.export.generator import LoadedGenerator
from ganlib.models.inputs import ClassLatents, Inputs, Photos
from ganlib.models.latents import in_blocks
from ganlib.models.sheets import COLUMNS, MADE, Sheet, class_sheet, sheet_of, translation_sheet
from ganlib.models.translator import Translator


def sheet_by(loaded: LoadedGenerator, inputs: Inputs, count: int) -> Sheet:
    """Make the pictures of a sample grid; computed in float32.

    Args:
        loaded: Makes them.
        inputs: What it is given, of the list for evaluations.
        count: How many pictures of latents; a sheet of a translator or of classes has its own number.
    """
    network = loaded.network
    if isinstance(network, Translator) and isinstance(inputs, Photos):
        back = None if network.back is None else partial(_make, network.back)
        return translation_sheet(partial(_make, network.forth), back, inputs)
    if isinstance(inputs, ClassLatents):
        return class_sheet(partial(_make, network), inputs)
    return sheet_of(_make(network, inputs.take(count)))


def difference(sheet: Sheet, shown: Image.Image) -> float:
    """Measure how far a sheet is from one that was drawn before, as the mean difference in levels of 255.

    Of a translator's sheet those rows count that were made of real pictures: neither these, which are always equal, nor
    what was made of made ones, where differences add up.
    """
    images = [
        np.asarray(image.convert("RGB"), np.float32) for image in (grid(sheet.pictures, COLUMNS), shown)
    ]
    if made := [number for number, words in enumerate(sheet.rows) if words in MADE]:
        side = sheet.pictures.shape[1]
        tops = [GAP + number * (side + GAP) for number in made]
        images = [np.concatenate([image[top : top + side] for top in tops]) for image in images]
    return float(np.abs(images[0] - images[1]).mean())


@torch.inference_mode()
def _make(network: nn.Module, inputs: Tensor) -> Tensor:
    return to_uint8(in_blocks(network, inputs))
