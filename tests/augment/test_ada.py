"""ADA: how its strength adapts, and what its pipeline does to pictures."""

import math

import pytest
import torch
from helpers.training.tricks import batches, made, seeded, uniform
from torch import Tensor, nn

from ganlib.augment.ada import INTERVAL, AdaptiveAugment
from ganlib.augment.lookup import look_up
from ganlib.config import TrainConfig


def ada(target: float = 0.6, kimg: float = 1.0, p: float = 0.0) -> AdaptiveAugment:
    module = AdaptiveAugment(target, kimg, seeded())
    module.p.fill_(p)
    return module


def test_p_rises_while_the_discriminator_is_too_sure_and_falls_otherwise() -> None:
    module, batch = ada(kimg=0.5), 10
    sure, unsure = torch.ones(batch), torch.tensor([1.0, -1.0] * 5)
    history = []
    for number in range(3 * INTERVAL):
        module.observe(sure, number)
        history.append(round(module.p.item(), 6))
    step = batch * INTERVAL / 500
    assert history == [0] * 3 + [step] * 4 + [2 * step] * 4 + [3 * step]
    for number in range(4 * INTERVAL):
        module.observe(unsure, number)
    assert module.p.item() == 0, "it does not become negative"
    for number in range(100 * INTERVAL):
        module.observe(sure, number)
    assert module.p.item() == 1


def test_p_goes_from_zero_to_one_in_ada_kimg() -> None:
    module, batch = ada(kimg=0.4), 10
    steps = 0
    while module.p < 1 - 1e-6:
        module.observe(torch.ones(batch), steps)
        steps += 1
    assert steps * batch == 400


def test_the_sign_is_that_of_the_mean_over_four_batches() -> None:
    # Two batches at 1 and two at 0 make r_t = 0.5, below 0.6 but above 0.4.
    for target, rises in ((0.6, False), (0.4, True)):
        module = ada(target, p=0.5)
        for number, value in enumerate((1.0, 0.0, 1.0, 0.0)):
            module.observe(torch.full((8,), value), number)
        assert (module.p > 0.5) == rises


def test_at_p_zero_nothing_changes_and_at_one_everything_does() -> None:
    pictures = uniform(100, 3, 16, 16)
    assert torch.equal(ada(p=0.0)(pictures), pictures)
    assert (ada(p=1.0)(pictures) != pictures).flatten(1).any(1).all()
    half = (ada(p=0.03)(pictures) != pictures).flatten(1).any(1).float().mean().item()
    assert 0.1 < half < 0.6


@pytest.mark.usefixtures("doubles")
def test_blitting_of_the_pipeline_moves_pixels_exactly() -> None:
    """Mirroring and quarter turns, as matrices, are those of the pictures."""
    from ganlib.augment.ada import _scaling, _turn

    picture = uniform(1, 3, 8, 8).double()
    one = torch.ones(1, dtype=torch.float64)

    def moved(matrix: Tensor) -> Tensor:
        grid = nn.functional.affine_grid(matrix[:, :2], [1, 3, 8, 8], align_corners=False)
        return nn.functional.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)

    torch.testing.assert_close(moved(_scaling(-one, one)), picture.flip(3), rtol=0, atol=1e-9)
    torch.testing.assert_close(moved(_turn(one * math.pi / 2)), picture.rot90(1, (2, 3)), rtol=0, atol=1e-9)


@pytest.mark.usefixtures("doubles")
def test_colours_of_the_pipeline_keep_grey_grey() -> None:
    grey = uniform(200, 1, 4, 4).expand(-1, 3, -1, -1)
    out = ada(p=0.8)._recolour(grey)
    assert (out.amax(1) - out.amin(1)).max() < 1e-9


def test_ada_adapts_in_training_and_p_is_in_the_state() -> None:
    step, source = made(ada_target=0.01, ada_kimg=0.1, lr_d=0.01), batches()
    for _ in range(8):
        step(source)
    state = step.state()
    assert state["view"]["ada.p"] > 0
    fresh = made(ada_target=0.01, ada_kimg=0.1, lr_d=0.01)
    fresh.load_state(state)
    assert fresh.view.ada is not None
    assert fresh.view.ada.p == step.view.ada.p


@pytest.mark.parametrize("loss", ["wgan", "wgan-gp"])
def test_ada_is_refused_where_outputs_have_no_sign(loss: str) -> None:
    with pytest.raises(ValueError, match=f"ada_target means nothing with {loss}"):
        TrainConfig(loss=loss, ada_target=0.6)


def test_a_lookup_is_torchs_and_has_a_second_derivative() -> None:
    pictures = uniform(2, 3, 5, 5).double().requires_grad_(True)
    grid = 1.5 * uniform(2, 5, 5, 2, seed=1).double()
    expected = nn.functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    torch.testing.assert_close(look_up(pictures, grid), expected)
    assert torch.autograd.gradcheck(lambda x: look_up(x, grid), (pictures,))
    assert torch.autograd.gradgradcheck(lambda x: look_up(x, grid).square(), (pictures,))
