"""A step against the plain one of a textbook, and what each half of it may change."""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers.training.steps import BATCH, LATENT, batches, doubled, made, weights
from helpers.training.watched import watched
from torch import Tensor

from ganlib.names import LOSSES
from ganlib.steps.adversarial import AdversarialStep


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
        one, zero = torch.ones_like(on_real), torch.zeros_like(on_fake)
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
            return F.binary_cross_entropy_with_logits(on_fake, torch.ones_like(on_fake))
        half = {"lsgan": 0.5, "mse": 1.0}.get(self.name)
        return half * F.mse_loss(on_fake, torch.ones_like(on_fake)) if half else -on_fake.mean()


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


def test_no_gradient_of_frozen_weights_is_computed_as_a_matrix_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ganlib.models import choice
    from ganlib.models.layers import Down, Up
    from ganlib.models.products import Ways

    monkeypatch.setattr(choice, "ways_of", lambda size: Ways(True, True, True))
    asked = watched(monkeypatch)
    step = made(model={"width": 64})
    step._generator_half(step._generate(), step._real(next(batches())))
    assert asked.count(("weigh", True)) == sum(isinstance(layer, Up) for layer in step.generator.modules())
    asked.clear()
    step._discriminator_half(step._real(next(batches())), step._generate())
    halving = sum(isinstance(layer, Down) for layer in step.discriminator.modules())
    assert asked.count(("weigh", True)) == 2 * halving, "for real and for generated pictures"


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
