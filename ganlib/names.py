"""What a spec can name, and which options belong to it: a new family, loss or extractor is one line here."""

from ganlib.registry import Registry

TRANSPARENT = "transparent"
"""The background of pictures that keep their alpha."""

FAMILIES = Registry(
    "model family",
    {
        "dcgan": "ganlib.models.dcgan:DCGAN",
        "stylegan": "ganlib.models.stylegan:STYLEGAN",
        "stylegan2": "ganlib.models.stylegan2:STYLEGAN2",
    },
)
VARIANTS: dict[str, tuple[str, ...]] = {
    "dcgan": ("simple", "extended", "buffed", "extra"),
    "stylegan2": ("simple", "large"),
}
"""Of the families that have variants; the others have only ``simple``."""
LOSSES = Registry(
    "loss",
    {
        "bce": "ganlib.losses.non_saturating:NonSaturating",
        "lsgan": "ganlib.losses.least_squares:LeastSquares",
        "mse": "ganlib.losses.least_squares:MeanSquares",
        "wgan": "ganlib.losses.wasserstein:Wasserstein",
        "wgan-gp": "ganlib.losses.wasserstein:WassersteinGP",
        "hinge": "ganlib.losses.hinge:Hinge",
    },
)
LABELLED = ("bce", "lsgan", "mse")
"""The losses that compare with labels; the options that change labels mean nothing to the others."""
CRITICS = ("wgan", "wgan-gp")
"""The losses whose outputs have no zero, so that no sign says what is taken for real."""
STYLED = ("stylegan", "stylegan2")
"""The families with styles."""
FAMILIES_OF: dict[str, tuple[str, ...]] = {
    "d_norm": ("dcgan",),
    "d_dropout": ("dcgan",),
    "mapping_layers": STYLED,
    "style_mixing": STYLED,
    "grow_kimg": ("stylegan",),
    "fade_kimg": ("stylegan",),
    "path_weight": ("stylegan2",),
    "path_every": ("stylegan2",),
}
"""The options that only some families have."""
EXTRACTORS = Registry(
    "extractor",
    {
        "efficientnet_lite0": "ganlib.metrics.extractors.efficientnet:load_64",
        "efficientnet_lite0@64": "ganlib.metrics.extractors.efficientnet:load_64",
        "efficientnet_lite0@96": "ganlib.metrics.extractors.efficientnet:load_96",
        "efficientnet_lite0@128": "ganlib.metrics.extractors.efficientnet:load_128",
        "inception": "ganlib.metrics.extractors.inception:load",
        "inception@torch-fidelity": "ganlib.metrics.extractors.inception:load_torch_fidelity",
        "inception@clean-fid": "ganlib.metrics.extractors.inception:load_clean_fid",
        "vgg16": "ganlib.metrics.extractors.fidelity:load_vgg16",
        "clip": "ganlib.metrics.extractors.fidelity:load_clip",
        "dinov2": "ganlib.metrics.extractors.fidelity:load_dinov2",
        "torchscript": "ganlib.metrics.extractors.torchscript:load",
    },
)
