"""Load content networks: fixed networks that turn pictures into the feature maps of one of their layers.

Where extractors measure (`ganlib.metrics.extractors`), content networks train: a gradient flows from the maps back to
the pictures, which stay at their own size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlib.metrics.extractors.download import Published, weights_file
from ganlib.metrics.extractors.efficientnet import load_network
from ganlib.metrics.extractors.weights import fitting, read_weights
from ganlib.names import CONTENT_NETWORKS

VGG19 = Published(
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "dcbb9e9d",
    CONTENT_NETWORKS["vgg19"].download_mb,
)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], red, green and blue, with which torchvision's weights were trained."""


class ContentNetwork(nn.Module):
    """A frozen network from pictures to feature maps.

    Its weights get no gradient, and nothing of it changes in training: it is in evaluation mode for good.

    Args:
        name: A name in `ganlib.names.CONTENT_NETWORKS`.
        layer: Whose maps it gives.
        digest: SHA-256 (hex) of the weights file.
        layers: Everything up to that layer.
        mean: Of each channel, subtracted from pictures in [-1, 1].
        std: Of each channel, the divisor of what is left.

    Attributes:
        name: As given.
        layer: As given.
        digest: As given.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        layer: str,
        digest: str,
        layers: nn.Sequential,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.name, self.layer, self.digest = name, layer, digest
        self.layers = layers
        for key, values in (("mean", mean), ("std", std)):
            self.register_buffer(
                key, torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1), persistent=False
            )
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "ContentNetwork":
        """Stay in evaluation mode, whatever module holds the network."""
        return super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the maps, float32 (n, c, h', w'), of pictures (n, 3, h, w) in [-1, 1], of any floating-point type.

        Products are of float32 also where training computes in bfloat16, and can be differentiated with respect to the
        pictures.
        """
        with torch.autocast(pictures.device.type, enabled=False):
            x = (pictures.to(self.mean.dtype) - self.mean) / self.std
            maps: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
            return maps


def load_content(
    name: str,
    layer: str | None = None,
    weights: str | None = None,
    device: torch.device | str = "cpu",
) -> ContentNetwork:
    """Load a content network by name; the random state is left as it was found.

    Args:
        name: A name in `ganlib.names.CONTENT_NETWORKS`.
        layer: One of the layers of its entry; None: the entry's default.
        weights: A local weights file of the network's layout. Default: the one that is installed, or downloaded once.
        device: Where it shall run.

    Raises:
        UnknownNameError: if there is no network of that name, or it has no such layer.
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.

    Example:
        >>> load_content("efficientnet_lite0", "stem")(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 32, 32, 32])
    """
    entry = CONTENT_NETWORKS[name]
    network: ContentNetwork = entry.load()(entry.check_layer(layer), weights)
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def efficientnet_lite0(layer: str, weights: str | None = None) -> ContentNetwork:
    """Load EfficientNet-Lite0 (Tan and Le 2019) up to a layer.

    Maps of the stem come after its activation, those of a block without one. Sides of 32, 16, 8, 4 and 2 pixels are
    reached, of 64, at ``stem``, ``blocks.1``, ``blocks.3``, ``blocks.5`` and ``blocks.11``.

    ``blocks.2`` was chosen on faces of 64 px. There a shift by two pixels moves its maps 1.5 times as far as changes of
    tint, brightness and texture do on average, which pixels (0.7), the stem (1.1) and ``blocks.4`` (1.1) tell apart
    less; pictures that were made to have its maps keep all lines, and not the levels of flat areas.

    Raises:
        RequestError: if the weights file cannot be read or is of another layout.
    """
    network, digest = load_network(64, weights=weights)
    # Levels 0 to 255 are scaled as (level - 127) / 128.
    mean, std = [(127 - 127.5) / 127.5] * 3, [128 / 127.5] * 3
    return ContentNetwork("efficientnet_lite0", layer, digest, _up_to(layer, network.stages()), mean, std)


def vgg19(layer: str, weights: str | None = None) -> ContentNetwork:
    """Load VGG19 (Simonyan and Zisserman 2015, arXiv:1409.1556) up to a convolution, before its activation.

    ``conv4_4``, the last one before the fourth halving, is the layer of CartoonGAN (Chen et al. 2018, section 3.2.2);
    its maps have an eighth of the pictures' side.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    import torchvision

    path = weights_file(weights, VGG19, "train.content_weights", "train.content")
    loaded = read_weights(path)
    with torch.device("meta"):
        features: nn.Sequential = torchvision.models.vgg19(init_weights=False).features
    state = {
        name.removeprefix("features."): value
        for name, value in loaded.state.items()
        if name.startswith("features.")
    }
    with fitting(str(path)):
        features.load_state_dict(state, assign=True)
    layers = _up_to(layer, _by_convolution(features)).float()
    mean, std = [2 * value - 1 for value in IMAGENET_MEAN], [2 * value for value in IMAGENET_STD]
    return ContentNetwork("vgg19", layer, loaded.digest, layers, mean, std)


def _by_convolution(features: nn.Sequential) -> dict[str, nn.Module]:
    """Cut VGG's layers after each convolution, under the convolutions' names; what follows the last one is left out."""
    names = iter(CONTENT_NETWORKS["vgg19"].layers)
    parts: dict[str, nn.Module] = {}
    part: list[nn.Module] = []
    for module in features:
        part.append(module)
        if isinstance(module, nn.Conv2d):
            parts[next(names)] = nn.Sequential(*part)
            part = []
    return parts


def _up_to(layer: str, parts: dict[str, nn.Module]) -> nn.Sequential:
    names = list(parts)
    return nn.Sequential(*(parts[name] for name in names[: names.index(layer) + 1]))
