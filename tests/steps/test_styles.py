"""Training StyleGANs: penalties in closed form, mixing, growth with the clock, exact resumption, exports."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.training.networks import MeanPicture, Watch, bits, plain
from pydantic import ValidationError
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.data.alpha import to_uint8
from ganlib.export import files, generator
from ganlib.losses.regularisers import R1
from ganlib.names import FAMILIES
from ganlib.steps.styles import GrowingStep, PathLengthStep, path_lengths
from ganlib.training.fit import fit

Make = Callable[..., Any]
TRICKS = {"style_mixing": 0.9, "r1_gamma": 1.0, "r1_every": 2}
PATHS = TRICKS | {"path_weight": 2.0, "path_every": 2}


def made(family: str = "stylegan2", size: int = 32, batch: int = 4, **train: Any) -> Any:
    model = ModelConfig(family=family, width=4, latent_dim=8, mapping_layers=2)
    train_config = TrainConfig(**{"batch_size": batch, "precision": "fp32", "kimg": 1.0} | train)
    step = FAMILIES[family].load_step()
    return step(DataConfig(size=size), model, train_config, 0, torch.device("cpu"))


def batches(batch: int = 4, size: int = 32) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(0)
    while True:
        yield torch.randint(0, 256, (batch, 3, size, size), generator=random, dtype=torch.uint8)


# Penalties


def test_r1_of_a_quadratic() -> None:
    """D(x) = x' A x / 2 has the gradient A x, so R1 is gamma / 2 * E[||A x||^2]."""
    a = torch.randn(12, 12, dtype=torch.float64)
    a = (a + a.T).requires_grad_(True)
    x = torch.randn(5, 3, 2, 2, dtype=torch.float64)
    flat = x.flatten(1)
    random = torch.Generator()
    term = R1(3.0).penalty(lambda p: (p.flatten(1) @ a * p.flatten(1)).sum(1) / 2, x, x, random)
    expected = 1.5 * (flat @ a).square().sum(1).mean()
    torch.testing.assert_close(term, expected)
    gradient, wanted = torch.autograd.grad(term, a), torch.autograd.grad(expected, a)
    # The form only sees the symmetric part of A.
    torch.testing.assert_close(gradient[0] + gradient[0].T, wanted[0] + wanted[0].T)


def test_path_lengths_of_a_linear_generator() -> None:
    """Pictures J w have the length ||J' y||; its expected square is ||J||_F^2 / (h w), here averaged over layers."""
    layers, dim, n = 2, 3, 4000
    j = torch.randn(layers * dim, 3 * 4 * 4, dtype=torch.float64)
    styles = torch.randn(n, layers, dim, dtype=torch.float64, requires_grad=True)
    pictures = (styles.flatten(1) @ j).unflatten(1, (3, 4, 4))
    lengths = path_lengths(pictures, styles, torch.Generator().manual_seed(0))
    assert lengths.shape == (n,)
    expected = j.square().sum().item() / 16 / layers
    assert lengths.square().mean().item() == pytest.approx(expected, rel=0.1)
    y = torch.randn((n, 3, 4, 4), generator=torch.Generator().manual_seed(0)) / 4
    exact = (y.double().flatten(1) @ j.T).unflatten(1, (layers, dim)).square().sum(2).mean(1).sqrt()
    torch.testing.assert_close(lengths, exact)


def test_the_path_penalty_comes_lazily_and_follows_its_mean() -> None:
    step = made(path_weight=2.0, path_every=2)
    seen = []
    original = step._generator_penalty

    def spy() -> Tensor | None:
        before = step.path_mean.item()
        seen.append((original(), before, step.path_mean.item()))
        return seen[-1][0]

    step._generator_penalty = spy
    source = batches()
    for k in range(4):
        step.schedule(k * 0.004)
        step(source)
    assert [penalty is None for penalty, *_ in seen] == [False, True, False, True]
    assert seen[0][1] == 0
    assert 0 < seen[0][2] < seen[2][2]
    assert seen[1][1] == seen[1][2] == seen[2][1]
    assert made()._generator_penalty() is None, "off by default"


@pytest.mark.usefixtures("doubles")
def test_the_path_penalty_is_the_variance_of_lengths_about_the_mean() -> None:
    step = made(path_weight=2.0, path_every=4, batch=8)
    step.path_mean.fill_(0.5)
    state = step.random.get_state()
    penalty = step._generator_penalty()
    mean = step.path_mean.item()
    step.random.set_state(state)
    styles = step._styles(4)
    lengths = path_lengths(step._pictures(styles), styles, step.random)
    assert mean == pytest.approx(0.5 + 0.01 * (lengths.mean().item() - 0.5))
    assert penalty.item() == pytest.approx(4 * 2.0 * (lengths - mean).square().mean().item(), rel=1e-9)
    assert any(p.grad is None for p in step.generator.parameters())
    penalty.backward()
    moved = [name for name, p in step.generator.named_parameters() if p.grad is not None and p.grad.any()]
    assert any("mapping" in name for name in moved)
    assert any("convs.3" in name for name in moved)


# Styles in training


def test_mixed_styles_are_those_of_two_latents_with_one_crossing() -> None:
    step = made(style_mixing=0.6)
    styles = step._styles(400).detach()
    changes = (styles[:, 1:] != styles[:, :-1]).any(2)
    assert changes.sum(1).max() == 1
    share = changes.any(1).float().mean().item()
    assert abs(share - 0.6) < 6 * math.sqrt(0.6 * 0.4 / 400)
    assert (changes.sum(0) > 0).all(), "every layer is a crossing at times"
    assert not (made()._styles(50)[:, 1:] != made()._styles(50)[:, :-1]).any()


def test_mixing_stays_within_the_layers_in_use() -> None:
    step = made("stylegan", style_mixing=1.0, grow_kimg=1.0, fade_kimg=1.0)
    step.schedule(0.5)
    styles = step._styles(50)
    assert (styles[:, 0] != styles[:, 1]).any(1).all()
    step.schedule(1.5)
    used = step._styles(50)[:, :4]
    assert ((used[:, 1:] != used[:, :-1]).any(2).sum(1) == 1).all()


def test_the_mean_style_is_that_of_the_averaged_network() -> None:
    step = made(ema_kimg=0.01, lr_g=1e-3)
    source = batches()
    for k in range(12):
        step.schedule((k + 1) * 0.004)
        step(source)
    with torch.no_grad():
        mean = step.average.map(torch.randn(4000, 8, generator=torch.Generator().manual_seed(0)))[:, 0]
    error = (step.average.w_avg - mean.mean(0)).norm()
    assert error < 6 * mean.std(0).norm() / math.sqrt(12 * 4)
    assert error < 0.5 * mean.mean(0).norm(), "which zero would not be"


# Growth


def test_networks_grow_with_the_clock_and_real_pictures_with_them() -> None:
    step = made("stylegan", grow_kimg=0.008, fade_kimg=0.008)
    sides, source = [], batches()
    for k in range(16):
        step.schedule((k + 1) * 0.004)
        fake = step._generate()
        real = step._real(next(source))
        assert fake.shape == real.shape
        assert (
            step.discriminator.growth.doublings
            == step.average.growth.doublings
            == step.generator.growth.doublings
        )
        sides.append(fake.shape[-1])
    assert sides == [4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 32, 32, 32, 32, 32, 32]
    assert step.sample(torch.zeros(2, 8)).shape == (2, 3, 32, 32)


def test_layers_that_are_not_in_use_do_not_learn() -> None:
    step = made("stylegan", grow_kimg=1.0)
    before = {name: value.clone() for name, value in step.generator.state_dict().items()}
    step.schedule(0.004)
    step(batches())
    changed = {
        name for name, value in step.generator.state_dict().items() if not torch.equal(value, before[name])
    }
    assert any(name.startswith("blocks.0") for name in changed)
    assert not [name for name in changed if name.startswith(("blocks.1", "to_rgb.1", "blocks.3"))]


def test_real_pictures_fade_in_too() -> None:
    step = made("stylegan", grow_kimg=1.0, fade_kimg=1.0)
    batch = next(batches())
    whole = F.avg_pool2d(batch.float().div(127.5).sub(1), 4)  # 8 px
    coarse = F.interpolate(F.avg_pool2d(whole, 2), scale_factor=2)
    step.schedule(1.25)
    torch.testing.assert_close(step._real(batch), torch.lerp(coarse, whole, 0.25))
    step.schedule(2.5)
    torch.testing.assert_close(step._real(batch), whole)
    full = made("stylegan")
    full.schedule(0.004)
    torch.testing.assert_close(full._real(batch), batch.float().div(127.5).sub(1))


# Training as a whole


CASES: list[tuple[str, dict[str, Any]]] = [
    ("stylegan", TRICKS | {"grow_kimg": 0.016, "fade_kimg": 0.016}),
    ("stylegan", {"loss": "wgan-gp", "d_steps": 1, "precision": "bf16"}),
    ("stylegan2", PATHS),
    ("stylegan2", PATHS | {"precision": "bf16"}),
]
SMALL = {"width": 4, "latent_dim": 8, "mapping_layers": 2}


@pytest.mark.parametrize(("family", "options"), CASES)
def test_resuming_goes_on_to_the_last_bit(
    family: str, options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    config = trial_config(model=SMALL | {"family": family}, epochs=2.0, batch_size=10, **options)
    whole = fit(config, pictures(), MeanPicture())
    evaluations = [plain(evaluation) for evaluation in whole]
    first = fit(config, pictures(), MeanPicture())
    begun = [plain(next(first))]
    state = first.state()
    second = fit(config, pictures(), MeanPicture(), resume=state)
    assert begun + [plain(evaluation) for evaluation in second] == evaluations
    assert bits(second) == bits(whole)


@pytest.mark.parametrize(("family", "options"), CASES)
def test_an_export_makes_the_pictures_of_the_average(
    family: str, options: dict[str, Any], pictures: Make, trial_config: Make
) -> None:
    """Half-grown too: 40 pictures are one size of the first case."""
    options = options | {"precision": "fp32", "batch_size": 20}
    config = trial_config(model=SMALL | {"family": family}, epochs=1.0, **options)
    run = fit(config, pictures(), MeanPicture())
    evaluation = next(run)
    about = files.ExportConfig(model=config.model, size=32)
    loaded = generator.rebuild(about, files.pack_weights(run.step.average), "x")
    network: Any = loaded.network.to(memory_format=torch.channels_last)  # as training has it: to the last bit
    assert np.array_equal(to_uint8(network(run.shown)).permute(0, 2, 3, 1).numpy(), evaluation.made)
    assert network.w_avg.any()
    assert torch.equal(network.w_avg, run.step.average.w_avg)
    latents = run.shown[:2]
    assert torch.equal(network(latents, truncation=0.5), run.step.average(latents, truncation=0.5))


def test_bf16_trains_as_float32_begins() -> None:
    means = []
    for precision in ("fp32", "bf16"):
        step = made(precision=precision, **PATHS)
        step.schedule(0.004)
        step(batches())
        means.append(step.read_means())
        assert all(p.dtype == torch.float32 for p in step.generator.parameters())
    assert means[0].loss_d == pytest.approx(means[1].loss_d, rel=0.05)
    assert means[0].loss_g == pytest.approx(means[1].loss_g, rel=0.05)


def test_every_trick_goes_with_growing_pictures() -> None:
    tricks = {"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6, "instance_noise": 0.1}
    step = made("stylegan", grow_kimg=0.004, augment_p=0.5, equalize_p=0.5, **tricks, **TRICKS)
    source = batches()
    for kimg in (0.004, 0.006, 0.008, 0.014):
        step.schedule(kimg)
        step(source)
    assert step.read_means().finite


@pytest.mark.parametrize(
    ("family", "options"), [("stylegan", TRICKS | {"grow_kimg": 1.0}), ("stylegan2", PATHS)]
)
def test_a_step_never_waits_for_the_device(family: str, options: dict[str, Any]) -> None:
    step, source = made(family, **options), batches()
    with Watch() as watch:
        step.schedule(1.5)  # 8 px are being faded in
        step(source)
    assert "convolution" in watch.names
    assert not {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select"} & watch.names


def test_steps_of_the_families() -> None:
    assert FAMILIES["stylegan"].load_step() is GrowingStep
    assert FAMILIES["stylegan2"].load_step() is PathLengthStep


# Combinations that make no sense


@pytest.mark.parametrize(
    ("model", "train", "says"),
    [
        ({}, {"style_mixing": 0.9}, "style_mixing means nothing with dcgan"),
        ({"mapping_layers": 4}, {}, "mapping_layers means nothing with dcgan"),
        ({"family": "stylegan"}, {"path_weight": 2.0}, "path_weight means nothing with stylegan,"),
        ({"family": "stylegan2"}, {"grow_kimg": 2.0}, "grow_kimg means nothing with stylegan2,"),
        ({"family": "stylegan2", "d_norm": "batch"}, {}, "d_norm means nothing with stylegan2,"),
        ({"family": "stylegan", "d_dropout": 0.5}, {}, "d_dropout means nothing with stylegan"),
        ({"family": "stylegan"}, {"fade_kimg": 2.0}, "fade_kimg means nothing without grow_kimg"),
        ({"family": "stylegan"}, {"loss": "wgan"}, "the loss wgan cannot train the family stylegan"),
        ({"family": "stylegan", "variant": "large"}, {}, "unknown variant 'large' of family 'stylegan'"),
    ],
)
def test_options_of_other_families_are_refused(
    model: dict[str, Any], train: dict[str, Any], says: str, trial_config: Make
) -> None:
    with pytest.raises(ValidationError, match=says):
        trial_config(model=model, **train)


def test_pictures_of_28_pixels_are_refused(trial_config: Make) -> None:
    with pytest.raises(ValidationError, match="makes pictures of 32, 64 or 128 pixels, not 28"):
        trial_config(size=28, model={"family": "stylegan"})
    assert isinstance(trial_config(size=128, model={"family": "stylegan"}), TrialConfig)
