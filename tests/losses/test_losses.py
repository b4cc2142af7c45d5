"""Losses at points where the answer is known, and the gradient penalty of critics whose gradient is known."""

import math

import pytest
import torch
from torch import Tensor, nn

from ganlib.config import TrainConfig
from ganlib.losses import Labels
from ganlib.losses.hinge import Hinge
from ganlib.losses.least_squares import LeastSquares, MeanSquares
from ganlib.losses.non_saturating import NonSaturating
from ganlib.losses.regularisers import R1, R2, Dragan, GradientPenalty, Penalty, WeightClipping, of_spec
from ganlib.losses.relativistic import RelativisticPairing
from ganlib.losses.wasserstein import Wasserstein, WassersteinGP
from ganlib.names import LOSSES

LABELLED = [name for name, loss in LOSSES.items() if loss.labels]


def labels(real: float = 1.0, fake: float = 0.0, smoothing: float = 1.0) -> Labels:
    return Labels(*(torch.tensor(value) for value in (real, fake, smoothing)))


ONE = labels()


def full(value: float, n: int = 4) -> Tensor:
    return torch.full((n,), float(value))


def unseen() -> Tensor:
    raise AssertionError("a loss that does not look at real pictures must not pay for them")


def test_bce_of_a_discriminator_that_knows_nothing() -> None:
    loss = NonSaturating()
    assert loss.discriminator(full(0), full(0), ONE).item() == pytest.approx(2 * math.log(2))
    assert loss.generator(full(0), unseen).item() == pytest.approx(math.log(2))
    assert torch.equal(loss.score(full(0)), full(0.5))


@pytest.mark.parametrize(
    ("name", "on_fake"),
    [("bce", math.log(2)), ("lsgan", 0.0), ("mse", 0.0), ("wgan", 0.0), ("wgan-gp", 0.0), ("hinge", 1.0)],
)
def test_without_the_real_part_only_the_fake_part_is_left(name: str, on_fake: float) -> None:
    loss = LOSSES[name].load().of(TrainConfig(loss=name))
    assert loss.discriminator(full(7), full(0), labels(smoothing=0.0)).item() == pytest.approx(on_fake)
    assert loss.discriminator(full(7), full(3), labels(smoothing=0.0)).item() > on_fake


@pytest.mark.usefixtures("doubles")
def test_bce_is_torchs_with_targets_one_and_zero() -> None:
    real, fake = torch.randn(2, 50).unbind()
    bce = nn.BCEWithLogitsLoss()
    expected = bce(real, torch.ones(50)) + bce(fake, torch.zeros(50))
    torch.testing.assert_close(NonSaturating().discriminator(real, fake, ONE), expected)
    torch.testing.assert_close(NonSaturating().generator(fake, unseen), bce(fake, torch.ones(50)))


def test_bce_does_not_saturate_for_the_generator_and_stays_finite() -> None:
    fake = full(-50.0).requires_grad_(True)
    NonSaturating().generator(fake, unseen).backward()
    assert torch.allclose(fake.grad, full(-0.25)), "the gradient of a fake that is surely found out is -1/n"
    assert math.isfinite(NonSaturating().discriminator(full(-1e4), full(1e4), ONE).item())


def test_least_squares_at_and_off_its_targets() -> None:
    loss = LeastSquares()
    assert loss.discriminator(full(1), full(0), ONE).item() == 0
    assert loss.discriminator(full(0), full(1), ONE).item() == 0.5 + 0.5
    assert loss.discriminator(full(4), full(0), ONE).item() == 4.5
    assert loss.generator(full(1), unseen).item() == 0
    assert loss.generator(full(0), unseen).item() == 0.5
    assert torch.equal(loss.score(full(3)), full(3))


def test_wasserstein_is_a_difference_of_means() -> None:
    loss = Wasserstein()
    assert WassersteinGP.discriminator is Wasserstein.discriminator
    assert loss.discriminator(torch.tensor([1.0, 3.0]), torch.tensor([5.0, 9.0]), ONE).item() == 7 - 2
    assert loss.generator(torch.tensor([5.0, 9.0]), unseen).item() == -7
    assert torch.equal(loss.score(full(-3)), full(-3))


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if not loss.paired])
def test_smoothing_multiplies_the_real_part_and_nothing_else(name: str) -> None:
    loss = LOSSES[name].load().of(TrainConfig(loss=name))
    real, fake = torch.randn(2, 20).double().unbind()
    nothing = loss.discriminator(real, fake, labels(smoothing=0.0))
    real_part = loss.discriminator(real, fake, ONE) - nothing
    smoothed = loss.discriminator(real, fake, labels(smoothing=0.75))
    torch.testing.assert_close(smoothed, nothing + 0.75 * real_part)
    torch.testing.assert_close(nothing, loss.discriminator(real + 5, fake, labels(smoothing=0.0)))


@pytest.mark.parametrize("name", LOSSES)
def test_signs_push_the_right_way(name: str) -> None:
    loss = LOSSES[name].load().of(TrainConfig(loss=name))
    real, fake = full(0.3).requires_grad_(True), full(0.3).requires_grad_(True)
    loss.discriminator(real, fake, ONE).backward()
    assert (real.grad < 0).all(), "a higher value of real pictures must lower the discriminator's loss"
    assert (fake.grad > 0).all()
    fake = full(0.3).requires_grad_(True)
    loss.generator(fake, lambda: full(0.3)).backward()
    assert (fake.grad < 0).all(), "the generator wants higher values of its pictures"


@pytest.mark.usefixtures("doubles")
@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_means_not_sums(name: str) -> None:
    loss = LOSSES[name].load().of(TrainConfig(loss=name))
    real, fake = torch.randn(2, 6).unbind()
    once = loss.discriminator(real, fake, ONE)
    torch.testing.assert_close(loss.discriminator(real.repeat(3), fake.repeat(3), ONE), once)
    torch.testing.assert_close(
        loss.generator(fake.repeat(3), lambda: real.repeat(3)), loss.generator(fake, lambda: real)
    )


def test_what_each_loss_asks_of_the_discriminator() -> None:
    train = TrainConfig(clip=0.25, gp_weight=3.0, gp_every=4)
    losses = {name: loss.load().of(train) for name, loss in LOSSES.items()}
    asked = {name: (c.norm, c.critic_steps, c.probabilities) for name, c in losses.items()}
    plain = ("batch", 1, False)
    assert asked == {
        "bce": ("batch", 1, True),
        "lsgan": plain,
        "mse": plain,
        "wgan": ("batch", 5, False),
        "wgan-gp": ("none", 5, False),
        "hinge": plain,
        "rpgan": plain,
    }
    terms = {name: loss.regularisers(train) for name, loss in losses.items()}
    (clipping,), (penalty,) = terms.pop("wgan"), terms.pop("wgan-gp")
    assert isinstance(clipping, WeightClipping)
    assert clipping.bound == 0.25
    assert isinstance(penalty, GradientPenalty)
    assert (penalty.weight, penalty.every) == (3.0, 4)
    assert not any(terms.values())


def test_hinge_counts_only_what_is_inside_the_margin() -> None:
    loss = Hinge()
    assert loss.discriminator(full(1), full(-1), ONE).item() == 0
    assert loss.discriminator(full(7), full(-7), ONE).item() == 0
    assert loss.discriminator(full(0), full(0), ONE).item() == 2
    assert loss.discriminator(full(-2), full(0.5), ONE).item() == 3 + 1.5
    assert loss.generator(full(3), unseen).item() == -3


def test_mean_squares_are_least_squares_without_the_halves() -> None:
    real, fake = torch.randn((2, 9), dtype=torch.float64).unbind()
    halves, whole = LeastSquares(), MeanSquares()
    torch.testing.assert_close(
        whole.discriminator(real, fake, ONE), 2 * halves.discriminator(real, fake, ONE)
    )
    mse = nn.MSELoss()
    torch.testing.assert_close(whole.generator(fake, unseen), mse(fake, torch.ones_like(fake)))


def test_the_papers_other_targets_of_least_squares() -> None:
    train = TrainConfig(loss="lsgan", label_fake=-1.0, label_real=1.0, label_g=0.0)
    loss = LeastSquares.of(train)
    targets = labels(real=1.0, fake=-1.0)
    assert (loss.a, loss.b, loss.c) == (-1, 1, 0)
    assert loss.discriminator(full(1), full(-1), targets).item() == 0
    assert loss.discriminator(full(0), full(0), targets).item() == 0.5 + 0.5
    assert loss.generator(full(0), unseen).item() == 0
    assert loss.generator(full(-1), unseen).item() == 0.5
    assert loss.boundary(full(9), full(9)).item() == 0


@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_what_the_discriminator_is_best_off_to_answer(name: str) -> None:
    loss = LOSSES[name].load().of(TrainConfig(loss=name))
    answers = {"bce": lambda label: math.log(label / (1 - label))}.get(name, lambda label: label)
    real, fake = (full(answers(label)).double().requires_grad_(True) for label in (0.75, 0.25))
    loss.discriminator(real, fake, labels(real=0.75, fake=0.25)).backward()
    assert real.grad.abs().max() < 1e-7
    assert fake.grad.abs().max() < 1e-7


def test_labels_may_differ_from_picture_to_picture() -> None:
    real, fake = torch.randn((2, 2), dtype=torch.float64).unbind()
    each = Labels(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.25]), torch.tensor(1.0))
    for name in LABELLED:
        loss = LOSSES[name].load().of(TrainConfig(loss=name))
        single = [
            loss.discriminator(real[i : i + 1], fake[i : i + 1], labels(a, b))
            for i, (a, b) in enumerate([(1.0, 0.5), (0.0, 0.25)])
        ]
        torch.testing.assert_close(loss.discriminator(real, fake, each), sum(single) / 2)


def test_where_a_picture_is_taken_for_real() -> None:
    cut = {
        name: loss.load().of(TrainConfig(loss=name)).boundary(full(6), full(2)).item()
        for name, loss in LOSSES.items()
    }
    assert cut == {"bce": 0, "lsgan": 0.5, "mse": 0.5, "wgan": 4, "wgan-gp": 4, "hinge": 0, "rpgan": 4}


@pytest.mark.parametrize("name", ["label_real", "label_fake", "label_g"])
def test_labels_are_refused_where_a_loss_has_none(name: str) -> None:
    for loss in set(LOSSES) - set(LABELLED):
        with pytest.raises(ValueError, match=f"{name} means nothing with {loss}"):
            TrainConfig(loss=loss, **{name: 0.5})
    for loss in LABELLED:
        TrainConfig(loss=loss, **{name: 0.5})


@pytest.mark.parametrize("name", LOSSES)
def test_the_entry_of_a_loss_says_what_its_class_does(name: str) -> None:
    """The entry is read without importing the class, so nothing but this keeps them together."""
    entry, loss = LOSSES[name], LOSSES[name].load().of(TrainConfig(loss=name))
    terms = [type(term) for term in loss.regularisers(TrainConfig(loss=name))]
    assert (WeightClipping in terms) == entry.clips_weights
    assert (GradientPenalty in terms) == entry.penalises_each
    assert (loss.norm != "batch") == entry.penalises_each
    assert loss.probabilities == (entry.labels == "probabilities")
    shifted = [loss.boundary(full(2 + shift), full(shift)).item() for shift in (0, 4)]
    assert (shifted[0] == shifted[1]) == entry.zero
    answers = [
        loss.discriminator(full(0.3), full(0.6), labels(real=real, fake=0.0)).item() for real in (1.0, 0.5)
    ]
    assert (answers[0] != answers[1]) == (entry.labels is not None)


@pytest.mark.usefixtures("doubles")
def test_pairs_share_an_index() -> None:
    loss, real, fake = RelativisticPairing(), *torch.randn(2, 9).unbind()
    pairs = list(zip(real.tolist(), fake.tolist(), strict=True))
    on_d = sum(math.log1p(math.exp(-(x - y))) for x, y in pairs) / 9
    on_g = sum(math.log1p(math.exp(-(y - x))) for x, y in pairs) / 9
    assert loss.discriminator(real, fake, ONE).item() == pytest.approx(on_d)
    assert loss.generator(fake, lambda: real).item() == pytest.approx(on_g)
    assert loss.discriminator(real, fake.flip(0), ONE).item() != pytest.approx(on_d)
    assert loss.discriminator(full(3), full(3), ONE).item() == pytest.approx(math.log(2))
    torch.testing.assert_close(
        loss.discriminator(real + 7, fake + 7, ONE), loss.discriminator(real, fake, ONE)
    )


@pytest.mark.usefixtures("doubles")
def test_each_real_picture_is_in_as_many_pairs_as_there_are_generated_ones_for_it() -> None:
    loss, real = RelativisticPairing(), torch.randn(3, 5)
    made, blurred = torch.randn(2, 3, 5).unbind()
    both = (loss.discriminator(real, made, ONE) + loss.discriminator(real, blurred, ONE)) / 2
    torch.testing.assert_close(loss.discriminator(real, torch.cat([made, blurred]), ONE), both)


def test_the_factor_of_the_real_half_means_nothing_where_there_is_none() -> None:
    with pytest.raises(ValueError, match="smoothing means nothing with rpgan, which has no half of real"):
        TrainConfig(loss="rpgan", smoothing=0.9)
    with pytest.raises(ValueError, match="ada_target means nothing with rpgan, which has no sign"):
        TrainConfig(loss="rpgan", ada_target=0.6)


def test_what_a_spec_adds_to_any_loss() -> None:
    assert of_spec(TrainConfig(), {}) == []
    train = TrainConfig(r1_gamma=1.0, r1_every=2, r2_gamma=3.0, r2_every=4, dragan_weight=5.0, gp_every=6)
    terms = of_spec(train, {"r1_gamma": torch.tensor(1.0), "r2_gamma": torch.tensor(3.0)})
    assert all(isinstance(term, Penalty) for term in terms)
    found = [(type(term), term.at, term.every) for term in terms if isinstance(term, Penalty)]
    assert found == [(R1, "real", 2), (R2, "fake", 4), (Dragan, "own", 6)]
    one, two, three = terms
    assert (one.gamma, two.gamma, three.weight) == (1.0, 3.0, 5.0)  # type: ignore[attr-defined]
