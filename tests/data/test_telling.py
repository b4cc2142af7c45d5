"""What is told of a set in the making: progress in pictures rises, and ends at the total."""

import pytest

from ganlib.data.listing import Skipped
from ganlib.data.telling import Found, PictureProgress, classes, faults


@pytest.mark.parametrize(("total", "files"), [(10, 10), (10, 0), (7, 3), (1, 1)])
def test_it_rises_to_the_total(total: int, files: int) -> None:
    told: list[tuple[int, int]] = []
    progress = PictureProgress(lambda done, of: told.append((done, of)), total, files)
    for _ in range(files):
        progress.step(1)
    for _ in range(total):
        progress.step(1)
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, total)
    assert {of for _, of in told} == {total}


def test_a_set_that_was_there_is_finished_at_once() -> None:
    told: list[int] = []
    progress = PictureProgress(lambda done, _: told.append(done), 8, 8)
    progress.step(8)
    progress.finished()
    assert told == [0, 4, 8]
    PictureProgress(None, 8, 8).finished()


def test_reasons_that_differ_in_a_number_are_one_line() -> None:
    cut_off = [Skipped(f"{n}.jpg", f"image file is truncated ({n} bytes not processed)") for n in range(2000)]
    others = [Skipped(f"{n}.png", "why" + "y" * n) for n in range(20)]
    first, *more, rest = faults([*others[:1], *cut_off, *others[1:]])
    assert first == "2,000 .jpg: image file is truncated (0 bytes not processed), for instance"
    assert len(more) == 7
    assert more[0] == "1 .png: why"
    assert rest == "13 more, for other reasons"
    assert faults(cut_off[5:6]) == ["1 .jpg: image file is truncated (5 bytes not processed)"]


@pytest.mark.parametrize(("most", "told"), [(3, "1.5"), (2000, "1,000"), (199, "99.5"), (2469, "1,234")])
def test_how_much_larger_a_class_is_is_a_plain_number(most: int, told: str) -> None:
    lines = classes(Found(classes=(("a", most), ("b", 2))))
    assert lines == [f"2: {most:,} a, 2 b; the largest has {told} times the smallest"]
