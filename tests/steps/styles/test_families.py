"""Training StyleGANs: growth with the clock, exact resumption, exports."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.training.networks import MeanPicture, Watch, bits, plain
from helpers.training.styles import batches, made
from pydantic import ValidationError

from ganlib.config import TrialConfig
from ganlib.data.alpha import to_uint8
from ganlib.export import files, generator
from ganlib.names import FAMILIES, OPTIMIZERS
from ganlib.steps.styles import GrowingStep, PathLengthStep
from ganlib.training.fit import fit

Make = Callable[..., Any]
TRICKS = {"style_mixing": 0.9, "r1_gamma": 1.0, "r1_every": 2}
PATHS = TRICKS | {"path_weight": 2.0, "path_every": 2}


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


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_layers_that_come_later_learn_by_every_optimizer(name: str) -> None:
    step, source = (
        made("stylegan", grow_kimg=0.008, fade_kimg=0.008, optimizer=name, momentum=0.9),
        batches(),
    )
    before = {key: value.clone() for key, value in step.generator.state_dict().items()}
    for k in range(14):
        step.schedule((k + 1) * 0.004)
        step(source)
    for key, value in step.generator.state_dict().items():
        assert torch.isfinite(value).all(), key
        assert not key.startswith("to_rgb") or not torch.equal(value, before[key]), key


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
    shown = pictures(20 if "precision" in options else 40)  # bfloat16 is slow where the hardware lacks it
    whole = fit(config, shown, MeanPicture())
    evaluations = [plain(evaluation) for evaluation in whole]
    first = fit(config, shown, MeanPicture())
    begun = [plain(next(first))]
    state = first.state()
    second = fit(config, shown, MeanPicture(), resume=state)
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
        (
            {"d_norm": "spectral"},
            {"loss": "wgan"},
            "the loss wgan cannot train a discriminator with d_norm spectral",
        ),
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
