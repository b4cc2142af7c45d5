"""Say how many pictures an evaluation generates: few where a search sorts out the worst, many where it decides.

The ladder is tied to the kimg at which trials are compared (ASHA's rungs). Up to and including the evaluation that
reaches the first rung a trial is measured with few pictures, with more up to the second, and so on; from the last
rung on, and always at the end of training, with all. The number depends on how far the trial had come at its previous
evaluation and on nothing else, so that all trials are measured alike where they are compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ganlib.clock import reached

Ladder = Sequence[tuple[float, int]]
"""(kimg of a rung, pictures up to and including the evaluation that reaches it), rising in both."""


class Stage(NamedTuple):
    """A stage of the ladder, on which an evaluation is measured: its number from 0, and its number of pictures."""

    number: int
    n_fake: int


def stage_at(ladder: Ladder, n_fake: int, previous_kimg: float, last: bool) -> Stage:
    """Return the stage of an evaluation.

    Args:
        ladder: The stages of the ladder; empty for none.
        n_fake: Pictures of a full measurement.
        previous_kimg: How far the trial was at its previous evaluation; 0 at the first.
        last: Whether training ends here.
    """
    index = sum(reached(previous_kimg, kimg) for kimg, _ in ladder)
    return Stage(len(ladder), n_fake) if last or index == len(ladder) else Stage(index, ladder[index][1])


def count_at(ladder: Ladder, n_fake: int, rung: float) -> int:
    """Return the number of pictures on which trials are measured where they are compared at a rung.

    Args:
        ladder: The stages of the ladder; empty for none.
        n_fake: Pictures of a full measurement.
        rung: In kimg.
    """
    return next((count for kimg, count in ladder if reached(kimg, rung)), n_fake)


def ladder(
    rungs: Sequence[float], reduction: float, interval: float, n_first: int, n_fake: int
) -> list[tuple[float, int]]:
    """Make the ladder for the rungs of a search: as the trials become fewer, their pictures become more.

    ``n_first`` pictures up to the first rung, then ``reduction`` times as many from rung to rung, up to ``n_fake``. A
    stage that would already have all pictures is left out. Rungs nearer to each other than two intervals share a stage,
    because a trial could reach both at one evaluation.

    Args:
        rungs: In kimg, rising.
        reduction: Above 1; how many times fewer trials get past a rung.
        interval: Kimg between evaluations.
        n_first: Pictures up to the first rung.
        n_fake: Pictures in the end.

    Example:
        >>> ladder([2, 6, 18], reduction=3, interval=1, n_first=128, n_fake=1024)
        [(2.0, 128), (6.0, 384)]
    """
    stages: list[tuple[float, int]] = []
    count = float(n_first)
    for rung in rungs:
        if stages and rung - stages[-1][0] < 2 * interval:
            stages[-1] = (rung, stages[-1][1])
            continue
        if round(count) >= n_fake:
            break
        stages.append((float(rung), round(count)))
        count *= reduction
    return stages
