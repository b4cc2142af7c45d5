"""Training steps on a card that is not there: no mix of devices, no waiting, no new shapes, and as few kernels as said.

`helpers.training.fake_card` says how that works.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from helpers.training.fake_card import Card, fake_card
from helpers.training.fake_cases import CASES, EVALUATIONS, Case
from helpers.training.fake_rules import CARD, Misstep
from helpers.training.fake_steps import evaluate, made, run, training
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from ganlib.config import ModelConfig, TrainConfig
from ganlib.models.discriminator_parts import Spectral
from ganlib.names import FAMILIES, LOSSES, OPTIMIZERS

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
ALLOWED = 0.1
"""How far a count may lie from that in the table, as a share of it."""
OLDER = {"optimizer adagrad": 276} if torch.__version__ < "2.12" else {}
"""Counts that differ with torch 2.11, which has no fused Adagrad for cards."""
OF_NO_STEP = {
    # Set from outside, by what they are multiplied with, or when training ends.
    *(
        "train.milestones",
        "train.gamma",
        "train.decay_from",
        "train.batch_size",
        "train.epochs",
        "train.kimg",
    ),
    # Another network of the registry, whose weights are downloaded; a file; numbers that reach no tensor's shape.
    *("train.content", "train.content_layer", "train.content_weights", "train.alpha", "train.clip"),
    *("train.gp_weight", "train.critic_steps", "train.adversarial_weight", "train.cycle_weight"),
    *("train.content_weight", "model.width", "model.latent_dim"),
    # Recordings have tests of their own.
    "train.capture",
}
"""Keys that no case names."""


@cache
def table() -> dict[str, list[int]]:
    rows = re.findall(r"^\| (.+?) \| ([\d |]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [int(number) for number in numbers.split(" | ")] for name, numbers in rows}


def near(counted: float, name: str, column: int = 0) -> None:
    written = OLDER.get(name, table()[name][column])
    assert abs(counted - written) <= ALLOWED * written, (
        f"{name}: {counted:g} and no longer {written}; if that is meant, run: make operators"
    )


@pytest.mark.parametrize("name", CASES)
def test_a_step_only_launches_kernels(name: str) -> None:
    count = run(CASES[name])
    assert not count.fresh
    near(count.operators, name)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_an_evaluation_mixes_no_devices_and_waits_as_often_as_said(name: str) -> None:
    count = evaluate(EVALUATIONS[name])
    near(count.operators, name)
    assert count.waits == table()[name][1], "if that is meant, run: make operators"


def test_the_table_has_every_case_and_no_other() -> None:
    assert list(table()) == [*CASES, *EVALUATIONS]


def test_every_family_variant_loss_optimizer_and_key_takes_part() -> None:
    def families(case: Case) -> tuple[str, str]:
        return case.model.get("family", "dcgan"), case.model.get("variant", "simple")

    variants = {(name, variant) for name, entry in FAMILIES.items() for variant in entry.variants}
    assert {families(case) for case in CASES.values()} == variants
    conditional = {families(case)[0] for case in CASES.values() if case.classes}
    assert conditional == {name for name, entry in FAMILIES.items() if entry.conditional}
    for key, registry in (("loss", LOSSES), ("optimizer", OPTIMIZERS)):
        default = TrainConfig.model_fields[key].default
        assert {case.train.get(key, default) for case in CASES.values()} == set(registry)
    named = {
        f"{part}.{key}"
        for case in CASES.values()
        for part in ("model", "train")
        for key in getattr(case, part)
    }
    keys = {f"model.{key}" for key in ModelConfig.model_fields} | {
        f"train.{key}" for key in TrainConfig.model_fields
    }
    assert named | OF_NO_STEP == keys
    assert not named & OF_NO_STEP


def test_making_a_step_reads_no_number_from_the_card() -> None:
    for name in OPTIMIZERS:
        assert "_local_scalar_dense" not in made(Case(train={"optimizer": name})).waits


@pytest.mark.parametrize("name", ["loss bce", "cyclegan"])
def test_a_state_is_copied_without_waiting(name: str) -> None:
    """Into pinned memory, all of it, and as it is laid out on the card."""
    with fake_card() as card:
        step, stream = training(CASES[name])
        step(stream)
        held = step.average.state_dict()
        with card.watch() as record:
            state = step.state(wait=False)
        copies = state["average"]
        assert set(record.launched) == {"copy_"}
        assert {copy.device.type for copy in copies.values()} == {"cpu"}
        assert all(copy.pinned for copy in copies.values())
        assert {key: one.stride() for key, one in held.items()} == {
            k: copy.stride() for k, copy in copies.items()
        }


def test_weights_are_normalised_once_in_each_half(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Spectral] = []
    computed = Spectral.forward

    def forward(self: Spectral, weight: Tensor) -> Tensor:
        seen.append(self)
        return computed(self, weight)

    case = Case({"d_norm": "spectral"}, {"r1_gamma": 1.0, "loss": "rpgan"})
    monkeypatch.setattr(Spectral, "forward", forward)
    with fake_card() as card:
        step, stream = training(case)
        for _ in range(2):
            seen.clear()
            with card.watch():
                step(stream)
    layers = sum(isinstance(module, Spectral) for module in step.discriminator.modules())
    assert layers == 5
    assert Counter(map(id, seen)).most_common() == [(key, 2) for key in dict.fromkeys(map(id, seen))]
    assert len(seen) == 2 * layers


def test_the_average_walks_through_no_modules_once_it_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_card():
        step, stream = training(Case())
        step(stream)
        for network in (step.average, step.generator):
            monkeypatch.setattr(network, "parameters", lambda: pytest.fail("walked again"))
        step(stream)


# ---- what the card refuses ---------------------------------------------------------------------------------


@pytest.fixture
def card() -> Iterator[Card]:
    with fake_card() as card:
        yield card


def grid() -> Tensor:
    return torch.zeros((3, 4), device=CARD)


MISSTEPS: dict[str, Callable[[], object]] = {
    "item": lambda: grid().sum().item(),
    "float": lambda: float(grid().sum()),
    "bool": lambda: bool(grid().sum() > 0),
    "index": lambda: [1, 2][grid().sum().long()],
    "tolist": lambda: grid().tolist(),
    "eigenvalues": lambda: torch.linalg.eigvalsh(grid().T @ grid()),
    "cpu": lambda: grid().cpu(),
    "to": lambda: grid().to("cpu", non_blocking=True),
    "copy from the card": lambda: torch.zeros(3, 4).copy_(grid()),
    "copy from the card to pageable memory": lambda: torch.zeros(3, 4).copy_(grid(), non_blocking=True),
    "copy from the card that is waited for": lambda: torch.zeros(3, 4).pin_memory().copy_(grid()),
    "a tensor of numbers": lambda: torch.tensor(0.5, device=CARD),
    "copy of pageable memory": lambda: torch.zeros(3).to(CARD, non_blocking=True),
    "copy that is waited for": lambda: torch.zeros(3).pin_memory().to(CARD),
    "nonzero": lambda: grid().nonzero(),
    "a mask as an index": lambda: grid()[grid() > 0],
    "unique": lambda: torch.unique(grid()),
    "equal": lambda: torch.equal(grid(), grid()),
    "synchronize": lambda: torch.cuda.synchronize(),
    "two devices": lambda: grid() + torch.zeros(3, 4),
    "an index of the processor": lambda: grid()[torch.tensor([0, 1])],
    "a layer of the processor": lambda: nn.Linear(4, 4)(grid()),
    "global random numbers": lambda: torch.rand(3, device=CARD),
    "random numbers of the processor": lambda: torch.rand(3, device=CARD, generator=torch.Generator()),
}


@pytest.mark.parametrize("name", MISSTEPS)
def test_a_misstep_is_refused(card: Card, name: str) -> None:
    with card.watch(), pytest.raises((Misstep, DataDependentOutputException, DynamicOutputShapeException)):
        MISSTEPS[name]()


def test_what_only_launches_is_not_refused(card: Card) -> None:
    random = torch.Generator(CARD).manual_seed(0)
    with card.watch():
        drawn = torch.rand(3, device=CARD, generator=random)
        drawn = drawn * 2 + torch.tensor(1.0)  # a number of the processor goes with the launch
        assert drawn.device == CARD
        assert torch.zeros(3).pin_memory().to(CARD, non_blocking=True).device == CARD


def test_kernels_are_counted_and_views_are_not(card: Card) -> None:
    weight = nn.Linear(4, 2, bias=False).to(CARD)
    with card.watch() as record:
        out = weight(grid().view(2, 6).reshape(3, 4)).t()[:1]
        out.sum().backward()
    # Both directions of the product, the sum, the first gradient, and that of the slice, which is filled in.
    assert record.launched == {"zeros": 1, "mm": 2, "sum": 1, "ones_like": 1, "slice_backward": 1}


def test_products_are_cast_as_autocast_does(card: Card) -> None:
    layer = nn.Conv2d(4, 4, 1, bias=False).to(CARD)
    with card.watch() as record:
        pictures = torch.zeros((2, 4, 8, 8), device=CARD)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            out = layer(layer(pictures))
        assert out.dtype == torch.bfloat16
    # The pictures, and the weight once.
    assert record.launched == {"zeros": 1, "_to_copy": 2, "convolution": 2}


def test_new_shapes_are_told_apart(card: Card) -> None:
    def calls(size: int) -> set[tuple[object, ...]]:
        with card.watch() as record:
            _ = torch.zeros(size, device=CARD) + 1
        return set(record.calls)

    first, same, other = calls(3), calls(3), calls(4)
    assert first == same
    assert not first & other
