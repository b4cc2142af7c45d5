"""Networks from outside: torch-fidelity's other extractors from files of their layouts, and a user's TorchScript."""

import hashlib
import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual, FeatureExtractorCLIP
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

from ganlib.errors import RequestError
from ganlib.metrics import fid, load_extractor
from ganlib.metrics.extractors import fidelity as module

pytestmark = pytest.mark.slow


def pictures(n: int = 3, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, 32, 32), generator=random, dtype=torch.uint8)


class Means(nn.Module):
    """Three features: the mean of each colour."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.to(torch.float64).mean(dim=(2, 3))


def script_of(network: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(network), str(path))
    return path


def test_torchscript(tmp_path: Path) -> None:
    path = script_of(Means(), tmp_path / "means.pt")
    extractor = load_extractor("torchscript", path)
    assert (extractor.name, extractor.dim, extractor.resize) == ("torchscript", 3, "its own")
    assert extractor.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert torch.equal(extractor(pictures()), pictures().double().mean((2, 3)).float())
    shifted = (pictures(40) // 2, pictures(40) // 2 + 100)
    assert fid(*shifted, extractor="torchscript", weights=path) == pytest.approx(3 * 100**2, rel=1e-4)


class Flat(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float().mean()


class Picky(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        assert pictures.shape[2] == 7, "pictures must have 7 rows"
        return pictures.float().mean(dim=(2, 3))


def test_files_that_are_no_extractors(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a file of yours: give it as evaluate\.weights"):
        load_extractor("torchscript")
    (tmp_path / "text.pt").write_text("no network")
    for name, why in {
        "missing.pt": "cannot read the TorchScript file",
        "text.pt": "is not a TorchScript file, or is damaged",
        script_of(Flat(), tmp_path / "flat.pt").name: r"gives shape \(\) for 2 pictures",
        script_of(Picky(), tmp_path / "picky.pt").name: "fails on uint8 pictures .* 7 rows",
    }.items():
        with pytest.raises(RequestError, match=why):
            load_extractor("torchscript", tmp_path / name)


class OneSize(nn.Module):
    """Features of pictures of 64 x 64 pixels alone."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float().reshape(pictures.shape[0], 3 * 64 * 64).mean(1, keepdim=True)


def test_a_network_for_one_size_is_told_by_its_file(tmp_path: Path) -> None:
    path = script_of(OneSize(), tmp_path / "one.pt")
    with pytest.raises(
        RequestError, match=r"one\.pt' fails on uint8 pictures \(40, 3, 32, 32\), and must take any"
    ):
        fid(pictures(40), pictures(40), extractor="torchscript", weights=path)


class Branch(nn.Module):
    """A module that only holds parameters, under the names of a state dictionary."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        for name, value in state.items():
            if "." not in name:
                self.register_parameter(name, nn.Parameter(value, requires_grad=False))
        for child in sorted({name.split(".")[0] for name in state if "." in name}):
            inner = {n.removeprefix(f"{child}."): v for n, v in state.items() if n.startswith(f"{child}.")}
            self.add_module(child, Branch(inner))

    def forward(self, x: Tensor) -> Tensor:
        return x


def test_clip_is_that_of_torch_fidelity(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = CLIPVisual(16, 224, 1, 64, 32)  # one layer instead of twelve
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    state = {name: value.detach() for name, value in network.state_dict().items()}
    path = script_of(Branch(state | {"text_projection": torch.zeros(8, 16)}), tmp_path / "clip.pt")
    theirs = FeatureExtractorCLIP("clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(path))
    extractor = load_extractor("clip", path)
    assert (extractor.dim, extractor.digest) == (16, hashlib.sha256(path.read_bytes()).hexdigest())
    assert torch.equal(extractor(pictures()), theirs(pictures())[0])
    script_of(Branch({"weight": torch.zeros(2)}), tmp_path / "other.pt")
    with pytest.raises(RequestError, match="are not those of CLIP"):
        load_extractor("clip", tmp_path / "other.pt")


class SmallVgg(nn.Module):
    """The layout of VGG16 with few weights."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 4, 32, stride=32)
        layers = [nn.Flatten(), nn.Linear(4 * 49, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*layers, nn.Linear(6, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


def test_vgg16_is_that_of_torch_fidelity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.models, "vgg16", SmallVgg)
    path = tmp_path / "vgg16.pth"
    torch.save(SmallVgg().state_dict(), path)
    theirs = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(path))
    ours = load_extractor("vgg16", path)
    assert torch.equal(ours(pictures()), theirs(pictures())[0])
    torch.save({"x": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(RequestError, match="do not fit the network"):
        load_extractor("vgg16", tmp_path / "other.pth")


def test_dinov2_takes_its_network_from_the_hub_and_its_weights_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dinov2.pth"
    torch.save(SmallVgg().state_dict(), path)

    def hub(repository: str, name: str, pretrained: bool, **_: object) -> nn.Module:
        assert (repository, name, pretrained) == ("facebookresearch/dinov2", "dinov2_vits14", False)
        return SmallVgg()

    monkeypatch.setattr(torch.hub, "load", hub)
    twice = [load_extractor("dinov2", path)(pictures()) for _ in range(2)]
    assert torch.equal(*twice)
    assert twice[0].shape == (3, 2)

    def unreachable(*_: object, **__: object) -> nn.Module:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load", unreachable)
    with pytest.raises(RequestError, match="the code of DINOv2 is not in"):
        module.load_dinov2(str(path))


@pytest.mark.parametrize("name", ["vgg16", "clip", "dinov2"])
def test_what_cannot_be_downloaded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(request: urllib.request.Request, timeout: float) -> None:
        asked.append(request.full_url)
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", download)
    with pytest.raises(RequestError, match=r"could not be downloaded from https://.*evaluate\.weights: PATH"):
        load_extractor(name)
    (url,) = asked
    assert url.startswith("https://")
