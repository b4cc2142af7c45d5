"""How many pictures a sweep measures with, once it is known how many there are.

What a spec does not say follows from what there is. What it says is done, and where it cannot be, that is said before
anything is trained.
"""

from collections.abc import Iterator

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError
from ganlib.metrics.counts import count_real, usual_size
from sweep.spec.specification import Spec


def check(spec: Spec, images: int) -> None:
    """Refuse subsets for KID that are larger than the sets allow.

    Raises:
        RequestError: saying what there is, and what can be written.
    """
    evaluate, size = spec.evaluate, spec.evaluate.kid_subset_size
    if size is None:
        return
    real, most = _compared(evaluate, images, evaluate.n_fake)
    smaller = min(real, evaluate.n_fake)
    if size > most:
        which = "generated ones (evaluate.n_fake)" if evaluate.n_fake <= real else "real ones that are used"
        raise RequestError(
            f"evaluate.kid_subset_size is {size:,}, but KID compares with only {smaller:,} {which}, and its error "
            f"cannot be told from subsets of more than half of them: write at most {most:,}, or leave it out"
        )


def notes(spec: Spec, images: int, photos: int | None = None) -> list[str]:
    """Note what cannot be done as the spec says it, and what is done instead, a sentence each.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        photos: How many photographs there are to translate; None where nothing is translated.
    """
    counts = {count for _, count in spec.schedule(images).ladder}
    return [
        *of_real(spec.evaluate, images),
        *_of_photos(spec.evaluate, photos),
        *_of_first(spec.evaluate, bool(spec.asha)),
        *(note for count in sorted(counts) for note in of_subsets(spec.evaluate, images, count)),
    ]


def of_real(evaluate: EvaluateConfig, images: int) -> Iterator[str]:
    """Say that there are fewer real pictures than are asked for."""
    if evaluate.n_real is not None and evaluate.n_real > images:
        yield f"evaluate.n_real is {evaluate.n_real:,}, but there are only {images:,} pictures: all are used"


def _of_photos(evaluate: EvaluateConfig, photos: int | None) -> Iterator[str]:
    """Say that there are fewer photographs than drawings are to be made of."""
    if photos is not None and evaluate.n_fake > photos:
        yield (
            f"evaluate.n_fake is {evaluate.n_fake:,}, but there are only {photos:,} photographs to make drawings of: "
            f"one of each is measured, {photos:,}"
        )
    if photos is not None and photos < 2 * evaluate.n_fake:
        yield (
            f"results share photographs with evaluations, because there are {photos:,} and not twice "
            f"evaluate.n_fake, {2 * evaluate.n_fake:,}"
        )


def of_subsets(evaluate: EvaluateConfig, images: int, n_fake: int) -> Iterator[str]:
    """Say that so few generated pictures have smaller subsets than those that are asked for."""
    asked = evaluate.kid_subset_size
    if asked is None:
        return
    real, most = _compared(evaluate, images, n_fake)
    if asked > most:
        yield (
            f"evaluate.kid_subset_size is {asked:,}; where only {min(real, n_fake):,} pictures are compared, subsets "
            f"have {most:,}"
        )


def _compared(evaluate: EvaluateConfig, images: int, n_fake: int) -> tuple[int, int]:
    """Count the real pictures that generated ones are compared with, and the most that KID's subsets can have."""
    real = count_real(evaluate, images)
    return real, usual_size(real, n_fake, n_fake)


def _of_first(evaluate: EvaluateConfig, compared: bool) -> Iterator[str]:
    first, last = evaluate.n_first, evaluate.n_fake
    if first == EvaluateConfig.model_fields["n_first"].default:
        return  # nobody asked for it
    if not compared:
        yield f"evaluate.n_first is {first:,}, but without asha every evaluation generates evaluate.n_fake, {last:,}"
    elif first > last:
        yield (
            f"evaluate.n_first is {first:,}, more than evaluate.n_fake: every evaluation generates {last:,}; raise "
            "evaluate.n_fake, or lower evaluate.n_first"
        )
