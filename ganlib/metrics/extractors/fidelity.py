"""VGG16, CLIP and DINOv2 features as torch-fidelity computes them: same layers, same resize, same scaling.

The weights are files of the networks' authors: given as a local path, or downloaded once and checked by digest.
No such file is run: state dictionaries are read as such, and of CLIP's TorchScript archive only the parameters are
used. The network of DINOv2 is code of its authors, which `torch.hub` fetches from their repository.
"""

import io
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.errors import RequestError
from ganlib.initial import initial_weights
from ganlib.metrics.extractors.base import Extractor
from ganlib.metrics.extractors.download import Published, weights_file
from ganlib.metrics.extractors.weights import file_digest, fitting, read_weights
from ganlib.names import EXTRACTORS

RESIZE = "bilinear to 224 (TensorFlow 1, torch-fidelity)"
DINOV2_REPOSITORY = "facebookresearch/dinov2"


VGG16 = Published(
    "https://download.pytorch.org/models/vgg16-397923af.pth", "397923af", EXTRACTORS["vgg16"].download_mb
)
CLIP_DIGEST = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CLIP = Published(
    f"https://openaipublic.azureedge.net/clip/models/{CLIP_DIGEST}/ViT-B-32.pt",
    CLIP_DIGEST,
    EXTRACTORS["clip"].download_mb,
)
DINOV2 = Published(
    "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
    "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
    EXTRACTORS["dinov2"].download_mb,
)


def load_vgg16(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load VGG16's second fully connected layer (Simonyan and Zisserman 2015), 4096 features after their ReLU.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    path = weights_file(weights, VGG16)
    loaded = read_weights(path)
    with initial_weights(), fitting(str(path)):
        network = FeatureExtractorVGG16(
            "vgg16", ["fc2_relu"], feature_extractor_weights_path=_copy(loaded.state)
        )
    return _extractor("vgg16", loaded.digest, 4096, network, device)


def load_clip(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the picture side of CLIP ViT-B/32 (Radford et al. 2021), 512 features.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    network, digest = clip_network("clip-vit-b-32", weights, CLIP)
    return _extractor("clip", digest, network.model.visual.proj.shape[1], network, device)


def clip_network(name: str, weights: str | None, published: Published) -> tuple[Any, str]:
    """Load torch-fidelity's network of that name from a file of CLIP's authors, and the file's SHA-256 (hex).

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    path = weights_file(weights, published)
    digest = file_digest(path)
    with initial_weights(), fitting(str(path)):
        try:
            network = FeatureExtractorCLIP(
                name, ["clip"], feature_extractor_weights_path=io.BytesIO(path.read_bytes())
            )
        except (KeyError, ValueError) as error:
            raise RequestError(
                f"the weights in '{path}' are not those of CLIP ({type(error).__name__}: {error}); give the authors' "
                f"file {published.url.rsplit('/', 1)[1]}"
            ) from None
    return network, digest


def load_dinov2(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load DINOv2 ViT-S/14 (Oquab et al. 2023), 384 features.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded, or if the
            authors' code is neither in torch.hub's folder nor can be downloaded.
    """
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    model, digest = dinov2_network("dinov2_vits14", weights, DINOV2)
    # torch-fidelity's constructor takes no weights file for this network: its parts are put together here.
    network = FeatureExtractorDinoV2.__new__(FeatureExtractorDinoV2)
    FeatureExtractorBase.__init__(network, "dinov2-vit-s-14", ["dinov2"])
    network.feature_extractor_internal_dtype, network.model = torch.float32, model
    return _extractor("dinov2", digest, 384, network, device)


def dinov2_network(name: str, weights: str | None, published: Published) -> tuple[nn.Module, str]:
    """Load a network of DINOv2 by its name in the authors' code, and the SHA-256 (hex) of its weights file.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded, or if the
            authors' code is neither in torch.hub's folder nor can be downloaded.
    """
    path = weights_file(weights, published)
    loaded = read_weights(path)
    with initial_weights(), fitting(str(path)):
        try:
            network: nn.Module = torch.hub.load(
                DINOV2_REPOSITORY, name, pretrained=False, trust_repo=True, verbose=False
            )
        except (OSError, ImportError, RuntimeError) as error:
            raise RequestError(
                f"the code of DINOv2 is not in '{torch.hub.get_dir()}' and could not be fetched ({error}); run "
                f"torch.hub.load('{DINOV2_REPOSITORY}', '{name}', pretrained=False) where there is a network"
            ) from None
        network.load_state_dict(loaded.state)
    return network.float().eval(), loaded.digest


class First(nn.Module):
    """The one tensor of a network that returns a tuple of them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract features, float32 (n, d), of uint8 pictures (n, 3, h, w)."""
        features: Tensor = self.network(pictures)[0]
        return features


def _extractor(name: str, digest: str, dim: int, network: Any, device: torch.device | str) -> Extractor:  # noqa: ANN401
    network.requires_grad_(False).eval()
    return Extractor(name, digest, dim, First(network).to(device), RESIZE)


def _copy(state: dict[str, Tensor]) -> io.BytesIO:
    """Copy what the restricted unpickler has accepted, for a constructor that uses an unrestricted one."""
    content = io.BytesIO()
    torch.save(state, content)
    content.seek(0)
    return content
