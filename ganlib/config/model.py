"""The section ``model``: which networks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ganlib.config.section import Section, known
from ganlib.names import FAMILIES
from ganlib.registry import did_you_mean

Norm = Literal["batch", "spectral", "instance", "none"]
"""What normalises the layers of a discriminator."""


class ModelConfig(Section):
    """Which networks."""

    family: Annotated[str, known(FAMILIES)] = "dcgan"
    """The networks: DCGAN (Radford 2015), StyleGAN (Karras 2019), StyleGAN2 (Karras 2020), R3GAN (Huang 2024), SNGAN
    (Miyato 2018), and two that turn photographs into drawings: CycleGAN (Zhu 2017) and CartoonGAN (Chen 2018)."""
    variant: str = "simple"
    """Which of the family's networks; see [systems](#systems)."""
    latent_dim: int = Field(100, ge=1, le=4096)
    """Length of the latent vectors, standard normal; of a StyleGAN also the width of its styles."""
    width: int = Field(64, ge=4, le=512, multiple_of=4)
    """Scales the numbers of feature maps; 64 is each paper's."""
    d_norm: Norm | None = None
    """What normalises the DCGAN's discriminator; spectral: Miyato 2018. Null: what the loss asks for, ``batch``, or
    ``none`` for ``wgan-gp``."""
    d_dropout: float = Field(0.0, ge=0, lt=1)
    """Probability of dropout behind each activation of the DCGAN's discriminator (Srivastava 2014)."""
    mapping_layers: int = Field(8, ge=1, le=16)
    """Depth of a StyleGAN's mapping network, which is ``latent_dim`` wide."""
    blocks: int | None = Field(None, ge=1, le=32)
    """Residual blocks of a translator's generator; null: 9 of a CycleGAN (the paper's for 256 px; 6 for 128 px) and 8
    of a CartoonGAN."""
    upsample: Literal["transpose", "resize"] = "transpose"
    """How a translator's generator doubles the size: by transposed convolutions, as the papers, or by the nearest pixel
    and a convolution, which leaves no chequerboard (Odena 2016)."""
    init_gain: float = Field(0.02, gt=0, le=1)
    """Standard deviation of a translator's initial weights (Zhu 2017)."""
    init: str | None = None
    """Weights to begin with in the place of fresh ones: an export (its folder or file), ``SWEEP/TRIAL`` or ``SWEEP``,
    its winner; see [weights](#weights)."""
    freeze_d: int = Field(0, ge=0, le=64)
    """Layers of the discriminator, from the pictures on, that keep the weights of ``init`` (FreezeD, Mo 2020); see
    [weights](#weights)."""

    @model_validator(mode="after")
    def _variant_of_family(self) -> "ModelConfig":
        choices = FAMILIES[self.family].variants
        if self.variant not in choices:
            hint = did_you_mean(self.variant, choices)
            raise ValueError(
                f"unknown variant '{self.variant}' of family '{self.family}'{hint} (choices: {', '.join(choices)})"
            )
        return self

    @model_validator(mode="after")
    def _frozen_weights_are_given(self) -> "ModelConfig":
        if self.freeze_d and self.init is None:
            raise ValueError(
                "freeze_d means nothing without init, which says what weights the frozen layers keep; leave it out, or "
                "give init a sweep"
            )
        return self
