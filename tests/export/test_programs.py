"""Generators as programs: compared before they count, and with styles in two halves."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganlib.config import ModelConfig
from ganlib.errors import WorkError
from ganlib.export import programs
from ganlib.export.programs import Program, programs_of, write
from ganlib.models.translator import Translator
from ganlib.names import FAMILIES


class Styled(nn.Module):
    """The smallest generator with styles."""

    w_avg: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Linear(4, 4)
        self.paint = nn.Linear(8, 3 * 2 * 2)
        self.register_buffer("w_avg", torch.tensor([1.0, -1.0, 0.5, 0.0]))

    def map(self, latents: Tensor, truncation: float = 1.0) -> Tensor:
        w = torch.lerp(self.w_avg, self.mapping(latents), truncation)
        return w[:, None].expand(-1, 2, -1)

    def synthesize(self, styles: Tensor) -> Tensor:
        return torch.tanh(self.paint(styles.flatten(1))).unflatten(1, (3, 2, 2))

    def forward(self, latents: Tensor, truncation: float = 1.0) -> Tensor:
        return self.synthesize(self.map(latents, truncation))


ROUNDING = 64 * torch.finfo(torch.float32).eps
"""What two computations of `Styled` in float32 may differ by: pictures are within 1, and the error of each of its three
steps grows with the number of terms of a sum, which is 8 at most, and with values that are below 3 (3 * 8 * 3 < 80; the
worst case is never met, as errors have either sign)."""


@pytest.fixture
def styled() -> Styled:
    torch.manual_seed(0)
    return Styled().eval().requires_grad_(False)


def test_styles_come_in_two_halves(doubles: None, styled: Styled, tmp_path: Path) -> None:
    latents = torch.randn(5, 4)
    found = {program.name: program for program in programs_of(styled, latents)}
    assert list(found) == ["model", "mapping", "synthesis"]
    loaded = {}
    for program in found.values():
        assert write(program, tmp_path, onnx=False) == [f"{program.name}.pt2"]
        loaded[program.name] = torch.export.load(tmp_path / f"{program.name}.pt2").module()
    for psi in (0.0, 0.5, 1.0):
        expected = styled(latents[:3], psi)
        assert torch.allclose(loaded["model"](latents[:3], torch.tensor(psi)), expected, atol=1e-12)
        styles = loaded["mapping"](latents[:3], torch.tensor(psi))
        assert torch.allclose(loaded["synthesis"](styles), expected, atol=1e-12)
    mixed = loaded["mapping"](latents, torch.tensor(1.0)).clone()
    mixed[0, 1] = mixed[4, 1]
    assert torch.allclose(loaded["synthesis"](mixed), styled.synthesize(mixed), atol=1e-12)


@pytest.mark.slow
def test_styles_as_onnx(styled: Styled, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    latents = torch.randn(5, 4)
    (model, *_) = programs_of(styled, latents)
    assert write(model, tmp_path, onnx=True) == ["model.pt2", "model.onnx"]
    run = programs.onnx_function(tmp_path / "model.onnx")
    for psi in (0.3, 1.0):
        expected = styled(latents[:2], psi).numpy()
        assert np.abs(run(latents[:2], torch.tensor(psi)) - expected).max() < ROUNDING


def test_a_program_that_computes_something_else_is_refused(
    styled: Styled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = nn.Linear(4, 4).requires_grad_(False)
    real = torch.export.load

    class Wrong:
        def module(self) -> Any:
            return lambda latents: plain(latents) + 0.01

    monkeypatch.setattr(torch.export, "load", lambda path: real(path) and Wrong())
    with pytest.raises(
        WorkError, match=r"model.pt2 does not compute what the generator does: pictures differ by"
    ):
        write(Program("model", plain, {"latents": torch.randn(3, 4)}, "pictures"), tmp_path, onnx=False)
    broken = {"latents": torch.full((3, 4), torch.nan)}
    with pytest.raises(WorkError, match="differ by up to nan"):
        write(Program("model", plain, broken, "pictures"), tmp_path, onnx=False)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "cyclegan"])
def test_every_family_is_exported(family: str, tmp_path: Path) -> None:
    """`write` compares each file with the network, even where maps are still flat; one that differs is an error."""
    torch.manual_seed(0)
    config = ModelConfig(
        family=family,
        latent_dim=8,
        width=4,
        mapping_layers=2 if FAMILIES[family].styles else 8,
        blocks=1 if FAMILIES[family].translates else None,
    )
    size = 16 if FAMILIES[family].styles else 32  # each size has the same layers once more
    network = FAMILIES[family].load().generator(config, size).eval().requires_grad_(False)
    inputs = torch.rand(3, 3, 32, 32) * 2 - 1 if FAMILIES[family].translates else torch.randn(3, 8)
    whole = programs_of(network, inputs)[0]
    onnx = not programs.missing_for_onnx()
    assert write(whole, tmp_path, onnx=onnx) == ["model.pt2", "model.onnx"][: 1 + onnx]
    if onnx:
        (first, *_), (made,) = shapes(tmp_path / "model.onnx")
        sides = ["4*h4", "4*w4"] if whole.any_size else [size, size]
        assert first == ["batch", *([3, *sides] if whole.any_size else [8])]
        assert made == ["batch", 3, *sides]


def shapes(path: Path) -> tuple[list[list[object]], list[list[object]]]:
    """The shapes of inputs and outputs of an ONNX file, with the names of dimensions that may change."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return [one.shape for one in session.get_inputs()], [one.shape for one in session.get_outputs()]


# ---- translators -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Translator]:
    """The programs of a CycleGAN, of whose way back there is no ONNX, which takes seconds; and the network."""
    torch.manual_seed(0)
    config = ModelConfig(family="cyclegan", width=4, blocks=1, upsample="resize")
    network = FAMILIES["cyclegan"].load().generator(config, 32).eval().requires_grad_(False)
    folder = tmp_path_factory.mktemp("programs")
    forth, back = programs_of(network, torch.rand(3, 3, 32, 32) * 2 - 1)
    assert (list(forth.inputs), forth.output) == (["photos"], "drawings")
    assert (list(back.inputs), back.output) == (["drawings"], "photos")
    onnx = not programs.missing_for_onnx()
    assert write(forth, folder, onnx=onnx) == ["model.pt2", "model.onnx"][: 1 + onnx]
    assert write(back, folder, onnx=False) == ["back.pt2"]
    return folder, network


SIZES = ((1, 8, 8), (2, 100, 52), (5, 12, 64))
"""Numbers, heights and widths of pictures that were not traced."""


@pytest.mark.parametrize("size", SIZES)
def test_translators_take_any_number_and_size(
    size: tuple[int, int, int], both_ways: tuple[Path, Translator]
) -> None:
    folder, network = both_ways
    count, height, width = size
    pictures = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for name, module in (("model", network.forth), ("back", network.back)):
        program = torch.export.load(folder / f"{name}.pt2").module()
        assert module is not None
        assert (program(pictures) - module(pictures)).abs().max() <= programs.TOLERANCE
    if not programs.missing_for_onnx():
        run = programs.onnx_function(folder / "model.onnx")
        assert np.abs(run(pictures) - network(pictures).numpy()).max() <= programs.TOLERANCE


def test_a_program_of_one_way_holds_one_way(both_ways: tuple[Path, Translator]) -> None:
    folder, network = both_ways
    archive = torch.export.load(folder / "model.pt2")
    held = sum(value.numel() for value in archive.state_dict.values())
    assert held == sum(value.numel() for value in network.forth.state_dict().values())


def test_a_translator_that_computes_something_else_at_another_size_is_refused(tmp_path: Path) -> None:
    class Wrong(nn.Module):
        def forward(self, photos: Tensor) -> Tensor:
            return photos * (1.0 if torch.compiler.is_compiling() else photos.shape[3] / 32)

    program = Program("model", Wrong(), {"photos": torch.rand(3, 3, 32, 32)}, "drawings", any_size=True)
    with pytest.raises(WorkError, match="drawings differ by up to"):
        write(program, tmp_path, onnx=False)


def test_other_programs_run_them_without_this_library(both_ways: tuple[Path, Translator]) -> None:
    pytest.importorskip("onnxruntime")
    folder, network = both_ways
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ganlib", "sweep"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy, onnxruntime, torch
folder = sys.argv[1] + "/"
photos = numpy.linspace(-1, 1, 3 * 16 * 40, dtype=numpy.float32).reshape(1, 3, 16, 40)
session = onnxruntime.InferenceSession(folder + "model.onnx", providers=["CPUExecutionProvider"])
drawings = session.run(["drawings"], {"photos": photos})[0]
back = torch.export.load(folder + "back.pt2").module()(torch.from_numpy(drawings)).numpy()
numpy.save(folder + "drawings.npy", drawings), numpy.save(folder + "back.npy", back)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    photos = torch.linspace(-1, 1, 3 * 16 * 40).reshape(1, 3, 16, 40)
    drawings, back = np.load(folder / "drawings.npy"), np.load(folder / "back.npy")
    assert network.back is not None
    assert np.abs(drawings - network(photos).numpy()).max() <= programs.TOLERANCE
    assert np.abs(back - network.back(torch.from_numpy(drawings)).numpy()).max() <= programs.TOLERANCE
