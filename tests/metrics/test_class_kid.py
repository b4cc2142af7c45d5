"""KID of each class by itself."""

import numpy as np
import pytest
import torch

from ganlib.config import EvaluateConfig
from ganlib.data.labels.classes import Classes
from ganlib.metrics import Evaluator, Score, kid_from_features
from ganlib.metrics.distances.kernel import kid_by_class


def test_it_is_kid_of_the_pictures_of_a_class() -> None:
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(200, 6, generator=random) for _ in range(2))
    of_real = torch.arange(200) % 2
    of_fake = (torch.arange(200) < 80).long()
    of_real[:10], of_fake[-49:] = 2, 2  # too few real pictures, too few generated ones
    found = kid_by_class(
        (real.double(), of_real.numpy()), (fake.double(), of_fake.numpy()), ["a", "b", "c"], 20, None, 3
    ).read()
    assert [one.name for one in found] == ["a", "b"]
    for number, one in enumerate(found):
        x, y = real[of_real == number], fake[of_fake == number]
        expected = kid_from_features(x, y, 20, min(len(x), len(y)) // 2, 3)
        assert (one.kid, one.kid_se) == pytest.approx(tuple(expected))
        assert (one.n_real, one.n_fake) == (len(x), len(y))


def test_an_evaluator_compares_within_a_class() -> None:
    """Generated pictures that are real ones of the other class are near on the whole, and far by class."""
    random = np.random.default_rng(0)
    classes = Classes.named(["bright" if index % 2 else "dark" for index in range(160)])
    pictures = random.integers(0, 60, (160, 28, 28, 3), dtype=np.uint8)
    pictures[1::2] += 190
    evaluator = Evaluator(pictures, "halves", EvaluateConfig(n_fake=160, n_real=160), classes=classes)
    swapped = torch.from_numpy(np.roll(pictures, 1, 0)).permute(0, 3, 1, 2)
    features, numbers = evaluator.features_of(swapped), torch.from_numpy(classes.of)

    def measured(told: torch.Tensor) -> Score:
        return evaluator.pending_score(features, classes=told).read()

    right, wrong = measured(1 - numbers), measured(numbers)
    assert right.kid == wrong.kid
    assert right.class_kid is not None
    assert wrong.class_kid is not None
    assert [one.name for one in wrong.class_kid] == ["bright", "dark"]
    for near, far in zip(right.class_kid, wrong.class_kid, strict=True):
        assert 10 * abs(near.kid) < 0.01 < far.kid
        assert near.n_fake == near.n_real == 80
    assert evaluator.pending_score(features).read().class_kid is None
