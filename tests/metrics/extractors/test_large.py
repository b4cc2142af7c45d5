"""The networks of CMMD and FD-DINOv2: pictures prepared as their authors do, on files of the networks' layouts."""

import hashlib
import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision.transforms as transforms
from metrics.extractors.test_outside import Branch, SmallVgg, script_of
from PIL import Image
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual, FeatureExtractorCLIP

from ganlib.errors import RequestError
from ganlib.metrics import load_extractor
from ganlib.metrics.extractors import large as module

pytestmark = pytest.mark.slow  # importing torchvision takes long


def pictures(size: int, n: int = 3) -> Tensor:
    random = torch.Generator().manual_seed(size)
    return torch.randint(0, 256, (n, 3, size, size), generator=random, dtype=torch.uint8)


def as_authors(of: Tensor, size: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """What dgm-eval does to a picture by default, and CMMD's program but for its own normalisation: Pillow's resize."""
    prepare = transforms.Compose(
        [
            transforms.Resize((size, size), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize(mean, deviation),
        ]
    )
    return torch.stack([prepare(Image.fromarray(one.permute(1, 2, 0).numpy())) for one in of])


@pytest.mark.parametrize("size", [28, 64, 224, 300, 512])
def test_pictures_are_resized_as_pillow_does(size: int) -> None:
    """To the level, but for few values, which lie half way between two."""
    ours = module.resized_as_pillow(pictures(size), 224)
    theirs = 255 * as_authors(pictures(size), 224, (0.0,) * 3, (1.0,) * 3)
    apart = (ours - theirs).abs()
    assert apart.max() < 2.001
    assert (apart > 0.001).float().mean() < 0.015


class Shown(nn.Module):
    """A network that gives what it was shown."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


@pytest.mark.parametrize("colours", [module.CLIP_COLOURS, module.DINOV2_COLOURS])
def test_pictures_are_scaled_as_the_authors_do(colours: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    found = module.Prepared(Shown(), 16, *colours)(pictures(16))
    assert torch.allclose(found, as_authors(pictures(16), 16, *colours).flatten(1), atol=1e-5)


def test_clip_is_the_network_of_torch_fidelity_on_such_pictures(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = CLIPVisual(16, 336, 1, 64, 14 * 8)  # one layer instead of 24, patches of 112
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    state = {name: value.detach() for name, value in network.state_dict().items()}
    path = script_of(Branch(state | {"text_projection": torch.zeros(8, 16)}), tmp_path / "clip.pt")
    theirs = FeatureExtractorCLIP("clip-vit-l-14-336px", ["clip"], feature_extractor_weights_path=str(path))
    extractor = load_extractor("clip@cmmd", path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (extractor.name, extractor.dim, extractor.digest) == ("clip@cmmd", 16, digest)
    assert extractor.resize == "bicubic antialiased to 336, whole levels (Pillow)"
    # A picture of that size is resized by neither of the two.
    assert torch.allclose(extractor(pictures(336)), theirs(pictures(336))[0], rtol=1e-4, atol=1e-5)
    script_of(Branch({"weight": torch.zeros(2)}), tmp_path / "other.pt")
    with pytest.raises(RequestError, match=r"are not those of CLIP .* ViT-L-14-336px\.pt"):
        load_extractor("clip@cmmd", tmp_path / "other.pt")


def test_dinov2_takes_its_large_network_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dinov2.pth"
    network = SmallVgg()
    torch.save(network.state_dict(), path)

    def hub(repository: str, name: str, pretrained: bool, **_: object) -> nn.Module:
        assert (repository, name, pretrained) == ("facebookresearch/dinov2", "dinov2_vitl14", False)
        return SmallVgg()

    monkeypatch.setattr(torch.hub, "load", hub)
    extractor = load_extractor("dinov2@dgm-eval", path)
    expected = network.eval()(as_authors(pictures(64), 224, *module.DINOV2_COLOURS))
    assert torch.allclose(extractor(pictures(64)), expected, atol=1e-3)
    assert (extractor.name, extractor.dim) == ("dinov2@dgm-eval", 1024)


@pytest.mark.parametrize("name", ["clip@cmmd", "dinov2@dgm-eval"])
def test_what_cannot_be_downloaded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(request: urllib.request.Request, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", download)
    with pytest.raises(RequestError, match=r"could not be downloaded from https://.*evaluate\.weights: PATH"):
        load_extractor(name)
