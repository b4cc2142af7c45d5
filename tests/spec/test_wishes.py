"""Wishes beside the metric: how they are written, who breaks one, and by how much."""

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganlib.config import EvaluateConfig
from sweep.records.schemas import SCHEMAS
from sweep.spec.sections import SearchConfig
from sweep.spec.specification import SpecError, parse
from sweep.spec.wishes.measures import MEASURES, NEIGHBOURS
from sweep.spec.wishes.reading import cannot
from sweep.spec.wishes.wish import MOST, Wish, broken, condition, missed, misses, wishes_of

SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SPEC = """\
name: small
data: {source: avatars, count: 100, size: 32}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3}, epochs: 4}
search:
  subject_to:
    coverage: '>= 0.5'
    WISH
"""


def spec(wish: str, *overrides: str) -> dict[str, str]:
    return parse(SPEC.replace("WISH", wish), "small.yaml", overrides).search.subject_to


@given(st.sampled_from(list(SIGNS)), FINITE, FINITE)
def test_a_wish_is_missed_exactly_where_its_condition_does_not_hold(
    sign: str, limit: float, value: float
) -> None:
    wish = Wish("coverage", condition(f"{sign}{limit!r}"))
    miss = wish.miss(value)
    assert (miss <= 0) == SIGNS[sign](value, limit)
    assert -MOST <= miss <= MOST
    assert bool(broken([wish], {"coverage": value})) == (miss > 0)
    assert math.copysign(1, miss) == 1 or miss < 0, "no -0.0, which would be written as it is"


@given(st.floats(0.1, 10), st.floats(0.01, 10), st.floats(0.01, 10))
def test_whoever_is_further_off_misses_by_more_in_any_unit(limit: float, far: float, more: float) -> None:
    wish, thousand = Wish("fid", f"<= {limit!r}"), Wish("fid", f"<= {1000 * limit!r}")
    near, further = wish.miss(limit + far), wish.miss(limit + far + more)
    assert near < further
    assert near == pytest.approx(thousand.miss(1000 * (limit + far)))
    assert near == pytest.approx(far / limit)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_was_not_measured_is_missed(value: float | None) -> None:
    wish = Wish("coverage", ">= 0.5")
    assert wish.miss(value) == wish.miss(0.0) == 1.0
    assert broken([wish], {"coverage": value}) == ("coverage not measured, wanted >= 0.5",)
    assert broken([wish], {}) == ("coverage not measured, wanted >= 0.5",)


def test_words_say_what_there_is_and_what_was_wanted() -> None:
    row = {"coverage": 0.3123456, "params": 12_658_432, "kid": 0.050001}
    wishes = wishes_of({"coverage": ">=0.5", "params": "<= 5e6", "kid": "<= 0.05"})
    assert broken(wishes, row) == (
        "coverage 0.3123, wanted >= 0.5",
        "params 12,658,432, wanted <= 5e6",
        "kid 0.050001, wanted <= 0.05",  # never as if it were the limit
    )
    assert missed(misses(wishes, row)) == pytest.approx(0.3753088 + 1.5316864 + 2e-5)
    assert broken(wishes, {"coverage": 0.5, "params": 5_000_000, "kid": 0.05}) == ()


def test_a_spec_has_wishes_and_writes_them_down() -> None:
    text = SPEC.replace("WISH", "params: <=5_000_000")
    read = parse(text)
    assert read.search.subject_to == {"coverage": ">= 0.5", "params": "<= 5000000"}
    assert parse(read.to_yaml()) == read
    assert spec("kid: null") == {"coverage": ">= 0.5"}
    over = ("search.subject_to.coverage=>= 0.6", "search.subject_to.params=< 1e6")
    assert spec("vendi: '> 3'", *over) == {"coverage": ">= 0.6", "vendi": "> 3", "params": "< 1e6"}
    assert spec("kid: null", "search.subject_to.coverage=") == {}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("covrage: '> 1'", "covrage: unknown measure 'covrage', did you mean 'coverage'?"),
        ("kid_se: '< 1'", "kid_se: unknown measure 'kid_se', did you mean 'kid'?"),
        ("kid: 0.5", "kid: needs a sign before the number: write '>= 0.5' or '<= 0.5'"),
        ("kid: '=> 0.5'", "kid: must be >=, <=, > or < and a number, such as '>= 0.5'; got '=> 0.5'"),
        ("kid: '< .inf'", "kid: must be >=, <=, > or < and a number"),
        ("kid: '< 1e999'", "kid: must be >=, <=, > or < and a number"),
        ("kid: ''", "kid: must be >=, <=, > or < and a number"),
        ("kid: [1]", "kid: must be a condition such as '>= 0.5'; got [1]"),
        ("kid: true", "kid: must be a condition such as '>= 0.5'; got true"),
        ("change: '> 0.5'", "change: is measured of families that turn photographs into drawings"),
        ("cycle_l1: '< 0.5'", "cycle_l1: is measured of families that learn the way back (cyclegan)"),
    ],
)
def test_mistakes_are_told_with_line_and_key(wish: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec(wish)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"small.yaml:7: search.subject_to.{told}")
    assert told.startswith("kid:") or "coverage" in line or "model.family is dcgan" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[coverage]", "small.yaml:5: search.subject_to: must be conditions by measure"),
        ("coverage", "small.yaml:5: search.subject_to: must be conditions by measure"),
        ("{coverage: >= 0.5}", "text that begins with such a character needs quotes"),
        ("\n    coverage: >= 0.5", "a condition that begins with > needs quotes, such as '>= 0.5'"),
    ],
)
def test_what_is_no_mapping_of_conditions_is_told(text: str, told: str) -> None:
    head = SPEC.partition("\n    coverage")[0]
    with pytest.raises(SpecError) as caught:
        parse(f"{head} {text}\n", "small.yaml")
    assert told in str(caught.value)


def test_a_wish_for_what_few_pictures_cannot_tell_names_the_key() -> None:
    with pytest.raises(SpecError, match=r"small.yaml:6: search.subject_to.coverage: .*raise evaluate.n_fake"):
        spec("kid: null", f"evaluate.n_fake={NEIGHBOURS}")
    assert cannot("recall", EvaluateConfig(n_real=NEIGHBOURS), ["dcgan"]).endswith("raise evaluate.n_real")
    assert cannot("recall", EvaluateConfig(n_real=NEIGHBOURS + 1), ["dcgan"]) == ""


def test_from_python_too() -> None:
    assert SearchConfig(subject_to={"coverage": ">=0.5"}).wishes == (Wish("coverage", ">= 0.5"),)
    for wrong in ({"coverage": "0.5"}, {"nothing": "> 1"}):
        with pytest.raises(ValidationError):
            SearchConfig(subject_to=wrong)


def test_every_measure_is_a_column_of_results() -> None:
    columns = set(SCHEMAS["results"].names)
    assert set(MEASURES) <= columns
    left = columns - set(MEASURES)
    numbers = {name for name in left if str(SCHEMAS["results"].field(name).type) == "double"}
    assert numbers == {
        *("kimg", "kid_se", "mmd_se", "real_vendi", "fid_infinity_se", "kid_back_se", "seen", "seconds"),
    }, "a number of results that nobody would wish for is listed here"


def test_measures_need_as_many_pictures_as_the_evaluator_does() -> None:
    from ganlib.metrics.evaluator import NEIGHBOUR

    assert NEIGHBOURS == NEIGHBOUR
