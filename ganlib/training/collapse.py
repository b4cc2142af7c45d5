"""Give the verdict that a run is dead, from signals that cost almost nothing.

A verdict is a pure function of the evaluations so far and the thresholds of the spec, so that it can be
tested, explained and repeated from the stored rows. The order below is the order in which they are tried:

================ =====================================================================================
`non_finite`     a loss, a score or a generated picture is NaN or infinite
`flat_image`     the pictures are flat: their pixels' standard deviation is below ``flat_std``, as a share
                 of that of real pictures
`low_diversity`  all pictures look alike: their mean pairwise similarity has gone ``similarity`` of
                 the way from that of real pictures (0) to identical ones (1), or the variety of their
                 features is below ``variety``, from none (0) to that of real pictures (1)
`identity_map`   the drawings are the photographs: they differ by less than ``identity_change`` of what
                 photographs and drawings do that have nothing to do with each other, and their KID is above
                 ``identity_kid`` of that of the photographs as they are
`inverted`       the drawings are negatives: the correlation of their luminance with that of the photographs
                 has gone ``inverted`` of the way from none, or that of unrelated pictures where it is below, to -1
`d_saturated`    the discriminator is sure: mean score above ``saturated_score`` on real and below its
                 complement on fake pictures (only where scores are probabilities)
`metric_blowup`  the metric is ``blowup`` times the best that this run has had, where no best counts as
                 better than what a small draw of real pictures has
================ =====================================================================================

Pictures are compared with real ones at their worst, the flattest, most alike, least varied and farthest of several
draws (`ganlib.metrics.extremes`): where real pictures hardly vary, neither does a perfect generator.

All but the first must hold at ``patience`` evaluations in a row, and none is given before ``warmup_steps``
steps: young generators pass through such states. Where a run went back to fresh networks, or a generator learns from
its content loss alone at first, the steps count from there. Only translators can be called `identity_map` or
`inverted`, and none is called an identity where photographs score as drawings do: there it is right.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from ganlib.config import CollapseConfig


@dataclass(frozen=True)
class Signals:
    """The signs of a run's health at one evaluation; ``metric`` is None where it could not be computed."""

    kimg: float
    step: int
    loss_g: float
    loss_d: float
    score_real: float
    score_fake: float
    probabilities: bool
    """Whether the scores are probabilities."""
    pixel_std: float
    """Mean over pictures of the standard deviation of the pixels, which lie in [0, 1]."""
    real_pixel_std: float
    """`pixel_std` of real pictures, the flattest of several draws."""
    similarity: float
    """Mean pairwise structural similarity of generated pictures, at most 1."""
    real_similarity: float
    """`similarity` of real pictures, the most alike of several draws."""
    metric: float | None
    variety: float | None = None
    """Variety of the generated pictures' features, from 0, all equal, to that of real pictures, 1."""
    real_metric: float = 0.0
    """The metric of real pictures, the farthest of several draws."""
    change: float | None = None
    """How far drawings are from their photographs, as a share of unrelated ones; None where nothing is translated, as
    all that follows but ``kid``."""
    luminance: float | None = None
    """Mean correlation of the luminance of drawings and their photographs, from -1 to 1."""
    kid: float | None = None
    """KID of the generated pictures."""
    baseline_kid: float | None = None
    """KID of the photographs as they are."""
    baseline_kid_se: float | None = None
    """Standard error of ``baseline_kid``."""
    baseline_luminance: float | None = None
    """Mean correlation of the luminance of photographs and unrelated drawings."""
    begun: int = 0
    """The step at which its networks began."""
    pretraining: bool = False
    """Whether the generator learns from its content loss alone, and is meant to be an identity."""

    @property
    def finite(self) -> bool:
        """Whether losses and scores are finite."""
        return all(map(math.isfinite, (self.loss_g, self.loss_d, self.score_real, self.score_fake)))


@dataclass(frozen=True)
class Verdict:
    """The reason why a run is called dead, at which step, and the numbers behind the reason."""

    kind: str
    kimg: float
    step: int
    reason: str
    numbers: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Convert to a row of events; numbers that are not finite become None, for JSON, and the reason names them."""
        plain = asdict(self)
        plain["numbers"] = {k: v if math.isfinite(v) else None for k, v in self.numbers.items()}
        return plain


SURE = 3.0
"""Standard errors by which the KID of photographs must be above 0, so that there is something to draw."""

Rule = Callable[[Signals, CollapseConfig, float], "tuple[bool, str, dict[str, float]]"]


def _flat(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    limit = limits.flat_std * now.real_pixel_std
    reason = (
        f"pixels of a picture vary by {now.pixel_std:.4g}, below {limits.flat_std:.1%} of what those of real "
        f"ones do ({now.real_pixel_std:.4g})"
    )
    numbers = {"pixel_std": now.pixel_std, "real_pixel_std": now.real_pixel_std}
    return now.pixel_std < limit, reason, numbers


def _alike(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    room = 1 - now.real_similarity
    # Where real pictures are equal but for rounding, nothing can be more alike.
    share = (now.similarity - now.real_similarity) / room if room > 1e-6 else 0.0
    reason = (
        f"generated pictures resemble each other by {now.similarity:.3f} "
        f"(real ones: {now.real_similarity:.3f}), {share:.0%} of the way to identical, "
        f"above {limits.similarity:.0%}"
    )
    numbers = {"similarity": now.similarity, "real_similarity": now.real_similarity}
    if share <= limits.similarity and now.variety is not None and now.variety < limits.variety:
        reason = (
            f"the features of the generated pictures vary {now.variety:.1%} as much as those of real ones, "
            f"below {limits.variety:.1%}"
        )
        return True, reason, numbers | {"variety": now.variety}
    return share > limits.similarity, reason, numbers


def _identity(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    change, kid, baseline, error = now.change, now.kid, now.baseline_kid, now.baseline_kid_se
    if change is None or kid is None or baseline is None or error is None or now.pretraining:
        return False, "", {}
    # An error that is not known is NaN, and nothing is above it.
    apart = baseline > max(SURE * error, 0.0)
    reason = (
        f"the drawings are the photographs: they differ by {change:.1%} of what unrelated ones do, below "
        f"{limits.identity_change:.1%}, and their KID {kid:.4g} is above {limits.identity_kid:.0%} of that of the "
        f"photographs as they are ({baseline:.4g})"
    )
    numbers = {"change": change, "kid": kid, "baseline_kid": baseline, "baseline_kid_se": error}
    return apart and change < limits.identity_change and kid > limits.identity_kid * baseline, reason, numbers


def _inverted(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    if now.luminance is None:
        return False, "", {}
    # Drawings on black of photographs on white are negatives by right, as far as any drawing is.
    unrelated = min(now.baseline_luminance or 0.0, 0.0)
    limit = unrelated - limits.inverted * (1 + unrelated)
    reason = (
        f"the drawings are negatives: their luminance and that of their photographs correlate by {now.luminance:.2f}, "
        f"below {limit:.2f}"
    )
    return now.luminance < limit, reason, {"luminance": now.luminance, "limit": limit}


def _saturated(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    sure = now.score_real > limits.saturated_score and now.score_fake < 1 - limits.saturated_score
    reason = (
        f"the discriminator scores real pictures {now.score_real:.4f} and fake ones {now.score_fake:.4f}, "
        f"beyond {limits.saturated_score}: the generator has no gradient to learn from"
    )
    return now.probabilities and sure, reason, {"score_real": now.score_real, "score_fake": now.score_fake}


def _blown(now: Signals, limits: CollapseConfig, best: float) -> tuple[bool, str, dict[str, float]]:
    if now.metric is None or not math.isfinite(best):
        return False, "", {}
    # Distances as small as those between real pictures are chance, and so are their ratios.
    best = max(best, now.real_metric)
    reason = f"the metric is {now.metric:.4g}, over {limits.blowup:g} times the best so far, {best:.4g}"
    return now.metric > limits.blowup * best > 0, reason, {"metric": now.metric, "best": best}


RULES: dict[str, Rule] = {
    "flat_image": _flat,
    "low_diversity": _alike,
    "identity_map": _identity,
    "inverted": _inverted,
    "d_saturated": _saturated,
    "metric_blowup": _blown,
}


def _not_finite(now: Signals) -> Verdict | None:
    names = ("loss_g", "loss_d", "score_real", "score_fake", "pixel_std")
    values = {name: float(getattr(now, name)) for name in names}
    bad = [f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)]
    if now.metric is None and not bad:
        bad = ["generated pictures"]
    if not bad:
        return None
    return Verdict("non_finite", now.kimg, now.step, f"not a finite number: {', '.join(bad)}", values)


def judge(history: Sequence[Signals], limits: CollapseConfig) -> Verdict | None:
    """Give the verdict at the last evaluation of a run, or None for a run that lives.

    Args:
        history: all evaluations of the run so far, oldest first, at least one.
        limits: the thresholds.
    """
    now = history[-1]
    dead = _not_finite(now)
    begun = max([now.begun, *(signals.step for signals in history if signals.pretraining)])
    young = len(history) < limits.patience or now.step - begun < limits.warmup_steps
    if dead or not limits.enabled or young:
        return dead
    recent = _with_bests(history)[-limits.patience :]
    for kind, rule in RULES.items():
        outcomes = [rule(signals, limits, best) for signals, best in recent]
        if all(broken for broken, _, _ in outcomes):
            _, reason, numbers = outcomes[-1]
            return Verdict(kind, now.kimg, now.step, reason, numbers)
    return None


def healthy(history: Sequence[Signals], limits: CollapseConfig) -> bool:
    """Tell whether the last evaluation of a run breaks no rule, not even once: a point that is worth coming back to."""
    now, best = _with_bests(history)[-1]
    broken = limits.enabled and any(rule(now, limits, best)[0] for rule in RULES.values())
    return not broken and _not_finite(now) is None


def _with_bests(history: Sequence[Signals]) -> list[tuple[Signals, float]]:
    """Pair each evaluation with the best metric before it, infinite where there was none."""
    bests = [math.inf]
    for signals in history:
        value = signals.metric if signals.metric is not None else math.inf
        bests.append(min(bests[-1], value))
    return list(zip(history, bests, strict=False))
