"""Where a GPU may round float32 to TF32, by the flags that it would read, and what that rounding changes.

No GPU is needed: the flags can be set without one, and TF32's rounding is done here by hand.
"""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.data import prepare
from ganlib.data.alpha import premultiplied
from ganlib.export.files import ExportConfig, pack_weights
from ganlib.export.generator import rebuild
from ganlib.flags import alone, exact, measured_elsewhere, one_at_a_time, tf32
from ganlib.losses.regularisers import R1
from ganlib.metrics import Evaluator, load_extractor
from ganlib.names import FAMILIES
from ganlib.steps.stream import Domains
from ganlib.training.fit import Fit
from sweep.worker.shared import device_of

CPU, GPU = torch.device("cpu"), torch.device("cuda")
Flags = tuple[bool, bool]


def flags() -> Flags:
    """Whether matrix products and convolutions of a GPU would be rounded."""
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def noting(module: nn.Module) -> set[Flags]:
    """What the flags are at the passes of a network from now on."""
    seen: set[Flags] = set()
    module.register_forward_hook(lambda *_: seen.add(flags()))
    return seen


@pytest.fixture(params=[(False, True), (True, True), (False, False)], ids=["torch's", "all", "none"])
def before(request: pytest.FixtureRequest) -> Iterator[Flags]:
    """What the flags are before, and must be afterwards."""
    started = flags()
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = request.param
    yield request.param
    found = flags()
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = started
    assert found == request.param


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device is taken for a GPU."""
    monkeypatch.setattr("ganlib.flags.on_gpu", lambda device: True)


def test_it_holds_inside_only(before: Flags) -> None:
    with tf32(True, GPU):
        assert flags() == (True, True)
        with tf32(False, GPU):
            assert flags() == (False, False)
        assert flags() == (True, True)
    assert flags() == before
    with pytest.raises(KeyError), tf32(not before[1], GPU):
        raise KeyError


def test_a_cpu_has_no_such_question(before: Flags) -> None:
    with tf32(not before[0], CPU):
        assert flags() == before
    with exact(CPU):
        assert flags() == before


@pytest.mark.parametrize("searched", [False, True])
def test_what_is_measured_looks_for_no_kernels(
    searched: bool, before: Flags, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", searched)
    with exact(GPU):
        assert flags() == (False, False)
        assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.benchmark == searched


def finishes(context: AbstractContextManager[None]) -> Callable[[float], bool]:
    """Begin something in another thread; what is returned says whether it comes to an end in so many seconds."""

    def work() -> None:
        with context:
            pass

    thread = Thread(target=work, daemon=True)
    thread.start()

    def said(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    return said


SAYING: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "step": lambda: tf32(True, GPU),
    "exact": lambda: exact(GPU),
    "measure": lambda: one_at_a_time(GPU),
    "alone": alone,
    "on a processor": lambda: one_at_a_time(CPU),
}


@pytest.mark.parametrize(
    ("held", "free"),
    [
        ("step", {"measure", "on a processor"}),
        ("exact", {"measure", "on a processor"}),
        ("measure", {"step", "exact", "on a processor"}),
        ("alone", {"on a processor"}),
        ("on a processor", set(SAYING)),
    ],
)
def test_one_thread_at_a_time_says_something_and_others_train_while_one_measures(
    held: str, free: set[str]
) -> None:
    for name, saying in SAYING.items():
        with SAYING[held]():
            ended = finishes(saying())
            assert ended(20 if name in free else 0.05) == (name in free), name
        assert ended(20)


def test_who_waits_to_be_measured_gives_signs_of_life_and_can_be_called_away() -> None:
    seen = [0]

    def alive() -> None:
        seen[0] += 1
        if seen[0] == 2:
            raise KeyError

    def wait() -> None:
        with one_at_a_time(GPU, alive):
            raise AssertionError("another thread measures")

    with one_at_a_time(GPU), ThreadPoolExecutor(1) as thread, pytest.raises(KeyError):
        thread.submit(wait).result()
    with one_at_a_time(GPU, alive):
        pass


def test_whether_another_thread_measures() -> None:
    def elsewhere() -> bool:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(measured_elsewhere).result()

    with one_at_a_time(GPU):
        assert not measured_elsewhere()
        assert elsewhere()
    assert not elsewhere()


@pytest.mark.parametrize(("precision", "rounded"), [("auto", True), ("bf16", True), ("fp32", False)])
@pytest.mark.parametrize("family", ["dcgan", "cyclegan"])
def test_steps_round_unless_float32_is_asked_for(
    family: str, precision: Any, rounded: bool, before: Flags, on_gpu: None
) -> None:
    translates = FAMILIES[family].translates
    train = TrainConfig(batch_size=2, precision=precision, r1_gamma=1.0, loss="lsgan")
    model = ModelConfig(family=family, width=4, latent_dim=4, **({"blocks": 1} if translates else {}))
    made = FAMILIES[family].load_step()(DataConfig(size=32), model, train, 0, CPU)
    watched = [noting(made.discriminator), noting(made.generator)]
    batch = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    if translates:
        made(iter([Domains(batch, batch, torch.arange(2))]))
    else:
        made(iter([batch]))
    assert set.union(*watched) == {(rounded, rounded)}
    assert made.steps == 1


def test_what_is_measured_is_never_rounded(
    pictures: Callable[..., np.ndarray], trial_config: Callable[..., Any], before: Flags, on_gpu: None
) -> None:
    config = trial_config(epochs=1.0, precision="bf16")
    evaluator = Evaluator(pictures(), "discs", config.evaluate)
    run = Fit(config, pictures(), evaluator)
    average, network = noting(run.step.average), noting(evaluator.extractor.network)
    next(run)
    assert average == network == {(False, False)}


def test_nor_is_an_extractor_by_itself_or_an_export(before: Flags, on_gpu: None) -> None:
    extractor = load_extractor("efficientnet_lite0")
    seen = noting(extractor.network)
    extractor(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    model = ModelConfig(width=4, latent_dim=3)
    generator = rebuild(
        ExportConfig(model=model, size=32), pack_weights(FAMILIES["dcgan"].load().generator(model, 32)), "it"
    )
    made = noting(generator.network)
    generator.sample(3)
    assert seen == made == {(False, False)}


def test_the_process_of_a_sweep_rounds_nothing_outside_of_steps(
    before: Flags, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", torch.backends.cudnn.benchmark)
    assert device_of(0.25) == GPU
    assert flags() == (False, False)
    assert shares == [0.25]
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


# ---- what the rounding changes -------------------------------------------------------------------------------

aten = torch.ops.aten
PRODUCTS = {
    aten.convolution.default,
    aten.convolution_backward.default,
    aten.mm.default,
    aten.addmm.default,
    aten.bmm.default,
}


def to_tf32(value: Any) -> Any:
    """Round float32 to 10 bits of mantissa, ties to even."""
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        return value
    bits = value.contiguous().view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def to_bf16(value: Any) -> Any:
    return value.bfloat16().float() if isinstance(value, Tensor) and value.dtype == torch.float32 else value


class Rounding(TorchDispatchMode):
    """Rounds what products are of, on every way forward and back; sums stay float32."""

    def __init__(self, rounded: Callable[[Any], Any]) -> None:
        super().__init__()
        self.rounded, self.products = rounded, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in PRODUCTS:
            return func(*args, **(kwargs or {}))
        self.products += 1
        return func(*tree_map(self.rounded, args), **tree_map(self.rounded, kwargs or {}))


def test_rounding_by_hand() -> None:
    exact = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 3 * 2**-11, -1 - 2**-11 - 2**-20, 2.0**127, 0.0])
    expected = torch.tensor([1.0, 1 + 2**-10, 1.0, 1 + 2**-9, -1 - 2**-10, 2.0**127, 0.0])
    assert torch.equal(to_tf32(exact), expected)


def penalty_gradient(critic: nn.Module, pictures: Tensor, within: AbstractContextManager[Any]) -> Tensor:
    """The gradient of R1 with respect to all weights, which is made of second derivatives."""
    critic = copy.deepcopy(critic)
    with within:
        R1(1.0).penalty(critic, pictures, pictures, torch.Generator()).backward()
    return torch.cat([weight.grad.flatten() for weight in critic.parameters() if weight.grad is not None])


@pytest.mark.parametrize("family", ["dcgan", "stylegan2", "r3gan"])
def test_tf32_changes_a_penalty_far_less_than_another_batch_does(family: str) -> None:
    """Why steps may round: at most a tenth of what the draw of a batch changes, and half of what bfloat16 does."""
    faces = torch.from_numpy(prepare(DataConfig(count=64, size=32)).pictures.copy())
    real = premultiplied(faces.permute(0, 3, 1, 2))
    model = ModelConfig(family=family, width=8, latent_dim=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = FAMILIES[family].load().discriminator(model, 32, "none")
    first, second = real[:32], real[32:]
    exact = penalty_gradient(critic, first, nullcontext())

    def moved(gradient: Tensor) -> float:
        return float((gradient - exact).norm() / exact.norm())

    modes = [Rounding(to_tf32), Rounding(to_bf16)]
    by_tf32, by_bf16 = (moved(penalty_gradient(critic, first, mode)) for mode in modes)
    by_batch = moved(penalty_gradient(critic, second, nullcontext()))
    assert all(mode.products > 10 for mode in modes)
    assert by_tf32 < by_batch / 10
    assert by_tf32 < by_bf16 / 2
