"""Training tricks: each by an effect that can be computed."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.transforms.v2.functional import equalize as torchvisions

from ganlib.augment.ada import INTERVAL, AdaptiveAugment
from ganlib.augment.diffaugment import CUTOUT, POLICIES, SHIFT, diffaugment
from ganlib.augment.equalize import equalize, random_equalize
from ganlib.augment.lookup import look_up
from ganlib.augment.real import FLASH, augment
from ganlib.augment.view import View
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.losses import Labels
from ganlib.losses.labels import Labeller
from ganlib.models.dcgan import build_discriminator
from ganlib.models.discriminator_parts import Dropout, Spectral, give_random
from ganlib.steps import optimizers
from ganlib.steps.adversarial import AdversarialStep

CPU = torch.device("cpu")
SHAPE = torch.Size([8192])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=seeded(seed)) * 2 - 1


def made(seed: int = 0, model: dict[str, Any] | None = None, **train: Any) -> AdversarialStep:
    options = {"batch_size": 8, "precision": "fp32", **train}
    networks = ModelConfig(**{"latent_dim": 4, "width": 4, **(model or {})})
    return AdversarialStep(DataConfig(size=28), networks, TrainConfig(**options), seed, CPU)


def batches(seed: int = 0) -> Any:
    random = seeded(seed)
    while True:
        yield torch.randint(0, 256, (8, 3, 28, 28), generator=random, dtype=torch.uint8)


# Labels


def drawn(**train: Any) -> Labels:
    """Four batches of 8,192 labels."""
    config = TrainConfig(batch_size=8192, **train)
    labeller = Labeller(config, torch.tensor(1.0), seeded(), CPU)
    several = [labeller.draw(SHAPE, SHAPE) for _ in range(4)]
    real, fake = (torch.cat([getattr(one, name) for one in several]) for name in ("real", "fake"))
    return Labels(real, fake, several[0].smoothing)


def test_plain_and_fuzzy_labels_are_constants_and_draw_nothing() -> None:
    random = seeded()
    before = random.get_state()
    labels = Labeller(TrainConfig(label_real=0.9, label_fake=0.1), torch.tensor(0.8), random, CPU).draw(
        SHAPE, SHAPE
    )
    assert [round(x.item(), 6) for x in (labels.real, labels.fake, labels.smoothing)] == [0.9, 0.1, 0.8]
    assert torch.equal(random.get_state(), before)


def test_soft_labels_are_uniform_around_theirs() -> None:
    labels = drawn(label_real=0.9, label_fake=0.1, soft_labels=0.2)
    for label, centre in ((labels.real, 0.9), (labels.fake, 0.1)):
        assert centre - 0.2 <= label.min() < centre - 0.19
        assert centre + 0.19 < label.max() <= centre + 0.2
        assert label.std().item() == pytest.approx(0.4 / math.sqrt(12), rel=0.02)
    assert abs(torch.corrcoef(torch.stack([labels.real, labels.fake]))[0, 1].item()) < 0.03


def test_noisy_labels_are_swapped_in_this_share() -> None:
    labels = drawn(label_flip_p=0.3)
    # Five standard errors of a share of 32,768.
    assert (labels.real == 0).float().mean().item() == pytest.approx(0.3, abs=0.013)
    assert (labels.fake == 1).float().mean().item() == pytest.approx(0.3, abs=0.013)
    assert set(labels.real.tolist()) == set(labels.fake.tolist()) == {0.0, 1.0}


def test_with_every_label_a_coin_the_discriminator_learns_nothing_on_average() -> None:
    """The best answer to labels flipped with p = 1/2 is 1/2 for all: its loss at logit 0 has gradient mean 0."""
    labels = drawn(label_flip_p=0.5)
    logits = torch.zeros(len(labels.real), requires_grad=True)
    step = made()
    step.loss.discriminator(logits, logits, labels).backward()
    assert abs(logits.grad.sum().item()) < 0.02


def test_the_generators_label_is_never_noisy() -> None:
    noisy, plain = made(label_flip_p=0.5, soft_labels=0.3), made()
    out = uniform(8)
    assert noisy.loss.generator(out, lambda: out) == plain.loss.generator(out, lambda: out)


# Optimizers


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


# The discriminator's layers


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


# Pictures


def test_equalize_is_torchvisions() -> None:
    random = seeded()
    noise = torch.randint(0, 256, (4, 3, 28, 28), generator=random, dtype=torch.uint8)
    dark = (noise // 9).to(torch.uint8)
    flat = torch.full((2, 3, 28, 28), 77, dtype=torch.uint8)
    stripes = torch.zeros(1, 3, 28, 28, dtype=torch.uint8)
    stripes[..., ::3] = 200
    for pictures in (noise, dark, flat, stripes):
        assert torch.equal(equalize(pictures), torchvisions(pictures))


def test_equalize_spreads_a_dark_picture_over_the_range() -> None:
    dark = torch.arange(64, dtype=torch.uint8).repeat(12 * 3 * 16).view(1, 3, 96, 128)
    assert equalize(dark).amax() == 255
    assert equalize(dark).unique().diff().max() <= 5


def test_random_equalize_changes_this_share_and_leaves_the_rest() -> None:
    pictures = torch.arange(100, dtype=torch.uint8).repeat(400, 3, 9, 1)
    out = random_equalize(pictures, torch.tensor(0.25), seeded())
    changed = (out != pictures).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.11)
    assert torch.equal(out[changed], equalize(pictures)[changed])


@pytest.mark.usefixtures("doubles")
def test_each_policy_of_augmentation_does_its_own() -> None:
    pictures, always = uniform(64, 3, 8, 8) * 0.5, torch.tensor(1.0)
    assert torch.equal(augment(pictures, always, seeded(), ["flip"]), pictures.flip(3))
    flashed = augment(pictures, always, seeded(), ["flash"])
    gain = ((flashed + 1) / (pictures + 1)).flatten(1)
    inside = (flashed < 1).flatten(1)
    for one, keep in zip(gain, inside, strict=True):
        assert one[keep].std() < 1e-9, "one gain for a whole picture"
        assert 1 <= one[keep].mean() <= 1 + FLASH
    coloured = augment(pictures, always, seeded(), ["color"])
    assert not torch.equal(coloured, pictures)
    assert not torch.equal(coloured, augment(pictures, always, seeded(), ["flip", "color"]))
    nothing = torch.tensor(0.0)
    assert torch.equal(augment(pictures, nothing, seeded(), ["flip", "color", "flash"]), pictures)


# DiffAugment


def test_translation_moves_whole_pixels_and_fills_with_grey() -> None:
    side, most = 32, round(32 * SHIFT)
    pictures = uniform(200, 3, side, side).sign()
    moved = diffaugment(pictures, ["translation"], seeded())
    found = set()
    for picture, result in zip(pictures, moved, strict=True):
        padded = nn.functional.pad(picture, (most,) * 4)
        windows = padded.unfold(1, side, 1).unfold(2, side, 1)  # (3, 2 most + 1, 2 most + 1, side, side)
        same = (windows == result[:, None, None]).all(4).all(3).all(0)
        assert same.sum() == 1, "one shift explains all three channels"
        found.add(tuple(same.nonzero()[0].tolist()))
    assert {row for row, _ in found} == {column for _, column in found} == set(range(2 * most + 1))


def test_cutout_greys_a_square_of_a_quarter_of_the_area_at_most() -> None:
    side = 32
    out = diffaugment(torch.ones(500, 3, side, side), ["cutout"], seeded())
    assert set(out.unique().tolist()) == {0.0, 1.0}
    holes = (out == 0).all(1)
    assert torch.equal(holes, (out == 0).any(1)), "all channels alike"
    rows, columns = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(holes.sum((1, 2)), rows * columns), "a rectangle"
    assert rows.max() == columns.max() == side * CUTOUT
    assert rows.min() == columns.min() == side * CUTOUT / 2, "its middle is in the picture"


def test_colour_changes_are_the_papers() -> None:
    """Of a grey picture only brightness and contrast are left: the mean moves by at most 1/2, at random."""
    grey = torch.zeros(5000, 3, 4, 4)
    means = diffaugment(grey, ["color"], seeded()).mean((1, 2, 3))
    assert means.abs().max() <= 0.5
    assert means.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.05)
    pictures = uniform(2000, 3, 4, 4)
    out = diffaugment(pictures, ["color"], seeded())
    contrast = (out.mean(1) - out.mean((1, 2, 3))[:, None, None]).flatten(1).std(1)
    contrast /= (pictures.mean(1) - pictures.mean((1, 2, 3))[:, None, None]).flatten(1).std(1)
    assert 0.5 <= contrast.min() < 0.51
    assert 1.49 < contrast.max() <= 1.5001


@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_pass_through_diffaugment(policy: str) -> None:
    pictures = uniform(2, 3, 8, 8).double().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: diffaugment(x, [policy], seeded()), pictures)


# ADA


def ada(target: float = 0.6, kimg: float = 1.0, p: float = 0.0) -> AdaptiveAugment:
    module = AdaptiveAugment(target, kimg, seeded())
    module.p.fill_(p)
    return module


def test_p_rises_while_the_discriminator_is_too_sure_and_falls_otherwise() -> None:
    module, batch = ada(kimg=0.5), 10
    sure, unsure = torch.ones(batch), torch.tensor([1.0, -1.0] * 5)
    history = []
    for number in range(3 * INTERVAL):
        module.observe(sure, number)
        history.append(round(module.p.item(), 6))
    step = batch * INTERVAL / 500
    assert history == [0] * 3 + [step] * 4 + [2 * step] * 4 + [3 * step]
    for number in range(4 * INTERVAL):
        module.observe(unsure, number)
    assert module.p.item() == 0, "it does not become negative"
    for number in range(100 * INTERVAL):
        module.observe(sure, number)
    assert module.p.item() == 1


def test_p_goes_from_zero_to_one_in_ada_kimg() -> None:
    module, batch = ada(kimg=0.4), 10
    steps = 0
    while module.p < 1 - 1e-6:
        module.observe(torch.ones(batch), steps)
        steps += 1
    assert steps * batch == 400


def test_the_sign_is_that_of_the_mean_over_four_batches() -> None:
    # Two batches at 1 and two at 0 make r_t = 0.5, below 0.6 but above 0.4.
    for target, rises in ((0.6, False), (0.4, True)):
        module = ada(target, p=0.5)
        for number, value in enumerate((1.0, 0.0, 1.0, 0.0)):
            module.observe(torch.full((8,), value), number)
        assert (module.p > 0.5) == rises


def test_at_p_zero_nothing_changes_and_at_one_everything_does() -> None:
    pictures = uniform(100, 3, 16, 16)
    assert torch.equal(ada(p=0.0)(pictures), pictures)
    assert (ada(p=1.0)(pictures) != pictures).flatten(1).any(1).all()
    half = (ada(p=0.03)(pictures) != pictures).flatten(1).any(1).float().mean().item()
    assert 0.1 < half < 0.6


@pytest.mark.usefixtures("doubles")
def test_blitting_of_the_pipeline_moves_pixels_exactly() -> None:
    """Mirroring and quarter turns, as matrices, are those of the pictures."""
    from ganlib.augment.ada import _scaling, _turn

    picture = uniform(1, 3, 8, 8).double()
    one = torch.ones(1, dtype=torch.float64)

    def moved(matrix: Tensor) -> Tensor:
        grid = nn.functional.affine_grid(matrix[:, :2], [1, 3, 8, 8], align_corners=False)
        return nn.functional.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)

    torch.testing.assert_close(moved(_scaling(-one, one)), picture.flip(3), rtol=0, atol=1e-9)
    torch.testing.assert_close(moved(_turn(one * math.pi / 2)), picture.rot90(1, (2, 3)), rtol=0, atol=1e-9)


@pytest.mark.usefixtures("doubles")
def test_colours_of_the_pipeline_keep_grey_grey() -> None:
    grey = uniform(200, 1, 4, 4).expand(-1, 3, -1, -1)
    out = ada(p=0.8)._recolour(grey)
    assert (out.amax(1) - out.amin(1)).max() < 1e-9


def test_ada_adapts_in_training_and_p_is_in_the_state() -> None:
    step, source = made(ada_target=0.01, ada_kimg=0.1, lr_d=0.01), batches()
    for _ in range(8):
        step(source)
    state = step.state()
    assert state["view"]["ada.p"] > 0
    fresh = made(ada_target=0.01, ada_kimg=0.1, lr_d=0.01)
    fresh.load_state(state)
    assert fresh.view.ada is not None
    assert fresh.view.ada.p == step.view.ada.p


@pytest.mark.parametrize("loss", ["wgan", "wgan-gp"])
def test_ada_is_refused_where_outputs_have_no_sign(loss: str) -> None:
    with pytest.raises(ValueError, match=f"ada_target means nothing with {loss}"):
        TrainConfig(loss=loss, ada_target=0.6)


# What the discriminator sees


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


def test_a_lookup_is_torchs_and_has_a_second_derivative() -> None:
    pictures = uniform(2, 3, 5, 5).double().requires_grad_(True)
    grid = 1.5 * uniform(2, 5, 5, 2, seed=1).double()
    expected = nn.functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    torch.testing.assert_close(look_up(pictures, grid), expected)
    assert torch.autograd.gradcheck(lambda x: look_up(x, grid), (pictures,))
    assert torch.autograd.gradgradcheck(lambda x: look_up(x, grid).square(), (pictures,))


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
