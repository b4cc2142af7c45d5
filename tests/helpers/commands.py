"""The smallest spec that trains, folders of pictures, and the command line as its users call it."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from sweep.cli import cli

SPACES = Path(__file__).parents[2] / "searchspaces"


TINY = """
name: tiny
data: {source: avatars, count: 64, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3}, epochs: 2, batch_size: 16}
evaluate: {every: 1, n_fake: 32, n_real: 32}
search: {trials: 2}
"""


def draw(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


def sweep(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result
