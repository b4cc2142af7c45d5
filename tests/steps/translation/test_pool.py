"""The pool of older pictures that discriminators of translators see."""

import pytest
import torch
from helpers.training.translators import shown

from ganlib.steps.translation import Pool


def test_a_pool_gives_back_what_it_is_given_until_it_is_full() -> None:
    pool = Pool(5, 4, torch.Generator().manual_seed(0))
    assert shown(pool, 1, 2) == [1, 2]
    assert shown(pool, 3, 4) == [3, 4]
    assert pool.filled == 4


def test_then_half_of_what_it_gives_is_older_and_nothing_is_lost() -> None:
    pool = Pool(50, 4, torch.Generator().manual_seed(0))
    seen, older = set(range(50)), 0
    shown(pool, *range(50))
    for start in range(50, 2050, 10):
        given = list(range(start, start + 10))
        back = shown(pool, *given)
        held = {int(value) for value in pool.kept[:, 0, 0, 0]}
        assert len(held) == 50, "every picture is kept once"
        assert set(back) | held == seen | set(given), "none is lost, none is made up"
        older += sum(number < start for number in back)
        seen = held
    assert older / 2000 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("size", [0, 2])
def test_a_pool_smaller_than_a_batch(size: int) -> None:
    pool = Pool(size, 4, torch.Generator().manual_seed(0))
    for start in range(0, 40, 4):
        back = shown(pool, *range(start, start + 4))
        assert start == 0 or len(set(back)) == 4, "none comes twice once it is full"
        assert size or back == list(range(start, start + 4))
