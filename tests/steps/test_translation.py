"""Steps of translators: which loss teaches whom, which way round, the pool of older pictures, resuming."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from helpers.training.steps import same
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.losses.reconstruction import colour_distance, landmark_distance, landmark_weights
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.stream import Domains, DomainStream
from ganlib.steps.translation import CartoonStep, CycleStep, Pool

CPU = torch.device("cpu")
SIZE, BATCH = 32, 3


def made(step: type[AdversarialStep] = CycleStep, seed: int = 0, **train: Any) -> Any:
    family = "cyclegan" if step is CycleStep else "cartoongan"
    return step(
        DataConfig(size=SIZE),
        ModelConfig(family=family, width=4, blocks=1),
        TrainConfig(**{"loss": "lsgan", "batch_size": BATCH, "precision": "fp32", **train}),
        seed,
        CPU,
    )


def pictures(seed: int, count: int = BATCH) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, SIZE, SIZE, 3), generator=random, dtype=torch.uint8)


def stream(edges: bool = True, shown: int = 0, photos: int = 7) -> DomainStream:
    third = pictures(2, 9) if edges else None
    return DomainStream(pictures(0, 9), pictures(1, photos), third, BATCH, 0, CPU, shown)


def batch(edges: bool = True) -> Domains:
    return next(stream(edges))


def floats(levels: Tensor) -> Tensor:
    return levels.float() / 127.5 - 1


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


# ---- the losses of CycleGAN --------------------------------------------------------------------------------


def halves(step: CycleStep, one: Domains) -> tuple[Tensor, list[Tensor]]:
    drawings, photos = floats(one.drawings), floats(one.photos)
    return step._generators_half(drawings, photos, one.rows, step._translated(drawings, photos))


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


# ---- the pool ----------------------------------------------------------------------------------------------


def numbered(*numbers: int) -> Tensor:
    return torch.tensor(numbers).float()[:, None, None, None].expand(-1, 3, 4, 4).clone()


def shown(pool: Pool, *numbers: int) -> list[int]:
    return [int(value) for value in pool(numbered(*numbers))[:, 0, 0, 0]]


def test_a_pool_gives_back_what_it_is_given_until_it_is_full() -> None:
    pool = Pool(5, 4, torch.Generator().manual_seed(0))
    assert shown(pool, 1, 2) == [1, 2]
    assert shown(pool, 3, 4) == [3, 4]
    assert pool.filled == 4


def test_then_half_of_what_it_gives_is_older_and_nothing_is_lost() -> None:
    pool = Pool(50, 4, torch.Generator().manual_seed(0))
    seen, older = set(range(50)), 0
    shown(pool, *range(50))
    for start in range(50, 2050, 10):
        given = list(range(start, start + 10))
        back = shown(pool, *given)
        held = {int(value) for value in pool.kept[:, 0, 0, 0]}
        assert len(held) == 50, "every picture is kept once"
        assert set(back) | held == seen | set(given), "none is lost, none is made up"
        older += sum(number < start for number in back)
        seen = held
    assert older / 2000 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("size", [0, 2])
def test_a_pool_smaller_than_a_batch(size: int) -> None:
    pool = Pool(size, 4, torch.Generator().manual_seed(0))
    for start in range(0, 40, 4):
        back = shown(pool, *range(start, start + 4))
        assert start == 0 or len(set(back)) == 4, "none comes twice once it is full"
        assert size or back == list(range(start, start + 4))


# ---- CartoonGAN --------------------------------------------------------------------------------------------


def test_generated_and_blurred_drawings_are_both_fake() -> None:
    step, one = made(CartoonStep), batch()
    drawings, photos, edges = map(floats, (one.drawings, one.photos, one.edges))
    translated = step._translated(drawings, photos)
    with torch.no_grad():
        fakes = torch.cat([translated[0], edges])
        wanted = ((step.discriminator(drawings) - 1) ** 2).mean() / 2
        wanted = wanted + (step.discriminator(fakes) ** 2).mean() / 2
    found, real_out, fake_out = step._discriminators_half(drawings, photos, one, translated, 0)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert len(fake_out) == 2 * len(real_out)


def test_at_first_the_generator_learns_from_content_alone() -> None:
    step = made(CartoonStep, pretrain=1.0)
    source = stream()
    before = [value.clone() for value in step.discriminator.parameters()]
    step.schedule(0.1, epoch=0.5)
    assert step.pretraining
    step(source)
    assert all(torch.equal(a, b) for a, b in zip(before, step.discriminator.parameters(), strict=True))
    assert step.read_means().loss_content > 0
    step.schedule(0.1, epoch=1.0)
    assert not step.pretraining
    step(source)
    assert not all(torch.equal(a, b) for a, b in zip(before, step.discriminator.parameters(), strict=True))


def test_without_weight_on_content_there_is_nothing_to_learn_first() -> None:
    step = made(CartoonStep, pretrain=1.0, content_weight=0.0)
    step.schedule(0.1, epoch=0.0)
    assert not step.pretraining
    assert step._content is None, "no network is loaded that nobody asks"


def test_terms_that_are_off_cost_nothing_and_those_that_are_on_are_added() -> None:
    one = batch()
    a, b = floats(one.photos), floats(one.drawings)

    def gradient(**train: Any) -> Tensor:
        step = made(CartoonStep, **{"content_weight": 0.0, "adversarial_weight": 0.0, **train})
        step.landmarks = torch.full((7, 2, 2), 0.5)
        step._generators_half(b, a, one.rows, step._translated(b, a))
        return torch.cat([w.grad.flatten() for w in step.generator.parameters()])

    def expected(loss: Any) -> Tensor:
        step = made(CartoonStep, content_weight=0.0)
        loss(step, step.generator(a)).backward()
        return torch.cat([w.grad.flatten() for w in step.generator.parameters()])

    found = gradient(colour_weight=2.0)
    torch.testing.assert_close(found, expected(lambda step, drawn: 2 * colour_distance(a, drawn)))
    found = gradient(landmark_weight=3.0, landmark_sigma=0.1)
    weights = landmark_weights(torch.full((BATCH, 2, 2), 0.5), SIZE, 0.1)
    torch.testing.assert_close(found, expected(lambda step, drawn: 3 * landmark_distance(a, drawn, weights)))
    assert not gradient().any()
    assert gradient(grey_weight=1.0).any()
    assert gradient(style_weight=1.0).any()
    assert gradient(content_weight=1.0).any()


# ---- both --------------------------------------------------------------------------------------------------


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
