"""The section ``train``: how a trial trains."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ganlib.config.schedules import Schedule
from ganlib.config.section import Section, default, known, meaningless
from ganlib.names import CONTENT_NETWORKS, LOSSES, OPTIMIZERS
from ganlib.registry import check_name

Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
# Named here, and not where they are used, because only then can a schedule be pickled.
MovingRate = Factor | Schedule[Share]
"""A learning rate; one that changes may begin or end at 0, where it does not stay."""
MovingFactor = Factor | Schedule[Factor]
MovingShare = Share | Schedule[Share]
MovingBeta = Beta | Schedule[Beta]
MovingWeight = NotNegative | Schedule[NotNegative]
Label = Annotated[float, Field(ge=-1, le=1)]
Policy = Literal["flip", "color", "flash"]
DiffPolicy = Literal["color", "translation", "cutout"]
LABELS = ("label_real", "label_fake", "label_g")
OF_LABELS = (*LABELS, "soft_labels", "label_flip_p")
"""Keys that mean nothing to a loss without labels."""


class TrainConfig(Section):
    """How a trial trains; the tricks are off by default."""

    loss: Annotated[str, known(LOSSES)] = "bce"
    """The adversarial loss, binary cross-entropy being Goodfellow's (2014); see [systems](#systems)."""
    lr_g: MovingRate = 2e-4
    """Learning rate of the generator."""
    lr_d: MovingRate = 2e-4
    """Learning rate of the discriminator."""
    optimizer: Annotated[str, known(OPTIMIZERS)] = "adam"
    """``adam`` takes ``betas``, ``rmsprop`` ``alpha`` and ``momentum``, ``sgd`` ``momentum``, ``adagrad`` none of
    them."""
    optimizer_d: Annotated[str, known(OPTIMIZERS)] | None = None
    """The discriminator's optimizer where it differs; null: that of the generator."""
    betas: Annotated[tuple[Beta, MovingBeta], Field(strict=False)] = (0.5, 0.999)
    """Adam's decay rates of its first and second moment (Kingma 2014; 0.5 is Radford's); the second may have a
    schedule."""
    momentum: float = Field(0.0, ge=0, lt=1)
    """Momentum of ``sgd`` and ``rmsprop`` (Sutskever 2013)."""
    alpha: float = Field(0.99, ge=0, lt=1)
    """Decay rate of RMSProp's mean of squares (Tieleman 2012)."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """L2 term in the gradients of both optimizers."""
    smoothing: MovingFactor = 1.0
    """Factor on the discriminator's loss on real pictures; not for ``rpgan``, which looks at pairs."""
    label_real: Label = 1.0
    """The discriminator's label of real pictures, such as 0.9 (Salimans 2016); only for losses with labels: ``bce``,
    ``lsgan`` and ``mse``, and from 0 on for ``bce``."""
    label_fake: Label = 0.0
    """The discriminator's label of generated pictures, such as 0.1; as ``label_real``."""
    label_g: Label = 1.0
    """The label that the generator wants for its pictures; as ``label_real``."""
    soft_labels: float = Field(0.0, ge=0, le=0.5)
    """The discriminator's labels are drawn uniformly this far around theirs (Chintala 2016); only for losses with
    labels."""
    label_flip_p: float = Field(0.0, ge=0, le=0.5)
    """Probability that the discriminator is told the other label (Chintala 2016); only for losses with labels."""
    instance_noise: float = Field(0.0, ge=0, le=2)
    """Standard deviation of the noise on all pictures that the discriminator sees, which lie in [-1, 1]; it fades
    linearly to 0 at the end of the budget (Sonderby 2016)."""
    augment_p: MovingShare = 0.0
    """Probability that a real picture is changed as ``augment`` says."""
    augment: Annotated[tuple[Policy, ...], Field(strict=False, min_length=1)] = ("flip",)
    """Changes of real pictures: mirrored (``flip``), colours jittered (``color``), brightness boosted (``flash``); see
    [what leaks](#what-leaks)."""
    equalize_p: float = Field(0.0, ge=0, le=1)
    """Probability that a real picture's histogram is equalised."""
    diffaugment: Annotated[tuple[DiffPolicy, ...], Field(strict=False)] = ()
    """DiffAugment (Zhao 2020): differentiable changes of real and generated pictures."""
    ada_target: float = Field(0.0, ge=0, lt=1)
    """Adaptive augmentation (Karras 2020) that holds the mean sign of the discriminator's outputs on real pictures at
    this value, 0.6 in the paper; 0 is off. Not for losses whose outputs have no zero (``wgan``, ``wgan-gp``,
    ``rpgan``)."""
    ada_kimg: float = Field(500.0, gt=0)
    """Thousands of real pictures in which the probability of ADA can go from 0 to 1."""
    milestones: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] = ()
    """Epochs at each of which both learning rates are multiplied by ``gamma``."""
    gamma: float = Field(1.0, gt=0, le=1)
    """Factor on both learning rates at each of the ``milestones``."""
    decay_from: float | None = Field(None, ge=0, lt=1)
    """Share of the budget from which both learning rates fall linearly, to 0 at its end (Zhu 2017: 0.5); null: they do
    not."""
    batch_size: int = Field(64, ge=1, le=8192)
    """Pictures in a batch."""
    d_steps: int | None = Field(None, ge=1, le=100)
    """Steps of the discriminator for one of the generator; null: 1, or 5 for critics (Arjovsky 2017)."""
    critic_steps: int | None = Field(None, ge=1, le=100)
    """``d_steps`` by its Wasserstein name."""
    clip: float = Field(0.01, gt=0)
    """Bound of the weights of a ``wgan`` critic (Arjovsky 2017)."""
    gp_weight: float = Field(10.0, ge=0)
    """Weight of the gradient penalty of a ``wgan-gp`` critic (Gulrajani 2017)."""
    gp_every: int = Field(1, ge=1, le=1000)
    """Steps of the discriminator from one gradient penalty (of ``wgan-gp``, or ``dragan_weight``) to the next, which is
    as many times as strong; see [penalties](#penalties)."""
    dragan_weight: float = Field(0.0, ge=0)
    """Weight of the gradient penalty around real pictures (DRAGAN, Kodali 2017; 10 in the paper), with any loss; 0 is
    off."""
    r1_gamma: MovingWeight = 0.0
    """Weight of the R1 penalty on real pictures, gamma / 2 times the squared gradient (Mescheder 2018); 0 is off."""
    r1_every: int = Field(1, ge=1, le=1000)
    """Steps of the discriminator from one R1 penalty to the next, which is as many times as strong (Karras 2020)."""
    r2_gamma: MovingWeight = 0.0
    """Weight of the R2 penalty, R1 on generated pictures (Mescheder 2018; Huang 2024: both, with ``rpgan``); 0 is
    off."""
    r2_every: int = Field(1, ge=1, le=1000)
    """Steps of the discriminator from one R2 penalty to the next, as ``r1_every``."""
    style_mixing: float = Field(0.0, ge=0, le=1)
    """Probability that a picture is trained with the styles of two latents (StyleGANs; 0.9 in the papers)."""
    grow_kimg: float = Field(0.0, ge=0)
    """StyleGAN begins at 4 px, and each size trains for so many kimg before the next is faded in (Karras 2017); 0:
    full size from the start. Until full size is reached small pictures are measured, enlarged: 64 px takes 4 times
    ``grow_kimg`` and ``fade_kimg`` together."""
    fade_kimg: float | None = Field(None, ge=0)
    """Kimg over which the next size is faded in; null: ``grow_kimg``."""
    path_weight: float = Field(0.0, ge=0)
    """Weight of StyleGAN2's path length regularisation (Karras 2020; 2 in the paper); 0 is off."""
    path_every: int = Field(4, ge=1, le=1000)
    """Steps of the generator from one path length penalty to the next, which is as many times as strong."""
    adversarial_weight: float = Field(1.0, ge=0)
    """Weight of the adversarial loss in that of a translator's generators."""
    cycle_weight: float = Field(10.0, ge=0)
    """Weight of a CycleGAN's L1 distance of a picture from itself after both generators (Zhu 2017)."""
    identity_weight: float = Field(5.0, ge=0)
    """Weight of a CycleGAN's L1 distance of a drawing from what the generator of drawings makes of it, and so for
    photographs (Zhu 2017: half of ``cycle_weight``)."""
    pool: int = Field(50, ge=0, le=1000)
    """Generated pictures that a CycleGAN keeps, as many whole batches as that is: half of those that its discriminators
    see are older ones (Shrivastava 2017); 0 is off."""
    content: Annotated[str, known(CONTENT_NETWORKS)] = "efficientnet_lite0"
    """The network whose feature maps a CartoonGAN's ``content_weight``, ``style_weight`` and ``grey_weight`` compare:
    the one that is installed, or the paper's, which is downloaded once."""
    content_layer: str | None = None
    """Layer of that network; null: ``conv4_4`` of vgg19, as in the paper, ``blocks.2`` of efficientnet_lite0."""
    content_weights: str | None = None
    """A local weights file of ``vgg19`` in torchvision's layout; null: downloaded once."""
    content_weight: float = Field(10.0, ge=0)
    """Weight of the L1 distance between feature maps of a photograph and of the drawing made of it (Chen 2018). The
    paper's 10 is for vgg19; with efficientnet_lite0 about 0.02 does the same."""
    style_weight: float = Field(0.0, ge=0)
    """Weight of the L1 distance between Gram matrices of feature maps of drawings and of generated ones (Gatys 2016);
    0 is off."""
    pretrain: float = Field(1.0, ge=0)
    """Epochs at the beginning in which a CartoonGAN's generator learns from ``content_weight`` alone (Chen 2018)."""
    landmark_weight: float = Field(0.0, ge=0)
    """Weight of the L1 distance between a photograph and the drawing made of it around its landmarks; 0 is off."""
    landmark_sigma: float = Field(0.05, gt=0, le=1)
    """Standard deviation of the Gaussian weight around a landmark, as a share of the picture's side."""
    grey_weight: float = Field(0.0, ge=0)
    """Weight of the L1 distance between Gram matrices of grey drawings and of grey generated ones: texture without
    colour (AnimeGAN, Chen 2019); 0 is off."""
    colour_weight: float = Field(0.0, ge=0)
    """Weight of the distance of the generated picture's colours from those of the photograph, in YUV (AnimeGAN); 0 is
    off."""
    ema_kimg: MovingWeight = 10.0
    """Half-life, in kimg, of the averaged generator, which is the one that is measured and exported; never more than a
    twentieth of what was trained so far."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the networks' products: ``auto`` is bfloat16 where the hardware multiplies it, and float32
    elsewhere (GPUs before Ampere, such as V100 and T4, and most CPUs); ``fp32`` is float32 without TF32."""
    capture: Literal["auto", "off"] = "auto"
    """Whether steps are recorded as CUDA graphs and played, which spares the processor's work: ``auto`` where there is
    a GPU, as far as they can be recorded."""
    epochs: float | None = Field(None, gt=0)
    """The budget in passes over all pictures; null, with ``kimg`` null too: the end of ASHA."""
    kimg: float | None = Field(None, gt=0)
    """The budget in thousands of real pictures shown to the discriminator; in place of ``epochs``."""

    @model_validator(mode="after")
    def _one_budget(self) -> "TrainConfig":
        if self.epochs is not None and self.kimg is not None:
            raise ValueError("epochs and kimg are two names for one budget; give one of them")
        return self

    @model_validator(mode="after")
    def _rates_that_move(self) -> "TrainConfig":
        for key in ("lr_g", "lr_d"):
            value = getattr(self, key)
            if not value:
                raise ValueError(f"{key} cannot go from 0 to 0: nothing would be learned")
            if isinstance(value, Schedule) and value.until < 1 and not value.to:
                raise ValueError(
                    f"{key} cannot stay at 0, from {value.until:g} of the budget on: nothing would be learned there; "
                    "leave out until, or let it go to a rate above 0"
                )
        return self

    @model_validator(mode="after")
    def _layer_of_content(self) -> "TrainConfig":
        layers = CONTENT_NETWORKS[self.content].layers
        if self.content_layer is not None:
            check_name(f"content_layer of {self.content}", self.content_layer, layers)
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
        loss = LOSSES[self.loss]
        for key in OF_LABELS:
            if loss.labels is None and getattr(self, key) != default(TrainConfig, key):
                labelled = [name for name, other in LOSSES.items() if other.labels]
                raise ValueError(meaningless(key, self.loss, "compares with no labels", labelled))
        if loss.paired and self.smoothing != default(TrainConfig, "smoothing"):
            others = [name for name, other in LOSSES.items() if not other.paired]
            raise ValueError(
                meaningless("smoothing", self.loss, "has no half of real pictures alone", others)
            )
        if not loss.zero and self.ada_target:
            others = [name for name, other in LOSSES.items() if other.zero]
            raise ValueError(meaningless("ada_target", self.loss, "has no sign to adapt to", others))
        if loss.labels == "probabilities" and min(getattr(self, key) for key in LABELS) < 0:
            raise ValueError(
                f"label_real, label_fake and label_g must be probabilities with the loss {self.loss}"
            )
        return self
