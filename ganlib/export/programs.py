"""Export a generator as programs that run without this library: ONNX and a ``torch.export`` archive.

A program is traced once and takes any number of latents. A generator with styles (`map` and `synthesize`) gives
three: ``model`` (latents and truncation to pictures), ``mapping`` (latents and truncation to styles) and
``synthesis`` (styles to pictures), so that styles can be mixed between the last two. Of a generator that is told
classes, their numbers (int64) are a second input beside latents.

A translator gives ``model`` (photos to drawings) and, where it has learned that, ``back`` (drawings to photos), which
take any number of pictures of any height and width that are multiples of 4; 8 is the least that their reflection
padding takes.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlib.errors import WorkError
from ganlib.export.translation import MULTIPLE, SMALLEST
from ganlib.models.conditioning import joined, parted
from ganlib.models.translator import Translator

TOLERANCE = 1e-3
"""How far a program's pictures, in [-1, 1], may be from the generator's: an eighth of a level of 255."""
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
LARGEST_BATCH = 65_536
LONGEST_SIDE = 32_768
"""Of pictures that are translated, in pixels."""


@dataclass(frozen=True)
class Program:
    """A module that is traced, with an example of its inputs.

    Attributes:
        name: Name of the program's files, without suffix.
        module: A pure function of its inputs.
        inputs: Name and example of each input; those with a dimension have the batch as their first.
        output: Name of the output.
        any_size: Whether the inputs are pictures, ``(n, 3, h, w)``, of any height and width that are multiples of 4.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    output: str
    any_size: bool = False

    def shapes(self) -> tuple[dict[int, Any], ...]:
        """Say which dimensions of each input may change, as `torch.export.export` is told."""
        changing: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
        if self.any_size:
            least, most = SMALLEST // MULTIPLE, LONGEST_SIDE // MULTIPLE
            for dimension, name in ((2, "h4"), (3, "w4")):
                changing[dimension] = MULTIPLE * torch.export.Dim(name, min=least, max=most)
        return tuple(changing if example.ndim else {} for example in self.inputs.values())

    def trials(self) -> Iterator[list[Tensor]]:
        """Give inputs to compare with: the example, one of its rows, and of pictures also those of other sizes."""
        whole = list(self.inputs.values())
        yield whole
        one = [example[:1] if example.ndim else example for example in whole]
        yield one
        if self.any_size:
            side = whole[0].shape[3]
            yield [example[:3, :, : side // 2] for example in whole]
            yield [torch.cat([example] * 2, 3)[..., : side + MULTIPLE * 3] for example in one]


class _Truncated(nn.Module):
    """The mapping of a generator with styles, with the truncation as an input."""

    generator: Any  # with `map`, `synthesize` and the mean style `w_avg`

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latents: Tensor, truncation: Tensor) -> Tensor:
        styles: Tensor = self.generator.map(latents)
        return torch.lerp(self.generator.w_avg.to(styles), styles, truncation)


class _Whole(_Truncated):
    """Mapping and synthesis in one."""

    def forward(self, latents: Tensor, truncation: Tensor) -> Tensor:
        styles = super().forward(latents, truncation)
        pictures: Tensor = self.generator.synthesize(styles)
        return pictures


class _Synthesis(nn.Module):
    """The synthesis of a generator with styles: styles to pictures."""

    generator: Any  # with `map`, `synthesize` and the mean style `w_avg`

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, styles: Tensor) -> Tensor:
        pictures: Tensor = self.generator.synthesize(styles)
        return pictures


class _Told(nn.Module):
    """A module whose first input is taken apart: latents, and the numbers of classes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, latents: Tensor, classes: Tensor) -> Tensor:
        made: Tensor = self.module(joined(latents, classes))
        return made


class _ToldStyles(_Told):
    """One that takes the truncation, too."""

    def forward(self, latents: Tensor, classes: Tensor, truncation: Tensor) -> Tensor:  # type: ignore[override]
        made: Tensor = self.module(joined(latents, classes), truncation)
        return made


def has_styles(generator: nn.Module) -> bool:
    """Tell whether a generator has a mapping network."""
    return hasattr(generator, "map") and hasattr(generator, "synthesize")


def programs_of(generator: nn.Module, inputs: Tensor) -> list[Program]:
    """List the programs that are exported of a generator.

    Args:
        generator: A network in float32.
        inputs: What programs are traced and compared with, at least 2: latents, with the classes behind them where the
            generator is told some, or photographs in [-1, 1].
    """
    if isinstance(generator, Translator):
        forth = Program("model", generator.forth, {"photos": inputs}, "drawings", any_size=True)
        if generator.back is None:
            return [forth]
        with torch.no_grad():
            drawings = generator.forth(inputs)
        return [forth, Program("back", generator.back, {"drawings": drawings}, "photos", any_size=True)]
    latents, classes = parted(inputs, int(getattr(generator, "classes", 0)))
    given = {"latents": latents.contiguous()} | ({} if classes is None else {"classes": classes})
    if not has_styles(generator):
        return [Program("model", generator if classes is None else _Told(generator), given, "pictures")]
    psi = torch.tensor(0.7)
    with torch.no_grad():
        styles = _Truncated(generator)(inputs, psi)
    both = given | {"truncation": psi}
    whole, mapping = (
        module if classes is None else _ToldStyles(module)
        for module in (_Whole(generator), _Truncated(generator))
    )
    return [
        Program("model", whole, both, "pictures"),
        Program("mapping", mapping, both, "styles"),
        Program("synthesis", _Synthesis(generator), {"styles": styles}, "pictures"),
    ]


def missing_for_onnx() -> list[str]:
    """List the packages that ONNX needs and that are not installed."""
    return [name for name in ONNX_PACKAGES if find_spec(name) is None]


def write(program: Program, folder: Path, onnx: bool) -> list[str]:
    """Write ``NAME.pt2``, and ``NAME.onnx`` if asked for; check both against the module.

    Returns:
        The names of the files.

    Raises:
        WorkError: if a file does not compute what the module does.
        OSError: if it cannot be written.
    """
    arguments, shapes = tuple(program.inputs.values()), program.shapes()
    archive = folder / f"{program.name}.pt2"
    with _quiet():
        exported = torch.export.export(program.module, arguments, dynamic_shapes=shapes)
        torch.export.save(exported, archive)
        again = torch.export.load(archive).module()
    _compare(program, archive, lambda *inputs: again(*inputs).numpy())
    if not onnx:
        return [archive.name]
    path = folder / f"{program.name}.onnx"
    with _quiet():
        made: Any = torch.onnx.export(
            exported,  # traced once
            dynamic_shapes=shapes,
            dynamo=True,
            input_names=list(program.inputs),
            output_names=[program.output],
            verbose=False,
        )
        made.save(path)
    _compare(program, path, onnx_function(path))
    return [archive.name, path.name]


def onnx_function(path: Path) -> Callable[..., np.ndarray]:
    """Make a function of an ONNX file, of tensors in the order of its inputs, run by onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(*inputs: Tensor) -> np.ndarray:
        feeds = dict(zip(names, (given.numpy() for given in inputs), strict=True))
        output: np.ndarray = session.run(None, feeds)[0]
        return output

    return run


def _compare(program: Program, path: Path, run: Callable[..., np.ndarray]) -> None:
    """Check that a program gives what the module gives, also for other inputs than those that were traced."""
    for inputs in program.trials():
        with torch.inference_mode():
            expected = program.module(*inputs).numpy()
        distance = float(np.abs(run(*inputs) - expected).max())
        if not distance <= TOLERANCE:
            raise WorkError(
                f"{path} does not compute what the generator does: {program.output} differ by up to {distance:g} "
                f"(at most {TOLERANCE:g} is allowed)"
            )


@contextmanager
def _quiet() -> Any:  # noqa: ANN401 - a generator of nothing
    """Silence the tracer, which warns of its own inner workings."""
    import logging

    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
