"""Training with labels: batches, pairs, resuming, and two classes that come out right."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.data.labels.classes import Classes
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator
from ganlib.names import FAMILIES
from ganlib.steps.resident import resident
from ganlib.steps.stream import BatchStream, Labelled, LabelledStream
from ganlib.training.fit import Fit

CPU = torch.device("cpu")


def discs(count: int) -> tuple[np.ndarray, Classes]:
    """Draw discs on grey: of every third picture dark, of the others bright."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    pictures = np.full((count, 32, 32, 3), 128, np.uint8)
    for index in range(count):
        middle, radius = random.uniform(12, 20, 2), random.uniform(7, 11)
        inside = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2
        pictures[index][inside] = 30 if index % 3 == 0 else 225
    return pictures, Classes.named(["dark" if index % 3 == 0 else "light" for index in range(count)])


def trial(family: str = "dcgan", train: dict | None = None, **model: object) -> TrialConfig:
    small = {"family": family, "width": 8, "latent_dim": 8} | model
    return TrialConfig(
        data=DataConfig(size=32, labels="folders"),
        model=ModelConfig.model_validate(small),
        train=TrainConfig.model_validate({"batch_size": 16, "kimg": 0.096} | (train or {})),
        evaluate=EvaluateConfig(every=0.048, unit="kimg", n_fake=60),
        collapse=CollapseConfig(),
    )


@cache
def judge() -> Evaluator:
    """The evaluator of 60 of `discs`; how often it is asked is nothing to it."""
    pictures, classes = discs(96)
    return Evaluator(pictures, "discs", EvaluateConfig(n_fake=60), classes=classes)


def fitted(config: TrialConfig, **options: object) -> Fit:
    pictures, classes = discs(96)
    return Fit(config, pictures, judge(), classes=classes, **options)


def test_batches_bring_the_classes_of_their_pictures() -> None:
    pictures, classes = discs(10)
    stream = LabelledStream(BatchStream(resident(pictures, CPU), 4, 0, CPU), classes.of)
    for _ in range(5):
        batch = next(stream)
        dark = batch.pictures.flatten(1).amin(1) < 100
        assert torch.equal(dark, batch.classes == classes.names.index("dark"))
    assert stream.shown == 20


@pytest.mark.parametrize(
    ("family", "train"),
    [
        ("dcgan", {"loss": "wgan-gp", "diffaugment": ["color", "translation"]}),
        ("dcgan", {"loss": "hinge", "ada_target": 0.6, "augment_p": 0.5, "precision": "bf16"}),
        ("sngan", {"loss": "hinge", "critic_steps": 2}),
        ("r3gan", {"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0}),
        ("stylegan", {"r1_gamma": 1.0, "style_mixing": 0.9, "grow_kimg": 0.005}),
        ("stylegan2", {"r1_gamma": 1.0, "style_mixing": 0.9, "path_weight": 1.0, "path_every": 1}),
    ],
)
def test_every_system_trains_and_resumes_to_the_last_bit(family: str, train: dict) -> None:
    config = trial(
        family,
        {"batch_size": 8, "kimg": 0.048, **train},
        **({"mapping_layers": 2} if "style" in family else {}),
    )
    config = config.model_copy(update={"evaluate": EvaluateConfig(every=0.024, unit="kimg", n_fake=60)})
    whole = fitted(config)
    first = next(whole)
    state = whole.state()
    last = next(whole)
    again = next(fitted(config, resume=state))
    assert first.score is not None
    assert again.score is not None
    assert last.score == again.score
    np.testing.assert_array_equal(last.grid.pictures, again.grid.pictures)
    assert last.grid.rows == ("dark", "light") * 4
    assert (last.last, again.score.class_kid) == (True, last.score.class_kid)


def test_real_and_generated_pictures_share_their_classes() -> None:
    config = trial()
    step = FAMILIES["dcgan"].load_step()(config.data, config.model, config.train, 0, CPU, 2)
    seen: list[torch.Tensor] = []
    step.discriminator.register_forward_hook(lambda _, inputs, out: seen.append(inputs[1]))
    given: list[torch.Tensor] = []
    step.generator.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0][:, -1]))
    classes = torch.arange(16) % 2

    def batches() -> Iterator[Labelled]:
        while True:
            yield Labelled(torch.zeros(16, 3, 32, 32, dtype=torch.uint8), classes)

    step.schedule(1.0)
    step(batches())
    assert len(seen) == 3
    assert all(torch.equal(one, classes) for one in (*seen, given[0].long()))


def test_unlabelled_training_is_what_it_was() -> None:
    config = trial().model_copy(update={"data": DataConfig(size=32)})
    pictures, _ = discs(96)
    fit = Fit(config, pictures, Evaluator(pictures, "discs", config.evaluate))
    evaluation = next(fit)
    assert evaluation.grid.rows == ()
    assert evaluation.score is not None
    assert evaluation.score.class_kid is None


def test_labels_that_do_not_fit_are_refused() -> None:
    pictures, classes = discs(96)
    config = trial()
    evaluator = Evaluator(pictures, "discs", config.evaluate)
    with pytest.raises(RequestError, match="classes of 90 pictures for 96"):
        Fit(config, pictures, evaluator, classes=Classes(classes.names, classes.of[:90]))
    with pytest.raises(ValueError, match="labels mean nothing to the family cartoongan"):
        config.model_validate(
            dict(config)
            | {
                "model": ModelConfig(family="cartoongan"),
                "photos": PhotosConfig(source="avatars", style="micah"),
            }
        )


def test_two_classes_come_out_right() -> None:
    train = {"kimg": 6.4, "batch_size": 32, "lr_g": 2e-3, "lr_d": 1e-3, "ema_kimg": 0.5, "loss": "hinge"}
    config = trial(train=train, d_norm="spectral", width=8)
    config = config.model_copy(update={"evaluate": EvaluateConfig(every=6.4, unit="kimg", n_fake=60)})
    fit = fitted(config)
    (evaluation,) = fit
    middles = torch.from_numpy(evaluation.grid.pictures).float()[:, 14:18, 14:18].mean((1, 2, 3))
    by_row = middles.unflatten(0, (-1, 8)).mean(1).reshape(-1, 2)
    assert evaluation.grid.rows[:2] == ("dark", "light")
    assert (by_row[:, 0] < 110).all()
    assert (by_row[:, 1] > 150).all()
