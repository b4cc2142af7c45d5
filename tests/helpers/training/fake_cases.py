"""The steps and evaluations that are tried on a made-up card."""

from dataclasses import dataclass, field
from math import lcm
from typing import Any

from ganlib.augment import ada
from ganlib.names import LOSSES, OPTIMIZERS

MEASURED = 64
"""Pictures in an evaluation, which are as many as a batch of it."""
PROGRESS = 0.25


@dataclass(frozen=True)
class Case:
    """A configuration whose steps are counted.

    Attributes:
        model: Keys of ``model``.
        train: Keys of ``train``.
        channels: Of the pictures.
        classes: How many the pictures have.
        size: Their side.
        steps: At least so many are taken after the first one.
    """

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    channels: int = 3
    classes: int = 0
    size: int = 64
    steps: int = 1

    @property
    def period(self) -> int:
        """Steps after which all terms have been due alike."""
        every = [value for key, value in self.train.items() if key.endswith("_every")]
        return lcm(*every)


def moving(start: float, to: float) -> dict[str, float]:
    """Make a schedule."""
    return {"from": start, "to": to}


SMALL = {"family": "cyclegan", "blocks": 1}
TEXTURES = {"style_weight": 1.0, "grey_weight": 1.0, "colour_weight": 1.0}
CASES: dict[str, Case] = {
    **{f"loss {name}": Case(train={"loss": name}, steps=4 if name == "bce" else 1) for name in LOSSES},
    **{f"optimizer {name}": Case(train={"optimizer": name}) for name in OPTIMIZERS if name != "adam"},
    "momentum and weight decay": Case(
        train={"optimizer": "rmsprop", "optimizer_d": "sgd", "momentum": 0.9, "weight_decay": 0.01}
    ),
    "float32": Case(train={"precision": "fp32"}),
    **{f"d_norm {norm}": Case({"d_norm": norm}) for norm in ("spectral", "instance", "none")},
    "d_dropout": Case({"d_dropout": 0.3}),
    "freeze_d": Case({"freeze_d": 2, "init": "an-export"}),
    "d_steps 2": Case(train={"d_steps": 2}),
    "labels": Case(
        train={
            **{"smoothing": 0.9, "label_real": 0.9, "label_fake": 0.1, "label_g": 0.9},
            **{"soft_labels": 0.1, "label_flip_p": 0.1},
        }
    ),
    "schedules": Case(
        train={
            **{"lr_g": moving(1e-4, 1e-5), "lr_d": moving(1e-4, 1e-5), "betas": [0.5, moving(0.9, 0.99)]},
            **{"smoothing": moving(0.9, 1.0), "augment_p": moving(0.5, 0.1), "ema_kimg": moving(1, 10)},
            "r1_gamma": moving(1.0, 0.1),
        }
    ),
    "augment": Case(train={"augment_p": 0.5, "augment": ["flip", "color", "flash"]}),
    "equalize_p": Case(train={"equalize_p": 0.5}),
    "diffaugment": Case(train={"diffaugment": ["color", "translation", "cutout"]}),
    "ada_target": Case(train={"ada_target": 0.6, "ada_kimg": 100.0}, steps=ada.INTERVAL),
    "instance_noise": Case(train={"instance_noise": 0.1}),
    "dragan_weight": Case(train={"dragan_weight": 10.0}),
    "r1_gamma, every step": Case(train={"r1_gamma": 1.0}),
    "r1_gamma, through diffaugment": Case(train={"r1_gamma": 1.0, "diffaugment": ["color", "translation"]}),
    "r1_gamma and r2_gamma, every second step": Case(
        train={"r1_gamma": 1.0, "r1_every": 2, "r2_gamma": 1.0, "r2_every": 2}
    ),
    "gp_every 2": Case(train={"loss": "wgan-gp", "gp_every": 2, "d_steps": 1}),
    "four channels, all augmentations": Case(
        train={
            **{"augment_p": 0.5, "augment": ["flip", "color"], "equalize_p": 0.5},
            **{"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6},
        },
        channels=4,
    ),
    "one channel, all augmentations": Case(
        train={"augment_p": 0.5, "augment": ["flip", "color"], "diffaugment": ["color"]}, channels=1
    ),
    **{
        f"{name} {variant}": Case({"family": name, "variant": variant})
        for name, variant in (("stylegan", "simple"), ("stylegan2", "simple"))
    },
    **{
        f"{name} {variant}, 32 px": Case({"family": name, "variant": variant}, size=32)
        for name, variant in (
            *(("dcgan", "extended"), ("dcgan", "buffed"), ("dcgan", "extra")),
            *(("stylegan2", "large"), ("r3gan", "paper")),
        )
    },
    **{
        f"{name} with classes, 32 px": Case({"family": name}, classes=3, size=32)
        for name in ("dcgan", "r3gan", "sngan")
    },
    "stylegan with classes, growing, style_mixing": Case(
        {"family": "stylegan"}, {"style_mixing": 0.9, "grow_kimg": 10.0, "fade_kimg": 5.0}, classes=3
    ),
    "stylegan2 with classes, path_weight every second step, 32 px": Case(
        {"family": "stylegan2", "mapping_layers": 2},
        {"style_mixing": 0.9, "path_weight": 2.0, "path_every": 2},
        classes=3,
        size=32,
    ),
    "r3gan simple, rpgan, r1 and r2": Case(
        {"family": "r3gan"}, {"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0}
    ),
    "cyclegan": Case({"family": "cyclegan"}),
    "cyclegan, one block, pool of 12, no identity": Case(
        SMALL, {"pool": 12, "identity_weight": 0.0}, steps=2
    ),
    "cyclegan, one block, resize, no pool": Case(
        {**SMALL, "upsample": "resize", "init_gain": 0.05}, {"pool": 0}
    ),
    "cartoongan": Case({"family": "cartoongan"}, {"pretrain": 0.0}),
    "cartoongan, pretraining": Case({"family": "cartoongan"}, {"pretrain": 1000.0}),
    "cartoongan, one block, textures, landmarks, flips": Case(
        {"family": "cartoongan", "blocks": 1},
        {**TEXTURES, "landmark_weight": 1.0, "landmark_sigma": 0.1, "pretrain": 0.0, "augment_p": 0.5},
    ),
}


@dataclass(frozen=True)
class Evaluated:
    """An evaluation that is counted.

    Attributes:
        last: Whether training ends there, so that it is by all metrics.
        model: Keys of ``model``.
        classes: Whether the pictures have some.
        channels: Of the pictures.
    """

    last: bool = False
    model: dict[str, Any] = field(default_factory=dict)
    classes: bool = False
    channels: int = 3


EVALUATIONS = {
    "at a rung": Evaluated(),
    "the last one, with all metrics": Evaluated(last=True),
    "with classes and transparency": Evaluated(classes=True, channels=4),
    "the last one, with classes": Evaluated(last=True, classes=True),
    "of a translator": Evaluated(model=SMALL),
    "the last one of a translator": Evaluated(last=True, model=SMALL),
}
