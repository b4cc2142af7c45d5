"""The clock of training: kimg of epochs, of budgets, and what counts as one time."""

import pytest

from ganlib.clock import budget_of, kimg_of, pictures_of, reached, same_time


def test_epochs_are_passes_over_all_pictures() -> None:
    assert kimg_of(3, "epochs", 500) == 1.5
    assert kimg_of(3, "kimg", 500) == 3


def test_a_budget_has_one_of_two_names() -> None:
    assert budget_of(2, None, 1500) == 3
    assert budget_of(None, 2, 1500) == 2
    assert budget_of(None, None, 1500) is None


@pytest.mark.parametrize(("kimg", "pictures"), [(1.1 * 0.3, 330), (0.0001, 1), (2, 2000), (0.0011, 2)])
def test_whole_pictures_without_the_noise_of_floats(kimg: float, pictures: int) -> None:
    assert pictures_of(kimg) == pictures


def test_rounding_makes_no_other_time() -> None:
    mark = sum([0.1] * 3)
    assert mark != 0.3
    assert reached(0.3, mark)
    assert reached(mark, 0.3)
    assert same_time(mark, 0.3)
    assert not reached(0.29, 0.3)
    assert not same_time(0.29, 0.3)
