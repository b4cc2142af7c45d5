"""The rule of ``sampler: auto``: which sampler is asked for a trial."""

from sweep.spec.space import Space

GP_KEYS = 6
"""The Gaussian process is asked where at most so many numbers are searched,"""
GP_FEWEST = 10
"""from so many trials on that have come to their end (it learns of no others),"""
GP_TRIALS = 100
"""and for the first so many trials: then TPE, whose questions cost the same however many trials there are."""


def few_numbers(space: Space) -> bool:
    """Tell whether a space is small and of numbers alone, all of them active in every trial."""
    return len(space) <= GP_KEYS and all(one.is_numeric and not one.when for one in space.values())


def suits_gp(space: Space, number: int, complete: int) -> bool:
    """Tell whether ``auto`` asks the Gaussian process for a trial, and not TPE.

    Args:
        space: What is searched.
        number: The 0-based number of the trial.
        complete: How many trials have come to their end.
    """
    return few_numbers(space) and complete >= GP_FEWEST and number < GP_TRIALS


def words(sampler: str, space: Space) -> str:
    """Name a sampler, and for ``auto`` what it is in a space."""
    if sampler != "auto":
        return sampler
    if not few_numbers(space):
        return "auto: tpe in this space"
    return f"auto: tpe, and gp from {GP_FEWEST} trials on that have come to their end, for the first {GP_TRIALS} trials"
