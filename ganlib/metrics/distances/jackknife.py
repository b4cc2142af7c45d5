"""The error of a squared maximum mean discrepancy: the delete-one jackknife (Efron and Stein 1981).

Its variance is too large rather than too small.
"""

from torch import Tensor


def jackknife(within: Tensor, across: Tensor) -> Tensor:
    """Estimate the variance that a set brings, from the distances without each of its rows in turn.

    Args:
        within: (n,) means of the kernel of a row with the other rows of its set, n >= 3; NaN where that is not known.
        across: (n,) means of the kernel of a row with those of the other set.
    """
    n = len(within)
    left = within * ((n - 1) / (n - 2)) - across
    return 4 / (n - 1) * (left - left.nanmean()).square().nanmean()
