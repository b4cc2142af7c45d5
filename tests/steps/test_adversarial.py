"""One step of training: who learns from what, the average, the means, and that nothing else is touched."""

import copy
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers.networks import Watch
from torch import Tensor, nn

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.data.alpha import to_uint8
from ganlib.models.dcgan import build_generator
from ganlib.names import LOSSES
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.averaging import EMA_RAMP
from ganlib.steps.means import Means

CPU = torch.device("cpu")
TERMS = ("cycle", "identity", "content", "style")
"""Losses that only translators have."""
SIZE, BATCH, LATENT = 28, 8, 4


def made(seed: int = 0, model: dict[str, Any] | None = None, **train: Any) -> AdversarialStep:
    return AdversarialStep(
        DataConfig(size=SIZE),
        ModelConfig(**{"latent_dim": LATENT, "width": 4, **(model or {})}),
        TrainConfig(**{"batch_size": BATCH, "precision": "fp32", **train}),
        seed,
        CPU,
    )


def batches(count: int | None = None, seed: int = 0, n: int = BATCH) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(seed)
    for _ in repeat(None) if count is None else range(count):
        yield torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=random, dtype=torch.uint8)


def trained(steps: int, **options: Any) -> AdversarialStep:
    step, source = made(**options), batches()
    for _ in range(steps):
        step(source)
    return step


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


TRICKS: dict[str, Any] = {
    **{"augment_p": 0.5, "augment": ["flip", "color", "flash"], "equalize_p": 0.5},
    **{"smoothing": 0.9, "label_real": 0.9, "label_fake": 0.1, "soft_labels": 0.1, "label_flip_p": 0.2},
    **{"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6, "ada_kimg": 0.1},
    **{"instance_noise": 0.1, "r1_gamma": 1.0, "r1_every": 2, "d_steps": 2, "weight_decay": 0.01},
    "model": {"d_norm": "spectral", "d_dropout": 0.3},
}
"""All at once."""


def same(first: Any, second: Any) -> bool:
    """Whether two states are equal to the last bit."""
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


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


def doubled(step: AdversarialStep) -> AdversarialStep:
    """The step with networks that compute in float64: other code that means the same then gives the same."""
    for network in (step.generator, step.discriminator, step.average):
        network.double().register_forward_pre_hook(lambda _, args: tuple(value.double() for value in args))
    return step


class Textbook:
    """A GAN step as a tutorial writes it, on copies of a step's networks."""

    def __init__(self, step: AdversarialStep) -> None:
        train = step.train_config
        self.name, self.smoothing, self.gp_weight = train.loss, train.smoothing, train.gp_weight
        self.generator, self.discriminator = copy.deepcopy((step.generator, step.discriminator))
        self.random = step.random.clone_state()
        self.adam_g = torch.optim.Adam(self.generator.parameters(), train.lr_g, train.betas)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), train.lr_d, train.betas)

    def __call__(self, batch: Tensor) -> None:
        real = batch.float() / 127.5 - 1
        fake = self.generator(torch.randn(BATCH, LATENT, generator=self.random))
        self.adam_d.zero_grad()
        self.loss_d(real, fake.detach()).backward()
        self.adam_d.step()
        if self.name == "wgan":
            for parameter in self.discriminator.parameters():
                parameter.data.clamp_(-0.01, 0.01)
        self.adam_g.zero_grad()
        self.loss_g(real, fake).backward()
        self.adam_g.step()

    def loss_d(self, real: Tensor, fake: Tensor) -> Tensor:
        on_real, on_fake = self.discriminator(real), self.discriminator(fake)
        one, zero = torch.ones(BATCH), torch.zeros(BATCH)
        if self.name == "bce":
            bce = F.binary_cross_entropy_with_logits
            return self.smoothing * bce(on_real, one) + bce(on_fake, zero)
        if self.name in ("lsgan", "mse"):
            half = 0.5 if self.name == "lsgan" else 1.0
            return half * (self.smoothing * F.mse_loss(on_real, one) + F.mse_loss(on_fake, zero))
        if self.name == "hinge":
            return self.smoothing * (1 - on_real).clamp(min=0).mean() + (1 + on_fake).clamp(min=0).mean()
        if self.name == "rpgan":
            return F.softplus(on_fake - on_real).mean()
        if self.name == "wgan":
            return on_fake.mean() - self.smoothing * on_real.mean()
        share = torch.rand(BATCH, 1, 1, 1, generator=self.random)
        between = (share * fake + (1 - share) * real).requires_grad_(True)
        (slope,) = torch.autograd.grad(self.discriminator(between).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).pow(2).mean()
        return on_fake.mean() - self.smoothing * on_real.mean() + self.gp_weight * penalty

    def loss_g(self, real: Tensor, fake: Tensor) -> Tensor:
        on_fake = self.discriminator(fake)
        if self.name == "rpgan":
            return F.softplus(self.discriminator(real).detach() - on_fake).mean()
        if self.name == "bce":
            return F.binary_cross_entropy_with_logits(on_fake, torch.ones(BATCH))
        half = {"lsgan": 0.5, "mse": 1.0}.get(self.name)
        return half * F.mse_loss(on_fake, torch.ones(BATCH)) if half else -on_fake.mean()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_is_the_textbooks(loss: str) -> None:
    lr = 1e-3
    smoothing = 1.0 if LOSSES[loss].paired else 0.9
    step = doubled(made(loss=loss, critic_steps=1, smoothing=smoothing, lr_g=lr, lr_d=lr))
    textbook = Textbook(step)
    step(batches())
    textbook(next(batches()))
    for ours, theirs in ((step.generator, textbook.generator), (step.discriminator, textbook.discriminator)):
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            # Adam's first step is lr * g / (|g| + 1e-8): all but gradients near 1e-8 are alike up to rounding.
            wrong = ((a - b).abs() > 0.02 * lr).double().mean().item()
            assert wrong < 0.01, name
        for (name, a), b in zip(ours.named_buffers(), theirs.buffers(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_discriminator_learns_nothing_in_the_generators_half(loss: str) -> None:
    step = made(loss=loss, critic_steps=1)
    half, seen = step._generator_half, []

    def spy(fake: Tensor, real: Tensor) -> Tensor:
        parameters = list(step.discriminator.parameters())
        before = [(p.grad, p.grad.clone(), p.detach().clone()) for p in parameters]
        value = half(fake, real)
        for p, (grad, content, weight) in zip(parameters, before, strict=True):
            assert p.grad is grad
            assert torch.equal(p.grad, content)
            assert torch.equal(p, weight)
            assert p.requires_grad
        seen.append(value)
        return value

    step._generator_half = spy  # type: ignore[method-assign]
    step(batches())
    assert seen, "the generator's half was not taken"


def test_the_generator_learns_nothing_in_the_discriminators_half() -> None:
    step = made()
    before = weights(step.generator)
    step._discriminator_half(step._real(next(batches())), step._generate())
    assert all(p.grad is None for p in step.generator.parameters())
    parameters = dict(step.generator.named_parameters())
    assert all(torch.equal(before[name], value) for name, value in parameters.items())


def test_no_gradient_of_frozen_weights_is_computed_on_the_matrix_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ganlib.models import layers

    needed: list[tuple[bool, ...]] = []
    backward = layers._Down.backward

    def spy(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        needed.append(tuple(ctx.needs_input_grad))
        return backward(ctx, *gradients)

    monkeypatch.setattr(layers, "MAX_SIDE", 16)
    monkeypatch.setattr(layers._Down, "backward", staticmethod(spy))
    step = made(model={"width": 64}, precision="bf16")
    step._generator_half(step._generate(), step._real(next(batches())))
    assert needed
    assert not any(weight for _, weight in needed)
    needed.clear()
    step._discriminator_half(step._real(next(batches())), step._generate())
    assert needed
    assert all(weight for _, weight in needed)


def test_a_critic_takes_its_steps_on_fresh_batches() -> None:
    step = made(loss="wgan-gp")
    assert step.critic_steps == 5
    assert step.pictures_per_step == 5 * BATCH
    source = batches(7)
    step(source)
    assert len(list(source)) == 2, "five batches were taken"
    counts = [next(iter(o.state.values()))["step"].item() for o in (step.optimizer_g, step.optimizer_d)]
    assert counts == [1, 5]
    assert made(loss="wgan-gp", critic_steps=2).critic_steps == 2
    assert made().pictures_per_step == BATCH


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


def test_the_averages_half_life() -> None:
    step = made(ema_kimg=10.0)
    step.schedule(1000.0)
    assert step.averaging.keep.item() ** (10_000 / BATCH) == pytest.approx(0.5, rel=1e-3)
    step.schedule(20.0)  # early on, a share of what was trained so far
    assert step.averaging.keep.item() ** (EMA_RAMP * 20_000 / BATCH) == pytest.approx(0.5, rel=1e-3)
    made_without = made(ema_kimg=0.0)
    made_without.schedule(20.0)
    assert made_without.averaging.keep.item() == 0


def test_without_memory_the_average_is_the_generator() -> None:
    step = made(ema_kimg=0.0)
    source = batches()
    for number in range(3):
        step.schedule(number * 0.008)
        step(source)
    for part in ("parameters", "buffers"):
        pairs = zip(getattr(step.average, part)(), getattr(step.generator, part)(), strict=True)
        assert all(torch.equal(a, g) for a, g in pairs if a.is_floating_point())


def test_the_average_follows_its_recursion() -> None:
    step, source, keep = doubled(made(lr_g=0.01)), batches(), 0.75  # exact in float32
    step.averaging.keep.fill_(keep)
    expected = {
        name: value.double() for name, value in weights(step.average).items() if value.is_floating_point()
    }
    for _ in range(5):
        step(source)
        for name, value in weights(step.generator).items():
            if name in expected:
                expected[name] = keep * expected[name] + (1 - keep) * value.double()
    average = weights(step.average)
    assert "layers.1.running_var" in expected, "statistics of the batches are averaged as well"
    for name, value in expected.items():
        torch.testing.assert_close(average[name], value, rtol=1e-9, atol=1e-9)
    assert not same(weights(step.generator), average)


def test_the_average_is_evaluated_and_never_trained() -> None:
    step = made()
    assert not step.average.training
    assert not any(p.requires_grad for p in step.average.parameters())
    assert step.generator.training
    assert step.discriminator.training


def test_means_are_means_over_the_steps_since_they_were_read() -> None:
    one_by_one, source, single = made(), batches(), []
    for _ in range(4):
        one_by_one(source)
        single.append(one_by_one.read_means())
    whole = trained(4).read_means()
    for name in vars(Means(0, 0, 0, 0, 0, 0)).keys() - {f"loss_{term}" for term in TERMS}:
        value = getattr(whole, name)
        assert value == pytest.approx(sum(getattr(means, name) for means in single) / 4, rel=1e-6)
    assert one_by_one.read_means() == Means(0, 0, 0, 0, 0, 0), "nothing was trained since"


def test_means_at_the_start_of_training_are_those_of_a_coin() -> None:
    step = trained(1, smoothing=0.5)
    means = step.read_means()
    # Weights of 0.02 give logits near 0: scores near 1/2, losses near multiples of log 2.
    assert means.score_real == pytest.approx(0.5, abs=0.1)
    assert means.score_fake == pytest.approx(0.5, abs=0.1)
    assert means.loss_d == pytest.approx(1.5 * 0.693, abs=0.2)
    assert means.loss_g == pytest.approx(0.693, abs=0.3)


def poison(module: nn.Module) -> None:
    with torch.no_grad():
        next(module.parameters())[0, 0, 0, 0] = float("nan")


def test_a_diverged_generator_shows_in_the_means_and_does_not_crash() -> None:
    step = made()
    poison(step.generator)
    step(batches())
    means = step.read_means()
    assert means.loss_g != means.loss_g
    assert means.score_fake != means.score_fake
    assert not step.sample(torch.zeros(2, LATENT)).any(), "NaN is drawn black"


def test_pictures_come_from_the_average() -> None:
    step = made()
    with torch.no_grad():
        for parameter in step.average.parameters():
            parameter.zero_()
    pictures = step.sample(torch.randn(5, LATENT))
    assert pictures.shape == (5, 3, SIZE, SIZE)
    assert pictures.dtype == torch.uint8
    assert (pictures == 128).all(), "tanh(0) is middle grey"


def test_sampling_changes_nothing() -> None:
    step = trained(2)
    before = step.state()
    step.sample(torch.randn(5, LATENT))
    assert same(before, step.state())


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

    def spy(pictures: Tensor, p: Tensor, generator: torch.Generator, policies: Any) -> Tensor:
        seen.append((pictures.clone(), p.item()))
        return pictures

    monkeypatch.setattr("ganlib.steps.adversarial.augment", spy)
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
