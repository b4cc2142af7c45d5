"""The smallest spec that trains, folders of pictures, and the command line as its users call it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from sweep.cli import cli
from sweep.spec.yaml_tree import inline

SPACES = Path(__file__).parents[3] / "searchspaces"
RATE = {"type": "float", "low": 1e-4, "high": 2e-3, "log": True}
"""A learning rate to be searched."""
TIMES = frozenset(
    {"seconds", "seconds_per_kimg", "seconds_train", "seconds_eval", "started", "ended", "time"}
)
"""Columns of records that tell how long something took, or when it was."""
SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"source": "avatars", "count": 96, "size": 32},
    "model": {"width": 8, "latent_dim": 16},
    "train": {"lr_g": RATE, "batch_size": 16},
    "evaluate": {"every": 1, "n_fake": 32, "n_real": 48},
    "search": {"trials": 2, "seed": 3},
}


def small(name: str = "small", **sections: Mapping[str, Any]) -> str:
    """The text of a spec that trains in a second: `SMALL` with these keys of its sections instead, or besides."""
    whole = SMALL | {"name": name}
    whole |= {section: {**SMALL.get(section, {}), **keys} for section, keys in sections.items()}
    return "".join(f"{key}: {inline(value)}\n" for key, value in whole.items())


TINY = small(
    "tiny",
    data={"count": 64},
    train={"lr_g": {"type": "float", "low": 1e-4, "high": 1e-3}, "epochs": 2},
    evaluate={"n_real": 32},
    search={"seed": 0},
)
"""The smallest of all."""


def draw(folder: Path, count: int) -> Path:
    """Write so many pictures of noise into a new folder."""
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


def run(*arguments: object) -> Result:
    """Run a command; whatever it does, it ends as commands end."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def fine(*arguments: object) -> str:
    """The output of a command that does what it is asked."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output
