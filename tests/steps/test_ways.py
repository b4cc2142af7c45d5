"""Training steps teach the same whichever way convolutions are computed in, penalties and all."""

from typing import Any

import pytest
import torch
from helpers.training.steps import batches, doubled, made
from helpers.training.watched import watched
from torch import Tensor

from ganlib.models import choice
from ganlib.models.products import Ways


def taught(ways: Ways, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> Tensor:
    """What the first steps change of all weights, as one vector."""
    monkeypatch.setattr(choice, "ways_of", lambda size: ways)
    step, source = doubled(made(optimizer="sgd", **options)), batches()
    weights = [*step.generator.parameters(), *step.discriminator.parameters()]
    before = torch.cat([weight.detach().flatten() for weight in weights])
    for _ in range(3):
        step(source)
    return torch.cat([weight.detach().flatten() for weight in weights]) - before


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"r1_gamma": 1.0, "r2_gamma": 1.0, "r2_every": 2},
        {"loss": "wgan-gp", "critic_steps": 2},
        {"loss": "hinge", "dragan_weight": 1.0, "model": {"d_norm": "spectral", "variant": "extended"}},
        {"diffaugment": ["color"], "r1_gamma": 1.0, "model": {"d_norm": "none", "variant": "extra"}},
    ],
    ids=["plain", "r1 and r2", "wgan-gp", "spectral", "diffaugment"],
)
def test_steps_teach_the_same_in_every_way(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    library = taught(Ways(), monkeypatch, options)
    asked = watched(monkeypatch)
    for ways in (Ways(True, True, True), Ways(down=True), Ways(up=True), Ways(weigh=True)):
        matrices = taught(ways, monkeypatch, options)
        # Only losses are rounded, to float32.
        assert (matrices - library).norm() < 1e-6 * library.norm()
    assert library.norm() > 0
    assert set(asked) == {(name, by_matrix) for name in Ways._fields for by_matrix in (False, True)}
