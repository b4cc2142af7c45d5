"""The products of convolutions that a test's networks compute, as they come."""

import pytest
from torch import Tensor

from ganlib.models import products
from ganlib.models.products import Ways


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Note from now on which product is computed, and whether as a matrix product."""
    asked: list[tuple[str, bool]] = []
    for name in Ways._fields:
        own = getattr(products, name)

        def spy(first: Tensor, second: Tensor, by_matrix: bool, name: str = name, own=own) -> Tensor:
            asked.append((name, by_matrix))
            return own(first, second, by_matrix)

        monkeypatch.setattr(products, name, spy)
    return asked
