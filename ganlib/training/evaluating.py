"""Make an evaluation of a run: look at some pictures, and measure many."""

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganlib.data.alpha import to_uint8
from ganlib.flags import exact, one_at_a_time
from ganlib.metrics import NonFiniteError, TranslationEvaluator
from ganlib.metrics.diversity import pending_pixel_std, pending_similarity
from ganlib.names import FAMILIES
from ganlib.steps.means import Means
from ganlib.steps.optimizers import rate
from ganlib.training.evaluation import Evaluation
from ganlib.training.ladder import stage_at
from ganlib.training.making import Making, at_work, measured
from ganlib.transfers import Pending, fetched, gathered, pending_number

if TYPE_CHECKING:
    from ganlib.training.fit import Fit


def evaluated(run: "Fit", means: Means, seconds_train: float) -> Evaluation:
    """Make an evaluation, which changes nothing of the run.

    Args:
        run: Where it is.
        means: Of the interval before.
        seconds_train: Of training in that interval.
    """
    with one_at_a_time(run.device, run.alive):
        started = time.perf_counter()
        with exact(run.device):  # numbers must not depend on the kind of GPU
            pixels, looks = _looked_at(run)
        made = fetched(pixels)
        finite, flatness, similarity, lr_g, lr_d = looks.read()  # now what is fetched has come, too
        grid = _at_work(run).sheet(made)
        last = run.stream.shown >= run.budget_pictures
        stage = stage_at(run.config.ladder, run.config.evaluate.n_fake, run.measured_kimg, last)
        score = None
        if finite and means.finite:
            try:
                score = measured(
                    run.evaluator, _at_work(run), stage.n_fake, run.extent_at_end if last else run.extent
                )
            except NonFiniteError:
                score = None
        return Evaluation(
            kimg=run.kimg,
            epoch=run.epoch,
            step=run.steps,
            begun=run.restarted_at[1],
            **vars(means),
            probabilities=run.step.loss.probabilities,
            lr_g=lr_g,
            lr_d=lr_d,
            pixel_std=flatness if finite else math.nan,
            similarity=similarity if finite else math.nan,
            real=run.evaluator.extremes(stage.n_fake),
            score=score,
            stage=stage.number,
            made=made.permute(0, 2, 3, 1).numpy(),
            grid=grid,
            baseline=run.evaluator.baseline(stage.n_fake)
            if isinstance(run.evaluator, TranslationEvaluator)
            else None,
            pretraining=run.step.pretraining,
            last=last,
            seconds_train=seconds_train,
            seconds_eval=time.perf_counter() - started,
        )


@torch.inference_mode()
def _looked_at(run: "Fit") -> tuple[Tensor, Pending[list[float]]]:
    """Make pictures ``(64, c, size, size)`` uint8, of the first inputs.

    Returns:
        The pictures; and 1 if they were all finite, their `pixel_std` and `pairwise_similarity`, both learning rates.
    """
    step = run.step
    with step._autocast():
        raw = step.average(run.shown)
    pixels = to_uint8(raw)
    looks = [
        pending_number(torch.isfinite(raw).all()),
        *(pending_pixel_std(pixels), pending_similarity(pixels)),
        *(pending_number(rate(one)) for one in (step.optimizer_g, step.optimizer_d)),
    ]
    return pixels, gathered(looks)


def _at_work(run: "Fit") -> Making:
    """Put the averaged generator to work on the inputs of evaluations."""
    back = run.step.sample_back if FAMILIES[run.config.model.family].returns else None
    return at_work(run.step.sample, back, run.inputs, "evaluation", run.alive)
