"""Layers of discriminators: spectral and instance normalisation, dropout."""

import pytest
import torch
from helpers.training.tricks import made, seeded, uniform
from torch import nn

from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.models.dcgan import build_discriminator
from ganlib.models.discriminator_parts import Dropout, Spectral, give_random


def test_spectral_normalisation_gives_every_layer_the_norm_one() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_discriminator(
            ModelConfig(width=8, variant="extra", d_norm="spectral"), 32, "spectral"
        )
    pictures = uniform(4, 3, 32, 32)
    for _ in range(200):
        network(pictures)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == 5
    for layer in layers:
        norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
        assert norm == pytest.approx(1, rel=0.01)
    assert not [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


@pytest.mark.usefixtures("doubles")
def test_one_power_iteration_a_training_pass_and_none_in_evaluation() -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 4, 2, 2)
    spectral = Spectral(weight)
    matrix, u = weight.flatten(1), spectral.u.clone()
    v = nn.functional.normalize(matrix.T @ u, dim=0)
    expected = nn.functional.normalize(matrix @ v, dim=0)
    spectral.eval()(weight)
    assert torch.equal(spectral.u, u)
    normalised = spectral.train()(weight)
    torch.testing.assert_close(spectral.u, expected)
    torch.testing.assert_close(normalised, weight / (expected @ matrix @ v))


def test_the_gradient_of_a_normalised_weight_is_the_papers() -> None:
    """Equation 12: the part along the first singular direction is taken out of the gradient."""
    torch.manual_seed(0)
    weight = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    spectral = Spectral(weight).double()
    for _ in range(500):
        spectral(weight.detach())
    target = torch.randn(5, 7, dtype=torch.float64)
    (spectral(weight) * target).sum().backward()
    left, singular, right = torch.linalg.svd(weight.detach())
    first = torch.outer(left[:, 0], right[0])
    expected = (target - (target * weight.detach() / singular[0]).sum() * first) / singular[0]
    torch.testing.assert_close(weight.grad, expected, rtol=1e-6, atol=1e-8)


def test_instance_normalisation_looks_at_one_picture_at_a_time() -> None:
    config = ModelConfig(width=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norms = ("instance", "batch", "none")
        by_norm = {norm: build_discriminator(config, 32, norm).double() for norm in norms}
    pictures = uniform(4, 3, 32, 32).double()
    for norm, network in by_norm.items():
        alone = torch.cat([network(picture[None]) for picture in pictures])
        assert torch.allclose(network(pictures), alone) == (norm != "batch")
    layers = [layer for layer in by_norm["instance"].modules() if isinstance(layer, nn.InstanceNorm2d)]
    assert [layer.num_features for layer in layers] == [16, 32]


def test_batch_normalisation_is_refused_for_a_gradient_penalty() -> None:
    parts = {"data": DataConfig(), "evaluate": EvaluateConfig(), "collapse": CollapseConfig()}
    train = TrainConfig(loss="wgan-gp", epochs=1.0)
    with pytest.raises(ValueError, match="d_norm cannot be batch with the loss wgan-gp"):
        TrialConfig(model=ModelConfig(d_norm="batch"), train=train, **parts)
    TrialConfig(model=ModelConfig(d_norm="instance"), train=train, **parts)


def test_the_specs_norm_goes_before_the_losss() -> None:
    kinds = {
        (loss, norm): {
            type(layer) for layer in made(loss=loss, model={"d_norm": norm}).discriminator.modules()
        }
        for loss in ("bce", "wgan-gp")
        for norm in (None, "instance")
    }
    assert nn.BatchNorm2d in kinds["bce", None]
    assert nn.BatchNorm2d not in kinds["wgan-gp", None] | kinds["bce", "instance"]
    assert nn.InstanceNorm2d in kinds["wgan-gp", "instance"] & kinds["bce", "instance"]


def test_dropout_drops_a_share_keeps_the_mean_and_repeats_itself() -> None:
    layer, ones = Dropout(0.3), torch.ones(100_000)
    layer.random = seeded()
    out = layer(ones)
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    torch.testing.assert_close(out[out > 0], torch.full_like(out[out > 0], 1 / 0.7))
    layer.random = seeded()
    assert torch.equal(layer(ones), out)
    assert layer.eval()(ones) is ones


def test_dropout_stands_behind_each_activation_of_the_discriminator() -> None:
    network = build_discriminator(ModelConfig(width=4, d_dropout=0.5), 32, "batch")
    names = [type(layer).__name__ for layer in network.layers]
    assert names.count("Dropout") == names.count("LeakyReLU") == 3
    assert all(names[i + 1] == "Dropout" for i, name in enumerate(names) if name == "LeakyReLU")
    give_random(network, seeded())
    pictures = uniform(4, 3, 32, 32)
    assert not torch.equal(network(pictures), network(pictures))
