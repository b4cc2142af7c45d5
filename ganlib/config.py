"""What can be configured, as typed and validated objects. Nothing heavy is imported here.

Each class is one section of a spec with plain values in it. They are built once, at the edge; everything
inside takes them, or plain arguments, and does not validate again.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ganlib.names import (
    CRITICS,
    EXTRACTORS,
    FAMILIES,
    FAMILIES_OF,
    LABELLED,
    LOSSES,
    STYLED,
    TRANSPARENT,
    VARIANTS,
)
from ganlib.registry import Registry, UnknownNameError, did_you_mean

AVATARS = "avatars"
"""The source that is not a folder; a folder of this name is written ``./avatars``."""
AVATAR_COUNT = 20_000
"""How many avatars are drawn by default."""

Unit = Literal["epochs", "kimg"]
Resize = Literal["antialias", "nearest"]
Optimizer = Literal["adam", "rmsprop", "sgd", "adagrad"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Label = Annotated[float, Field(ge=-1, le=1)]
Policy = Literal["flip", "color", "flash"]
DiffPolicy = Literal["color", "translation", "cutout"]


def _known(registry: Registry) -> AfterValidator:
    def check(name: str) -> str:
        try:
            return registry.check(name)
        except UnknownNameError as error:
            raise ValueError(str(error)) from None

    return AfterValidator(check)


class Section(BaseModel):
    """Base of all sections: frozen, finite numbers only, unknown keys are errors, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class DataConfig(Section):
    """Which pictures, and how they are prepared.

    ``style`` is for avatars only. ``count`` is how many of them are drawn (20 000 by default); where all sources are
    folders it is how many of their files are taken, chosen by ``seed`` (by default all of them). ``resize: nearest``
    is for pixel art, ``background: transparent`` keeps alpha; see docs/sprites.md.
    """

    source: str | list[str] = "avatars"
    style: str = "adventurer"
    count: int | None = Field(None, ge=1, le=1_000_000)
    seed: int = Field(0, ge=0, lt=2**32)
    size: Literal[28, 32, 64, 128] = 64
    resize: Resize = "antialias"
    background: str = "white"
    max_skipped: float = Field(0.05, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _count_of_avatars(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was given
        if not isinstance(data, dict) or data.get("count") is not None:
            return data
        source = data.get("source", AVATARS)
        drawn = source == AVATARS or (isinstance(source, list) and AVATARS in source)
        return {**data, "count": AVATAR_COUNT} if drawn else data

    @property
    def channels(self) -> Literal[3, 4]:
        """Of the pictures: RGB, or RGBA where the background is to stay transparent."""
        return 4 if self.background.lower() == TRANSPARENT else 3

    @property
    def prepared(self) -> str:
        """In words, how pictures are prepared, where it is not as usual; else empty."""
        words = ["by nearest neighbour"] if self.resize == "nearest" else []
        return ", ".join(words + (["with transparency"] if self.channels == 4 else []))


class ModelConfig(Section):
    """Which networks. ``width`` is the number of filters of the widest-image layer (DCGAN's 64).

    ``d_norm`` (null: what the loss asks for) and ``d_dropout`` are of the DCGAN's discriminator; ``mapping_layers`` is
    the depth of a StyleGAN's mapping network, and ``width`` 64 its papers' numbers of feature maps.
    """

    family: Annotated[str, _known(FAMILIES)] = "dcgan"
    variant: str = "simple"
    latent_dim: int = Field(100, ge=1, le=4096)
    width: int = Field(64, ge=4, le=512, multiple_of=4)
    d_norm: Literal["batch", "spectral", "instance", "none"] | None = None
    d_dropout: float = Field(0.0, ge=0, lt=1)
    mapping_layers: int = Field(8, ge=1, le=16)

    @model_validator(mode="after")
    def _variant_of_family(self) -> "ModelConfig":
        choices = VARIANTS.get(self.family, ("simple",))
        if self.variant not in choices:
            hint = did_you_mean(self.variant, list(choices))
            raise ValueError(
                f"unknown variant '{self.variant}' of family '{self.family}'{hint} (choices: {', '.join(choices)})"
            )
        return self


class TrainConfig(Section):
    """How a trial trains; the tricks are off by default. docs/systems.md says what each key does.

    ``epochs`` or ``kimg`` is the whole budget; ``milestones`` count epochs.
    """

    loss: Annotated[str, _known(LOSSES)] = "bce"
    lr_g: float = Field(2e-4, gt=0, le=1)
    lr_d: float = Field(2e-4, gt=0, le=1)
    optimizer: Optimizer = "adam"
    optimizer_d: Optimizer | None = None
    betas: Annotated[tuple[Beta, Beta], Field(strict=False)] = (0.5, 0.999)
    momentum: float = Field(0.0, ge=0, lt=1)
    alpha: float = Field(0.99, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, le=1)
    smoothing: float = Field(1.0, gt=0, le=1)
    label_real: Label = 1.0
    label_fake: Label = 0.0
    label_g: Label = 1.0
    soft_labels: float = Field(0.0, ge=0, le=0.5)
    label_flip_p: float = Field(0.0, ge=0, le=0.5)
    instance_noise: float = Field(0.0, ge=0, le=2)
    augment_p: float = Field(0.0, ge=0, le=1)
    augment: Annotated[tuple[Policy, ...], Field(strict=False, min_length=1)] = ("flip",)
    equalize_p: float = Field(0.0, ge=0, le=1)
    diffaugment: Annotated[tuple[DiffPolicy, ...], Field(strict=False)] = ()
    ada_target: float = Field(0.0, ge=0, lt=1)
    ada_kimg: float = Field(500.0, gt=0)
    milestones: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] = ()
    gamma: float = Field(1.0, gt=0, le=1)
    batch_size: int = Field(64, ge=2, le=8192)
    d_steps: int | None = Field(None, ge=1, le=100)
    critic_steps: int | None = Field(None, ge=1, le=100)
    clip: float = Field(0.01, gt=0)
    gp_weight: float = Field(10.0, ge=0)
    r1_gamma: float = Field(0.0, ge=0)
    r1_every: int = Field(1, ge=1, le=1000)
    style_mixing: float = Field(0.0, ge=0, le=1)
    grow_kimg: float = Field(0.0, ge=0)
    fade_kimg: float | None = Field(None, ge=0)
    path_weight: float = Field(0.0, ge=0)
    path_every: int = Field(4, ge=1, le=1000)
    ema_kimg: float = Field(10.0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    epochs: float | None = Field(None, gt=0)
    kimg: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_budget(self) -> "TrainConfig":
        if self.epochs is not None and self.kimg is not None:
            raise ValueError("epochs and kimg are two names for one budget; give one of them")
        return self

    @model_validator(mode="after")
    def _one_number_of_steps(self) -> "TrainConfig":
        if self.d_steps is not None and self.critic_steps is not None:
            raise ValueError("d_steps and critic_steps are two names for one number; give one of them")
        return self

    @model_validator(mode="after")
    def _fading_without_growing(self) -> "TrainConfig":
        if self.fade_kimg is not None and not self.grow_kimg:
            raise ValueError(
                "fade_kimg means nothing without grow_kimg, for how many kimg each size trains before the next is "
                "faded in; 0 trains at full size from the start"
            )
        return self

    @model_validator(mode="after")
    def _tricks_of_loss(self) -> "TrainConfig":
        for name in ("label_real", "label_fake", "label_g", "soft_labels", "label_flip_p"):
            if self.loss not in LABELLED and getattr(self, name) != _default(TrainConfig, name):
                raise ValueError(_meaningless(name, self.loss, "compares with no labels", LABELLED))
        if self.loss in CRITICS and self.ada_target:
            others = [name for name in LOSSES if name not in CRITICS]
            raise ValueError(_meaningless("ada_target", self.loss, "has no sign to adapt to", others))
        if self.loss == "bce" and min(self.label_real, self.label_fake, self.label_g) < 0:
            raise ValueError("label_real, label_fake and label_g must be probabilities with the loss bce")
        return self


def _default(section: type[Section], name: str) -> object:
    return section.model_fields[name].default


def _meaningless(name: str, value: str, why: str, others: Iterable[str]) -> str:
    """The name stands alone among keys, so that a spec's reader shows the problem there."""
    listed = ", ".join(others)
    return f"{name} means nothing with {value}, which {why}; leave it out, or search it only when: {listed}"


class EvaluateConfig(Section):
    """How a generator is measured. ``weights`` is a local file for extractors that do not ship theirs.

    A trial starts with ``n_first`` generated pictures an evaluation and ends with ``n_fake``; see
    `ganlib.training.ladder`.
    ``n_real`` real ones are compared with, or as many as there are; by default at least 2048, and where possible as
    many are left as the floor needs. KID's subsets have ``kid_subset_size`` pictures, by default 1000, but never more
    than half of the smaller set.
    """

    extractor: Annotated[str, _known(EXTRACTORS)] = "efficientnet_lite0"
    weights: str | None = None
    every: float = Field(2.0, gt=0)
    unit: Unit = "epochs"
    n_fake: int = Field(2048, ge=2, le=1_000_000)
    n_first: int = Field(256, ge=2, le=1_000_000)
    n_real: int | None = Field(None, ge=2)
    kid_subsets: int = Field(100, ge=1, le=10_000)
    kid_subset_size: int | None = Field(None, ge=2)
    batch_size: int = Field(64, ge=1, le=8192)


class CollapseConfig(Section):
    """When a run is called dead; see `ganlib.training.collapse` for what each number is compared with.

    With ``policy: rollback`` it goes on from its last healthy checkpoint, ``max_rollbacks`` times, with fresh
    noise and both learning rates multiplied by ``lr_factor``.
    """

    enabled: bool = True
    policy: Literal["stop", "rollback"] = "stop"
    lr_factor: float = Field(0.5, gt=0, le=1)
    max_rollbacks: int = Field(1, ge=1, le=100)
    patience: int = Field(2, ge=1)
    warmup_steps: int = Field(200, ge=0)
    saturated_score: float = Field(0.995, gt=0.5, lt=1)
    similarity: float = Field(0.75, gt=0, le=1)
    variety: float = Field(0.05, ge=0, lt=1)
    flat_std: float = Field(0.05, ge=0, lt=1)
    blowup: float = Field(5.0, gt=1)


class TrialConfig(Section):
    """One concrete configuration: everything a trial's training depends on, beside its seed.

    ``ladder`` follows from the sweep's rungs: up to the evaluation that reaches so many kimg, so many pictures are
    generated for each; ``evaluate.n_fake`` afterwards, and at the end.
    """

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    evaluate: EvaluateConfig
    collapse: CollapseConfig
    ladder: Annotated[
        tuple[Annotated[tuple[float, Annotated[int, Field(ge=2)]], Field(strict=False)], ...],
        Field(strict=False),
    ] = ()

    @model_validator(mode="after")
    def _options_of_family(self) -> "TrialConfig":
        family = self.model.family
        for section in (self.model, self.train):
            changed = {name for name in type(section).model_fields if name in FAMILIES_OF}
            changed = {name for name in changed if getattr(section, name) != _default(type(section), name)}
            for name in sorted(changed):
                if family not in FAMILIES_OF[name]:
                    why = "has no such option"
                    raise ValueError(_meaningless(name, family, why, FAMILIES_OF[name]))
        return self

    @model_validator(mode="after")
    def _limits_of_styles(self) -> "TrialConfig":
        if self.model.family not in STYLED:
            return self
        if self.data.size == 28:
            raise ValueError(f"the family {self.model.family} makes pictures of 32, 64 or 128 pixels, not 28")
        if self.train.loss == "wgan":
            raise ValueError(
                f"the loss wgan cannot train the family {self.model.family}: its weights are scaled when they are "
                "used (equalised learning rate), so clipping them limits nothing; use wgan-gp, or bce with r1_gamma"
            )
        return self

    @model_validator(mode="after")
    def _penalty_without_batches(self) -> "TrialConfig":
        if self.train.loss == "wgan-gp" and self.model.d_norm == "batch":
            raise ValueError(
                "d_norm cannot be batch with the loss wgan-gp: its penalty is of each picture by itself; use "
                "instance, spectral or none"
            )
        return self
