"""One step of training: who learns from what, the average, the means, and that nothing else is touched."""

import copy
from typing import Any

import pytest
import torch
from helpers.training.networks import Watch
from helpers.training.steps import LATENT, SIZE, batches, made, same, trained, weights
from torch import Tensor, nn

from ganlib.config import ModelConfig
from ganlib.data.alpha import to_uint8
from ganlib.models.dcgan import build_generator
from ganlib.names import LOSSES
from ganlib.steps.adversarial import AdversarialStep

TRICKS: dict[str, Any] = {
    **{"augment_p": 0.5, "augment": ["flip", "color", "flash"], "equalize_p": 0.5},
    **{"smoothing": 0.9, "label_real": 0.9, "label_fake": 0.1, "soft_labels": 0.1, "label_flip_p": 0.2},
    **{"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6, "ada_kimg": 0.1},
    **{"instance_noise": 0.1, "r1_gamma": 1.0, "r1_every": 2, "d_steps": 2, "weight_decay": 0.01},
    "model": {"d_norm": "spectral", "d_dropout": 0.3},
}
"""All at once."""


@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(loss: str) -> None:
    options = {"loss": loss, "augment_p": 0.5, "critic_steps": 2}
    first = trained(3, **options).state()
    assert same(first, trained(3, **options).state())
    other = trained(3, seed=1, **options).state()
    assert not same(first["generator"], other["generator"])
    assert not same(first["discriminator"], other["discriminator"])


def test_global_random_numbers_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the GPUs were reseeded")

    monkeypatch.setattr(torch.cuda, "manual_seed", refuse)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", refuse)
    state = torch.get_rng_state()
    trained(1, augment_p=0.5, loss="wgan-gp", critic_steps=1)
    assert torch.equal(state, torch.get_rng_state())


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = weights(made(seed=3).generator)
    torch.manual_seed(2)
    assert same(first, weights(made(seed=3).generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        generator = build_generator(ModelConfig(latent_dim=LATENT, width=4), SIZE)
    assert same(first, weights(generator))


@pytest.mark.parametrize("options", [*({"loss": loss, "augment_p": 0.5} for loss in LOSSES), TRICKS])
def test_a_step_never_waits_for_the_device(options: dict[str, Any]) -> None:
    step, source = made(**options), batches()
    with Watch() as watch:
        step.schedule(1.0)
        for _ in range(2):
            step(source)
    waits = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select"}
    assert "convolution" in watch.names
    assert not waits & watch.names
    with Watch() as watch:
        torch.ones(1).item()
    assert waits & watch.names, "the watch sees what it should"


def test_what_changes_during_training_stays_in_the_same_tensors() -> None:
    step = made(lr_g=0.002, lr_d=0.004, gamma=0.5)
    rates = [o.param_groups[0]["lr"] for o in (step.optimizer_g, step.optimizer_d)]
    assert all(isinstance(rate, Tensor) for rate in rates)
    for decays in range(4):
        step.schedule(5.0, 0.5**decays)
        assert [rate.item() for rate in rates] == pytest.approx([0.002 * 0.5**decays, 0.004 * 0.5**decays])
    step(batches())
    step.load_state(step.state())
    for optimizer in (step.optimizer_g, step.optimizer_d):
        assert isinstance(optimizer.param_groups[0]["lr"], Tensor)


def test_learning_rates_in_tensors_are_obeyed() -> None:
    """Adam's first step moves a weight by the learning rate, whatever the gradient."""
    step = made(lr_g=0.02, lr_d=0.001, gamma=0.1)
    step.schedule(1.0, 0.1)
    before = weights(step.generator)
    step(batches())
    moved = (step.generator.layers[0].weight - before["layers.0.weight"]).abs()
    assert moved.max().item() == pytest.approx(0.002, rel=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": "wgan-gp", "critic_steps": 2},
        {"loss": "wgan", "critic_steps": 2, "optimizer": "rmsprop", "momentum": 0.5},
        {"loss": "hinge", "optimizer": "sgd", "momentum": 0.5, "optimizer_d": "adagrad"},
        TRICKS,
    ],
)
def test_a_state_goes_on_to_the_last_bit(options: dict[str, Any]) -> None:
    step, source = made(**options), batches()
    for _ in range(2):
        step(source)
    state, rest = step.state(), [next(source) for _ in range(6)]
    kept = copy.deepcopy(state)

    def finish(started: AdversarialStep) -> dict[str, Any]:
        ahead = iter(rest)
        for _ in range(2):
            started(ahead)
        return started.state()

    finished = finish(step)
    assert same(state, kept), "a state is a snapshot; training on does not change it"
    for _ in range(2):  # twice: what was loaded is not changed either
        again = made(seed=9, **options)
        again.load_state(state)
        assert same(finish(again), finished)


@pytest.mark.parametrize("loss", LOSSES)
def test_bf16_trains_float32_weights(loss: str) -> None:
    step = trained(2, loss=loss, critic_steps=1, precision="bf16", model={"width": 16})
    assert all(value.dtype == torch.float32 for value in step.generator.parameters())
    assert all(abs(value) < 100 for value in vars(step.read_means()).values() if value is not None)
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in step.discriminator.parameters())


def test_bf16_and_float32_begin_alike() -> None:
    """One step from the same weights: losses agree to the 8 bits of bfloat16."""
    exact, rounded = (trained(1, precision=p, model={"width": 64}).read_means() for p in ("fp32", "bf16"))
    for name in ("loss_g", "loss_d", "score_real", "score_fake"):
        assert getattr(rounded, name) == pytest.approx(getattr(exact, name), abs=0.02)
    assert exact != rounded


def test_pictures_and_weights_are_channels_last() -> None:
    step = made()
    for module in (step.generator, step.discriminator, step.average):
        kernels = [
            layer.weight for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        ]
        assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    assert step._generate().is_contiguous(memory_format=torch.channels_last)


def test_augmentation_only_changes_the_real_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Tensor, float]] = []

    def spy(pictures: Tensor, p: Tensor, generator: torch.Generator, policies: Any) -> tuple[Tensor, None]:
        seen.append((pictures.clone(), p.item()))
        return pictures, None

    monkeypatch.setattr("ganlib.steps.adversarial.augmented", spy)
    batch = next(batches())
    step = made(augment_p=0.25)
    step(iter([batch]))
    ((pictures, p),) = seen
    assert p == 0.25
    torch.testing.assert_close(pictures, batch.float() / 127.5 - 1, rtol=0, atol=1e-6)
    made(augment_p=0.0)(iter([batch]))
    assert len(seen) == 1


def test_to_uint8_at_the_ends_and_beyond() -> None:
    inf = float("inf")
    values = torch.tensor([-1.0, 1.0, 0.0, -3.0, 3.0, inf, -inf, float("nan")])
    assert to_uint8(values).tolist() == [0, 255, 128, 0, 255, 255, 0, 0]
    assert to_uint8(values[:5].bfloat16()).tolist() == [0, 255, 128, 0, 255]


def test_to_uint8_undoes_the_scaling_of_real_pictures() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(levels.float().div(127.5).sub(1)), levels)


def test_rates_and_batches_are_the_configurations() -> None:
    step = made(lr_g=0.5, lr_d=0.25, betas=(0.1, 0.2), batch_size=4)
    assert len(step._generate()) == 4
    groups = [optimizer.param_groups[0] for optimizer in (step.optimizer_g, step.optimizer_d)]
    assert [group["lr"].item() for group in groups] == [0.5, 0.25]
    assert [group["betas"] for group in groups] == [(0.1, 0.2)] * 2
