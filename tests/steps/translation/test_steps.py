"""Steps of CycleGAN, and of all translators: which loss teaches whom, which way round, resuming."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers.training.steps import same
from helpers.training.translators import (
    BATCH,
    SIZE,
    batch,
    floats,
    made,
    pictures,
    stream,
)
from torch import Tensor

from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.stream import Domains
from ganlib.steps.translation import CartoonStep, CycleStep
from sweep import shipped
from sweep.spec.specification import load


class Stub(torch.nn.Module):
    """A generator that gives what it is given, times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))

    def forward(self, given: Tensor) -> Tensor:
        return given * self.factor


def with_stubs(step: Any, forth: float, back: float) -> Any:
    step.generator.forth, step.generator.back = Stub(forth), Stub(back)
    step.optimizer_g = torch.optim.SGD(step.generator.parameters(), lr=0.0)
    return step


def halves(step: CycleStep, one: Domains) -> tuple[Tensor, list[Tensor]]:
    drawings, photos = floats(one.drawings), floats(one.photos)
    return step._generators_half(drawings, photos, None, step._translated(drawings, photos))


def test_cycle_and_identity_are_l1_of_each_domain_with_itself() -> None:
    step, one = with_stubs(made(), 0.5, 0.25), batch(False)
    a, b = floats(one.photos), floats(one.drawings)
    _, (cycle, identity) = halves(step, one)
    # There and back is a factor of 1/8 either way.
    assert cycle.item() == pytest.approx((0.875 * a.abs().mean() + 0.875 * b.abs().mean()).item(), rel=1e-5)
    # The generator of drawings is given drawings, and that of photographs photographs.
    assert identity.item() == pytest.approx((0.5 * b.abs().mean() + 0.75 * a.abs().mean()).item(), rel=1e-5)


def test_the_identity_of_exchanged_domains_is_another() -> None:
    step, one = with_stubs(made(), 0.5, 0.25), batch(False)
    dark = Domains(one.drawings // 4 + 96, one.photos, one.rows)  # so that the domains differ
    a, b = floats(dark.photos), floats(dark.drawings)
    _, (_, identity) = halves(step, dark)
    exchanged = 0.5 * a.abs().mean() + 0.75 * b.abs().mean()
    assert identity.item() == pytest.approx((0.5 * b.abs().mean() + 0.75 * a.abs().mean()).item(), rel=1e-5)
    assert abs(identity.item() - exchanged.item()) > 0.05


@pytest.mark.parametrize("weight", ["adversarial_weight", "cycle_weight", "identity_weight"])
def test_the_gradient_is_the_weighted_sum_of_the_terms(weight: str) -> None:
    """Each weight moves the gradient in proportion."""

    def gradient(value: float) -> Tensor:
        step = made(**{"adversarial_weight": 1.0, "cycle_weight": 1.0, "identity_weight": 1.0, weight: value})
        halves(step, batch(False))
        return torch.cat([w.grad.flatten() for w in step.generator.parameters()])

    nothing, one, two = (gradient(value) for value in (0.0, 1.0, 2.0))
    torch.testing.assert_close(two - one, one - nothing, rtol=1e-2, atol=1e-4)
    assert (one - nothing).abs().max() > 1e-6


def test_discriminators_judge_their_own_domain() -> None:
    step, one = made(pool=0), batch(False)
    drawings, photos = floats(one.drawings), floats(one.photos)
    translated = step._translated(drawings, photos)
    of_drawings, of_photos = step.discriminator.drawings, step.discriminator.photos
    with torch.no_grad():

        def loss(network: torch.nn.Module, real: Tensor, fake: Tensor) -> float:
            return (((network(real) - 1) ** 2).mean() / 2 + (network(fake) ** 2).mean() / 2).item()

        first = loss(of_drawings, drawings, translated[0])
        second = loss(of_photos, photos, translated[1])
    found, _, _ = step._discriminators_half(drawings, photos, one, translated, 0)
    assert found.item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_half_a_step_touches_only_its_own_weights() -> None:
    step, one = made(), batch(False)
    before = {name: value.clone() for name, value in step.discriminator.state_dict().items()}
    halves(step, one)
    assert all(torch.equal(before[name], value) for name, value in step.discriminator.state_dict().items())
    assert all(weight.requires_grad for weight in step.discriminator.parameters())
    assert all(weight.grad is None for weight in step.discriminator.parameters())


TRICKS: dict[str, Any] = {
    **{"augment_p": 0.5, "augment": ["flip", "color"], "soft_labels": 0.1, "label_flip_p": 0.1},
    **{"diffaugment": ["color"], "ada_target": 0.6, "ada_kimg": 0.1, "instance_noise": 0.1},
    **{"r1_gamma": 1.0, "r1_every": 2, "d_steps": 2, "pool": 5},
}


@pytest.mark.parametrize("step", [CycleStep, CartoonStep])
def test_a_step_goes_on_from_its_state_to_the_last_bit(step: type[AdversarialStep]) -> None:
    tricks = TRICKS if step is CycleStep else {k: v for k, v in TRICKS.items() if k != "pool"}
    first = made(step, **tricks)
    source = stream()
    for _ in range(3):
        first.schedule(0.1, epoch=2.0)
        first(source)
    state = first.state()
    second = made(step, seed=5, **tricks)
    second.load_state(state)
    again = stream(shown=source.shown)
    for one, batches in ((first, source), (second, again)):
        one.schedule(0.2, epoch=2.0)
        one(batches)
        one(batches)
    assert same(first.state(), second.state())


@pytest.mark.parametrize("loss", ["bce", "lsgan", "mse", "hinge", "wgan", "wgan-gp"])
@pytest.mark.parametrize("step", [CycleStep, CartoonStep])
def test_every_loss_teaches_every_network(step: type[AdversarialStep], loss: str) -> None:
    one = made(step, loss=loss)
    before = [value.clone() for value in (*one.generator.parameters(), *one.discriminator.parameters())]
    one(stream())
    after = [*one.generator.parameters(), *one.discriminator.parameters()]
    assert all(torch.isfinite(value).all() for value in after)
    matrices = [(a, b) for a, b in zip(before, after, strict=True) if a.ndim == 4]
    assert all(not torch.equal(a, b) for a, b in matrices)
    means = one.read_means()
    assert means.finite
    named = {name for name in vars(means) if name.startswith("loss_") and vars(means)[name] is not None}
    assert named == {"loss_g", "loss_d", *step._TERMS}


def test_each_domain_has_an_order_of_its_own_and_is_shown_evenly() -> None:
    source = stream(photos=6)
    rows: list[int] = []
    for _ in range(4):
        rows += next(source).rows.tolist()
    assert sorted(rows) == sorted([*range(6)] * 2), "six photographs, each twice in twelve"
    assert source.shown == 12
    assert torch.equal(
        next(stream(shown=3)).photos, [next(s) for s in [stream()] for _ in range(2)][1].photos
    )


def test_the_average_of_a_translator_is_of_both_ways() -> None:
    step = made()
    step.schedule(0.1)
    step(stream(False))
    assert set(step.average.state_dict()) == set(step.generator.state_dict())
    given = floats(pictures(3)).permute(0, 3, 1, 2)
    assert step.sample(given).shape == step.sample_back(given).shape == (BATCH, 3, SIZE, SIZE)
    assert not torch.equal(step.sample(given), step.sample_back(given))
    assert F.mse_loss(step.average.forth(given), step.generator.forth(given)) > 0


def test_the_loss_of_the_shipped_cyclegan_is_the_papers() -> None:
    """Zhu et al. 2017, equations 1 to 3 and section 4: E[(D(G(x)) - 1)^2], beside cycle and identity of 10 and 5."""
    path = shipped.find("cyclegan")
    assert path is not None
    step, one = made(loss=load(path).plain["train.loss"]), batch(False)
    for discriminator in (step.discriminator.drawings, step.discriminator.photos):
        discriminator.eval()
    drawings, photos = floats(one.drawings), floats(one.photos)
    drawn, taken = step._translated(drawings, photos)
    parts = ((step.discriminator.drawings, drawn), (step.discriminator.photos, taken))
    expected = sum((network(pictures) - 1).square().mean() for network, pictures in parts)
    deceived, _ = step._generators_half(drawings, photos, None, (drawn, taken))
    torch.testing.assert_close(deceived, expected, rtol=1e-4, atol=1e-5)
