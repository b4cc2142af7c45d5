"""Register what a spec can name, with the properties that its keys depend on; nothing heavy is imported here.

A new family, loss, optimizer or extractor is one file and one entry below.

>>> [name for name, loss in LOSSES.items() if not loss.zero]
['wgan', 'wgan-gp', 'rpgan']
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ganlib.registry import Entry, Registry, check_name, imported

TRANSPARENT = "transparent"
"""The background of pictures that keep their alpha."""


@dataclass(frozen=True)
class LossEntry(Entry):
    """A loss, a subclass of `ganlib.losses.Loss`, and what of the other keys goes with it.

    Attributes:
        labels: What it compares the discriminator's outputs with: any ``numbers``, ``probabilities`` (0 to 1), or
            None for a loss without labels, to which the keys that change labels mean nothing.
        zero: Whether its outputs have a zero, or another fixed point, above which a picture is taken for real.
        paired: Whether it compares real with generated pictures one by one, so that neither has a half of its own.
        clips_weights: Whether it limits the discriminator's weights to ``train.clip``.
        penalises_each: Whether its penalty is of each picture by itself, so that the discriminator must not mix
            those of a batch.
    """

    labels: Literal["numbers", "probabilities"] | None = None
    zero: bool = True
    paired: bool = False
    clips_weights: bool = False
    penalises_each: bool = False


@dataclass(frozen=True)
class FamilyEntry(Entry):
    """A family of networks, a `ganlib.models.family.Family`, how it is trained, and what it can be.

    Attributes:
        step: What trains it, as ``"module:attribute"``: `ganlib.steps.adversarial.AdversarialStep` or a subclass.
        variants: Choices of ``model.variant``.
        sizes: Sides of the pictures that it can make, in pixels.
        styles: Whether its generator maps latents to styles (`ganlib.models.styles.generator.StyleGenerator`).
        conditional: Whether its networks can be told the classes of pictures (``data.labels``).
        translates: Whether its generator is given pictures of another domain, the photographs, and not latents.
        returns: Whether it also learns the way back, from drawings to photographs.
        edges: Whether it also trains on drawings with blurred edges (`ganlib.domains.edges`).
        scales_weights: Whether weights are scaled where they are used (equalised learning rate, spectral
            normalisation), so that clipping them limits nothing.
        options: Keys of ``model`` and ``train`` that only some families take, and this one does.
    """

    step: str = "ganlib.steps.adversarial:AdversarialStep"
    variants: tuple[str, ...] = ("simple",)
    sizes: tuple[int, ...] = (28, 32, 64, 128)
    styles: bool = False
    conditional: bool = False
    translates: bool = False
    returns: bool = False
    edges: bool = False
    scales_weights: bool = False
    options: tuple[str, ...] = ()

    def load_step(self) -> type:
        """Import the class that trains the family."""
        step: type = imported(self.step)
        return step


@dataclass(frozen=True)
class OptimizerEntry(Entry):
    """An optimizer, a function in `ganlib.steps.optimizers`.

    Attributes:
        numbers: Keys of ``train`` that it takes beside the learning rate and ``weight_decay``.
    """

    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExtractorEntry(Entry):
    """A feature extractor, a function of a weights file and a device to `ganlib.metrics.extractors.base.Extractor`.

    Attributes:
        weights: Where they come from without ``evaluate.weights``: they are ``installed``, ``downloaded`` once, or
            always ``given``.
        download_mb: How much is downloaded once, in megabytes (10^6 bytes).
    """

    weights: Literal["installed", "downloaded", "given"] = "given"
    download_mb: int = 0


Extent = Literal["brief", "usual", "full"]
"""How much is measured: FID, KID and the Vendi score; MMD and MIND too; what costs more, too."""


@dataclass(frozen=True)
class Metric:
    """A distance between generated and real pictures by which trials can be ranked; less is better.

    Attributes:
        label: What people call it.
        error: The field of `ganlib.metrics.Score` that has its standard error; None for a metric without one.
        falls: Whether it falls as the number of pictures grows, so that only values of equal numbers compare.
        extent: The least of a measurement that has it: evaluations measure no more than trials are ranked by.
        published: What it is called on the features of one extractor, by the full name of that.
    """

    label: str
    error: str | None = None
    falls: bool = False
    extent: Extent = "brief"
    published: Mapping[str, str] = field(default_factory=dict)

    def name(self, extractor: str = "") -> str:
        """Name it as measured with an extractor; without one, as all are called."""
        return self.published.get(extractor, self.label)


METRICS = {
    "kid": Metric("KID", error="kid_se"),
    "fid": Metric("FID", falls=True, published={"dinov2@dgm-eval": "FD-DINOv2"}),
    "mmd": Metric("MMD", error="mmd_se", extent="usual", published={"clip@cmmd": "CMMD"}),
    "mind": Metric("MIND", falls=True, extent="usual"),
}
"""The metrics by the names of their fields in `ganlib.metrics.Score`, which are columns of the records."""
MEASURED = (*METRICS, *(metric.error for metric in METRICS.values() if metric.error))
"""The names of all metrics and of their standard errors."""


@dataclass(frozen=True)
class ContentEntry(Entry):
    """A network whose feature maps are compared, a function in `ganlib.perceptual.content`.

    Attributes:
        layers: The names of the layers whose maps it gives, from the pictures on.
        layer: The one that is taken where a spec names none.
        download_mb: How much is downloaded once, in megabytes (10^6 bytes); 0 where the weights are installed.
    """

    layers: tuple[str, ...] = ()
    layer: str = ""
    download_mb: int = 0

    def check_layer(self, name: str | None) -> str:
        """Return the name of a layer of the network, or of the default one for None.

        Raises:
            UnknownNameError: listing the layers and the nearest one.
        """
        return self.layer if name is None else check_name("layer", name, self.layers)


_TRANSLATORS = ("blocks", "upsample", "init_gain", "adversarial_weight")
"""Options of all families that translate pictures."""
FAMILIES = Registry(
    "model family",
    {
        "dcgan": FamilyEntry(
            "ganlib.models.dcgan:DCGAN",
            conditional=True,
            variants=("simple", "extended", "buffed", "extra"),
            options=("latent_dim", "d_norm", "d_dropout"),
        ),
        "stylegan": FamilyEntry(
            "ganlib.models.styles.stylegan:STYLEGAN",
            conditional=True,
            step="ganlib.steps.styles:GrowingStep",
            sizes=(32, 64, 128),
            styles=True,
            scales_weights=True,
            options=("latent_dim", "mapping_layers", "style_mixing", "grow_kimg", "fade_kimg"),
        ),
        "stylegan2": FamilyEntry(
            "ganlib.models.styles.stylegan2:STYLEGAN2",
            conditional=True,
            step="ganlib.steps.styles:PathLengthStep",
            variants=("simple", "large"),
            sizes=(32, 64, 128),
            styles=True,
            scales_weights=True,
            options=("latent_dim", "mapping_layers", "style_mixing", "path_weight", "path_every"),
        ),
        "r3gan": FamilyEntry(
            "ganlib.models.residual.r3gan:R3GAN",
            conditional=True,
            variants=("simple", "paper"),
            sizes=(32, 64, 128),
            options=("latent_dim",),
        ),
        "sngan": FamilyEntry(
            "ganlib.models.residual.sngan:SNGAN",
            conditional=True,
            sizes=(32, 64),
            scales_weights=True,
            options=("latent_dim",),
        ),
        "cyclegan": FamilyEntry(
            "ganlib.models.cyclegan:CYCLEGAN",
            step="ganlib.steps.translation:CycleStep",
            sizes=(32, 64, 128, 256),
            translates=True,
            returns=True,
            options=(*_TRANSLATORS, "cycle_weight", "identity_weight", "pool"),
        ),
        "cartoongan": FamilyEntry(
            "ganlib.models.cartoongan:CARTOONGAN",
            step="ganlib.steps.translation:CartoonStep",
            sizes=(32, 64, 128, 256),
            translates=True,
            edges=True,
            options=(
                *_TRANSLATORS,
                *(
                    "content",
                    "content_layer",
                    "content_weights",
                    "content_weight",
                    "style_weight",
                    "pretrain",
                ),
                *("landmark_weight", "landmark_sigma", "grey_weight", "colour_weight"),
            ),
        ),
    },
)
LOSSES = Registry(
    "loss",
    {
        "bce": LossEntry("ganlib.losses.non_saturating:NonSaturating", labels="probabilities"),
        "lsgan": LossEntry("ganlib.losses.least_squares:LeastSquares", labels="numbers"),
        "mse": LossEntry("ganlib.losses.least_squares:MeanSquares", labels="numbers"),
        "wgan": LossEntry("ganlib.losses.wasserstein:Wasserstein", zero=False, clips_weights=True),
        "wgan-gp": LossEntry("ganlib.losses.wasserstein:WassersteinGP", zero=False, penalises_each=True),
        "hinge": LossEntry("ganlib.losses.hinge:Hinge"),
        "rpgan": LossEntry("ganlib.losses.relativistic:RelativisticPairing", zero=False, paired=True),
    },
)
OPTIMIZERS = Registry(
    "optimizer",
    {
        "adam": OptimizerEntry("ganlib.steps.optimizers:adam", numbers=("betas",)),
        "rmsprop": OptimizerEntry("ganlib.steps.optimizers:rmsprop", numbers=("alpha", "momentum")),
        "sgd": OptimizerEntry("ganlib.steps.optimizers:sgd", numbers=("momentum",)),
        "adagrad": OptimizerEntry("ganlib.steps.optimizers:adagrad"),
    },
)
_EXTRACTORS = "ganlib.metrics.extractors"
EXTRACTORS = Registry(
    "extractor",
    {
        "efficientnet_lite0": ExtractorEntry(f"{_EXTRACTORS}.efficientnet:load_64", "installed"),
        "efficientnet_lite0@64": ExtractorEntry(f"{_EXTRACTORS}.efficientnet:load_64", "installed"),
        "efficientnet_lite0@96": ExtractorEntry(f"{_EXTRACTORS}.efficientnet:load_96", "installed"),
        "efficientnet_lite0@128": ExtractorEntry(f"{_EXTRACTORS}.efficientnet:load_128", "installed"),
        "inception": ExtractorEntry(f"{_EXTRACTORS}.inception:load", "downloaded", 96),
        "inception@torch-fidelity": ExtractorEntry(
            f"{_EXTRACTORS}.inception:load_torch_fidelity", "downloaded", 96
        ),
        "inception@clean-fid": ExtractorEntry(f"{_EXTRACTORS}.inception:load_clean_fid", "downloaded", 96),
        "vgg16": ExtractorEntry(f"{_EXTRACTORS}.fidelity:load_vgg16", "downloaded", 554),
        "clip": ExtractorEntry(f"{_EXTRACTORS}.fidelity:load_clip", "downloaded", 354),
        "clip@cmmd": ExtractorEntry(f"{_EXTRACTORS}.large:load_clip_cmmd", "downloaded", 935),
        "dinov2": ExtractorEntry(f"{_EXTRACTORS}.fidelity:load_dinov2", "downloaded", 89),
        "dinov2@dgm-eval": ExtractorEntry(f"{_EXTRACTORS}.large:load_dinov2_dgm_eval", "downloaded", 1218),
        "torchscript": ExtractorEntry(f"{_EXTRACTORS}.torchscript:load", "given"),
    },
)
CONTENT_NETWORKS = Registry(
    "content network",
    {
        "efficientnet_lite0": ContentEntry(
            "ganlib.perceptual.content:efficientnet_lite0",
            layers=("stem", *(f"blocks.{block}" for block in range(16))),
            layer="blocks.2",
        ),
        "vgg19": ContentEntry(
            "ganlib.perceptual.content:vgg19",
            layers=tuple(
                f"conv{stage}_{place}"
                for stage, convolutions in enumerate((2, 2, 4, 4, 4), 1)
                for place in range(1, convolutions + 1)
            ),
            layer="conv4_4",
            download_mb=575,
        ),
    },
)
