"""Spaces to draw from, and how trials of them ended."""

import math
from collections.abc import Mapping
from typing import Any

from sweep.records.status import Status
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Float, Int
from sweep.spec.space import Space
from sweep.spec.wishes.wish import MOST

NUMBERS = Space({"model.width": Int(8, 64), "train.lr_g": Float(1e-5, 1e-3, log=True)})


def ended(number: int, params: Mapping[str, Any]) -> PastTrial:
    """How a made-up trial ends: wishes are fulfilled, nearly fulfilled or not, by all kinds of trials."""
    value = abs(math.log10(params["train.lr_g"]) + 4) + number % 3 * 0.01
    misses = (0.1 * (number % 5 - 2), (params["model.width"] - 30) / 30)
    if number % 7 == 3:
        return PastTrial(number, params, Status.STOPPED, 10.0, value, misses=misses)
    if number % 7 == 5:
        return PastTrial(number, params, Status.COLLAPSED, 10.0, misses=(MOST, MOST))
    if number % 7 == 6:
        return PastTrial(number, params, Status.FAILED, 10.0, value, misses=misses)
    return PastTrial(number, params, Status.FINISHED, 40.0, value, misses=misses)
