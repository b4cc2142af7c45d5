"""A generator at work: its pictures do not depend on how it is asked for them."""

import pytest
import torch
from torch import Tensor

from ganlib.models.inputs import Latents, Photos
from ganlib.models.latents import RESULT_SEED, fixed_latents
from ganlib.models.sheets import BLOCKS, COLUMNS, ONE_WAY, WAY_BACK
from ganlib.training.making import Making, Translation, at_work


def nothing() -> None:
    pass


@pytest.mark.parametrize("parts", [[20], [7, 13], [1] * 20, [16, 3, 1]])
def test_what_is_measured_does_not_depend_on_the_batches(parts: list[int]) -> None:
    """The latents come from the CPU, by number: a GPU's own would depend on how many processors it has."""
    seen: list[Tensor] = []
    generate = Making(lambda latents: seen.append(latents) or latents, Latents(5), "result", nothing)
    for part in parts:
        generate(part)
    assert torch.equal(torch.cat(seen), fixed_latents(20, 5, RESULT_SEED))
    assert seen[0].device.type == "cpu"


def test_where_memory_ran_out_the_same_pictures_are_asked_for_again() -> None:
    seen: list[Tensor] = []

    def sample(latents: Tensor) -> Tensor:
        if len(latents) > 4:
            raise torch.OutOfMemoryError
        seen.append(latents)
        return latents

    generate = Making(sample, Latents(5), "evaluation", nothing)
    with pytest.raises(torch.OutOfMemoryError):
        generate(8)
    generate(4)
    generate(4)
    assert torch.equal(torch.cat(seen), fixed_latents(8, 5))


def levels(pictures: Tensor) -> Tensor:
    return ((pictures + 1) * 127.5).round().to(torch.uint8)


@pytest.fixture
def photos(pictures) -> Photos:
    return Photos(pictures(40, seed=1), pictures(50))


@pytest.mark.parametrize("count", [1, 33, 64])
def test_pairs_are_the_first_photographs_and_what_becomes_of_them(count: int, photos: Photos) -> None:
    work = Translation(lambda x: levels(-x), lambda x: levels(x / 2), photos, "result", nothing)
    pairs = work.pairs(count)
    assert torch.equal(pairs.photos, photos.levels(count, "result"))
    assert torch.equal(pairs.drawn, 255 - pairs.photos)
    assert pairs.returned is not None
    middle = (pairs.drawn.float() - 127.5) / 2 + 127.5
    assert (pairs.returned.float() - middle).abs().max() <= 1
    assert torch.equal(work(3), pairs.drawn[:3] if count >= 3 else 255 - photos.levels(3, "result"))


def test_what_was_drawn_to_be_measured_is_not_drawn_again_for_pairs(photos: Photos) -> None:
    drawn: list[int] = []
    work = Translation(lambda x: drawn.append(len(x)) or levels(-x), None, photos, "evaluation", nothing)
    for count in (30, 50, 20):
        work(count)
    assert torch.equal(work.pairs(64).drawn, 255 - photos.levels(64))
    assert drawn == [30, 50, 20]


def test_the_way_back_starts_from_drawings(photos: Photos) -> None:
    work = at_work(levels, levels, photos, "evaluation", nothing)
    assert isinstance(work, Translation)
    back = work.back()
    assert back is not None
    assert torch.equal(torch.cat([back(2), back(3)]), photos.drawings.levels(5))
    one_way = at_work(levels, None, photos, "evaluation", nothing)
    assert isinstance(one_way, Translation)
    assert one_way.back() is None
    assert one_way.pairs(2).returned is None


def test_a_sheet_says_what_its_rows_show(photos: Photos) -> None:
    both = at_work(levels, levels, photos, "evaluation", nothing).sheet(torch.empty(0))
    assert (both.rows, len(both.pictures)) == (WAY_BACK, 6 * COLUMNS)
    one = at_work(levels, None, photos, "evaluation", nothing).sheet(torch.empty(0))
    assert (one.rows, len(one.pictures)) == (ONE_WAY * BLOCKS, 2 * BLOCKS * COLUMNS)
    made = torch.zeros(5, 3, 4, 4, dtype=torch.uint8)
    assert at_work(levels, None, Latents(3), "evaluation", nothing).sheet(made).pictures.shape == (5, 4, 4, 3)


def test_signs_of_life_come_before_every_part(photos: Photos) -> None:
    signs: list[int] = []
    work = Translation(levels, None, photos, "evaluation", lambda: signs.append(1))
    work.pairs(64)
    assert len(signs) == 2
    work(4)
    assert len(signs) == 3
