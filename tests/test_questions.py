"""Pages that answer what is asked again and again: they know every verdict, and name keys that there are."""

import re
from pathlib import Path

import pytest

from ganlib.training.collapse import RULES
from sweep.spec.sections import FIELDS

DOCS = Path(__file__).parents[1] / "docs"


def test_every_verdict_has_its_line() -> None:
    first = [
        line.split("|")[1]
        for line in (DOCS / "collapsed.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    assert set(re.findall(r"`(\w+)`", " ".join(first))) == {*RULES, "non_finite"}


@pytest.mark.parametrize("page", ["collapsed.md", "few.md", "folder.md"])
def test_keys_that_are_named_exist(page: str) -> None:
    sections = "data|model|train|evaluate|search|asha|collapse|resources|keep"
    named = set(re.findall(rf"`((?:{sections})\.\w+)", (DOCS / page).read_text()))
    assert named
    assert named <= set(FIELDS)
