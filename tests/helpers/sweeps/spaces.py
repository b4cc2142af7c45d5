"""Spaces of small specs, and what is wrong with them."""

import pytest

from sweep.spec.problems import SpecError
from sweep.spec.specification import parse


def space(*overrides):
    return parse("train: {epochs: 4}", overrides=overrides).space


def problems(*overrides, text="train: {epochs: 4}"):
    with pytest.raises(SpecError) as caught:
        parse(text, overrides=overrides)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


LOSS = "train.loss={type: categorical, choices: [bce, lsgan]}"
