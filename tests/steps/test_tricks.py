"""Training tricks: each by an effect that can be computed."""

from typing import Any

import pytest
import torch
from helpers.training.tricks import CPU, batches, made, seeded, uniform
from torch import Tensor, nn

from ganlib.augment.view import View
from ganlib.config import TrainConfig
from ganlib.steps import optimizers


@pytest.mark.parametrize(
    ("name", "options", "reference"),
    [
        ("adam", {"betas": (0.3, 0.9)}, lambda w: torch.optim.Adam(w, 0.01, (0.3, 0.9), weight_decay=0.1)),
        (
            "rmsprop",
            {"alpha": 0.9, "momentum": 0.5},
            lambda w: torch.optim.RMSprop(w, 0.01, 0.9, momentum=0.5, weight_decay=0.1),
        ),
        ("sgd", {"momentum": 0.5}, lambda w: torch.optim.SGD(w, 0.01, 0.5, weight_decay=0.1)),
        ("adagrad", {}, lambda w: torch.optim.Adagrad(w, 0.01, weight_decay=0.1)),
    ],
)
def test_optimizers_are_torchs_with_their_own_numbers(name: str, options: Any, reference: Any) -> None:
    ours, theirs = nn.Linear(5, 3).double(), nn.Linear(5, 3).double()
    theirs.load_state_dict(ours.state_dict())
    mine = optimizers.optimizer(name, ours, 0.02, TrainConfig(weight_decay=0.1, **options), CPU)
    optimizers.set_rate(mine, 0.01)
    assert float(optimizers.rate(mine)) == pytest.approx(0.01)
    yours = reference(theirs.parameters())
    for seed in range(5):
        for network, optimizer in ((ours, mine), (theirs, yours)):
            optimizer.zero_grad()
            network(uniform(7, 5, seed=seed).double()).square().sum().backward()
            optimizer.step()
    # The rate is a float32 tensor.
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-7, atol=1e-7)


def test_each_network_has_its_own_optimizer_and_rate() -> None:
    step = made(optimizer="adam", optimizer_d="sgd", lr_g=0.5, lr_d=0.25)
    assert isinstance(step.optimizer_g, torch.optim.Adam)
    assert isinstance(step.optimizer_d, torch.optim.SGD)
    step.schedule(1.0, 0.5)
    assert (optimizers.rate(step.optimizer_g), optimizers.rate(step.optimizer_d)) == (0.25, 0.125)
    assert isinstance(made(optimizer="rmsprop").optimizer_d, torch.optim.RMSprop)


@pytest.mark.usefixtures("doubles")
def test_weight_decay_pulls_weights_to_zero_where_there_is_no_gradient() -> None:
    network = nn.Linear(4, 4)
    before = network.weight.detach().clone()
    sgd = optimizers.optimizer("sgd", network, 0.1, TrainConfig(weight_decay=0.5), CPU)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    sgd.step()
    torch.testing.assert_close(network.weight, 0.95 * before)


def test_instance_noise_fades_to_nothing() -> None:
    view = View(TrainConfig(instance_noise=0.4), seeded(), CPU)
    zeros = torch.zeros(50, 3, 16, 16)
    for progress, sigma in ((0.0, 0.4), (0.5, 0.2), (0.75, 0.1)):
        view.schedule(progress)
        assert view(zeros).std().item() == pytest.approx(sigma, rel=0.02)
    view.schedule(1.0)
    assert not view(zeros).any()


def test_without_tricks_pictures_are_shown_as_they_are() -> None:
    random = seeded()
    before = random.get_state()
    pictures = uniform(2, 3, 8, 8)
    assert View(TrainConfig(), random, CPU)(pictures) is pictures
    assert torch.equal(random.get_state(), before)


@pytest.mark.parametrize(
    "options", [{"instance_noise": 0.2}, {"diffaugment": ["color", "cutout"]}, {"ada_target": 0.6}]
)
def test_both_halves_show_real_and_fake_through_the_view(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    forward = View.forward

    def spy(self: View, pictures: Tensor) -> Tensor:
        seen.append(pictures.requires_grad)
        return forward(self, pictures)

    monkeypatch.setattr(View, "forward", spy)
    step = made(**options)
    before = [p.detach().clone() for p in step.generator.parameters()]
    step(batches())
    assert seen == [False, False, True], "real, fake, and fake again for the generator, with its gradient"
    assert all(not torch.equal(a, b) for a, b in zip(before, step.generator.parameters(), strict=True))


def test_lazy_penalties_come_every_so_many_steps_with_that_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganlib.losses.regularisers import R1

    seen: list[float] = []
    term = R1.term

    def spy(self: R1, slope: Tensor) -> Tensor:
        value = term(self, slope)
        seen.append(value.item())
        return value

    monkeypatch.setattr(R1, "term", spy)
    step, source = made(r1_gamma=2.0, r1_every=3, d_steps=2), batches()
    for _ in range(4):
        step(source)
    assert len(seen) == 3, "of eight steps of the discriminator, the first, fourth and seventh"


class Quadratic(nn.Module):
    """A discriminator |x|^2 / 2 times a weight: its slope is what it sees, times the weight."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen.append(pictures.detach())
        return self.scale * pictures.square().flatten(1).sum(1) / 2


VIEWED = [{"r1_gamma": 2.0}, {"r2_gamma": 2.0}, {"dragan_weight": 1.0}, {"loss": "wgan-gp", "gp_weight": 1.0}]


@pytest.mark.parametrize("options", VIEWED, ids=lambda options: next(iter(options)))
def test_penalties_are_on_slopes_of_pictures_before_augmentation(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at three times its contrast, a picture has three times the slope that what is seen has."""
    monkeypatch.setattr(View, "forward", lambda self, pictures: 3 * pictures)
    step, critic = made(precision="fp32", **options), Quadratic()
    real, fake = uniform(8, 3, 4, 4), uniform(8, 3, 4, 4, seed=1)
    plain = made(precision="fp32", loss=options.get("loss", "bce"), gp_weight=0.0)
    without = plain.judge.judged(critic, real, fake, 0)[0]
    step.random.manual_seed(0)
    critic.seen.clear()
    found = step.judge.judged(critic, real, fake, 0)[0] - without
    if "r1_gamma" in options or "r2_gamma" in options:
        assert len(critic.seen) == 2, "no pass beside those of the loss"
        expected = critic.seen["r2_gamma" in options].mul(3).square().flatten(1).sum(1).mean()
    else:
        expected = (critic.seen[2].mul(3).flatten(1).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("options", VIEWED, ids=lambda options: next(iter(options)))
@pytest.mark.parametrize(
    "view", [{"diffaugment": ["color", "translation", "cutout"]}, {"ada_target": 0.6}, {}]
)
def test_penalties_reach_the_weights_through_every_view(
    options: dict[str, Any], view: dict[str, Any]
) -> None:
    if options.get("loss") == "wgan-gp" and "ada_target" in view:
        pytest.skip("refused")
    step = made(**options, **view, instance_noise=0.1, d_steps=1, model={"d_norm": "none"})
    if step.view.ada:
        step.view.ada.p.fill_(1.0)
    before = step.discriminator.layers[0].weight.detach().clone()  # type: ignore[union-attr]
    step(batches())
    after = step.discriminator.layers[0].weight  # type: ignore[union-attr]
    assert not torch.equal(before, after)
    assert after.isfinite().all()


@pytest.mark.parametrize("sides", [{"r1_gamma": 1.0}, {"r2_gamma": 1.0}, {"r1_gamma": 1.0, "r2_gamma": 1.0}])
def test_the_loss_and_its_penalties_share_one_pass_and_one_view(
    sides: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[torch.dtype] = []
    forward = View.forward

    def spy(self: View, pictures: Tensor) -> Tensor:
        calls.append(pictures.dtype)
        return forward(self, pictures)

    monkeypatch.setattr(View, "forward", spy)
    step = made(precision="bf16", diffaugment=["color"], **sides)
    step(batches())
    assert len(calls) == 3, "real, fake, and fake again for the generator"
    calls.clear()
    made(precision="bf16", loss="rpgan", diffaugment=["color"], **sides)(batches())
    assert len(calls) == 4, "and what the generator's pictures are paired with"


def test_the_generators_pairs_are_the_discriminators_last_real_pictures() -> None:
    step = made(loss="rpgan", d_steps=2)
    shown: list[Tensor] = []
    step.discriminator.register_forward_pre_hook(lambda _, args: shown.append(args[0].detach()))
    step(batches())
    first, _, second, _, generated, paired = shown
    assert torch.equal(paired, second)
    assert not torch.equal(paired, first)
    assert not torch.equal(generated, paired)


def test_two_names_for_one_number_of_steps_are_refused() -> None:
    assert made(d_steps=3).critic_steps == 3
    assert made(loss="wgan", d_steps=2).critic_steps == 2
    with pytest.raises(ValueError, match="two names"):
        TrainConfig(d_steps=2, critic_steps=2)


def test_accuracies_are_shares_of_right_answers() -> None:
    step = made()
    step._count(
        *(torch.zeros(()) for _ in range(2)), torch.tensor([1.0, 2.0, -1.0, 3.0]), torch.tensor([-1.0, 1.0])
    )
    means = step.read_means()
    assert (means.accuracy_real, means.accuracy_fake) == (0.75, 0.5)
