"""What is wrong with a spec, in words, for tests of specs."""

import pytest

from sweep.spec.specification import SpecError, parse

SMALL = "train: {epochs: 4}\n"


def messages(text, *overrides, file="x.yaml"):
    with pytest.raises(SpecError) as caught:
        parse(text, file, overrides)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def message(text, *overrides):
    found = messages(text, *overrides)
    assert len(found) == 1, found
    return found[0]
