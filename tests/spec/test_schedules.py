"""Schedules in a spec: how they are read, refused, searched and set on the command line."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.config.schedules import Schedule
from sweep import formatting
from sweep.records.progress import short_params
from sweep.spec.distributions import Categorical, Float
from sweep.spec.problems import SpecError
from sweep.spec.sections import PARTS, PLACES, SCHEDULES, key_of, steps_of
from sweep.spec.space import distributions, searched
from sweep.spec.specification import Spec, load, parse

SPACES = Path(__file__).parents[2] / "searchspaces"
FULL = {"shape": "cosine", "until": 1.0}


def spec_of(train: str, *overrides: str) -> Spec:
    return parse(f"train:\n  epochs: 4\n  {train}", overrides=overrides)


def problems(train: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        spec_of(train, *overrides)
    return [f"{problem.line}: {problem.path}: {problem.message}" for problem in caught.value.problems]


def test_where_a_schedule_may_stand() -> None:
    keys = ("lr_g", "lr_d", "betas[1]", "smoothing", "augment_p", "r1_gamma", "ema_kimg")
    assert {f"train.{key}" for key in keys} <= set(SCHEDULES)
    assert {"train.lr_g.from", "train.lr_g.to", "train.lr_g.shape", "train.betas[1].until"} <= set(PARTS)
    assert steps_of("train.betas[1].to") == ["train", "betas", 1, "to"]
    assert {key_of(part) for part in PARTS} <= set(PLACES)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("lr_g: {from: 1e-3, to: 0}", "lr_g", {"from": 1e-3, "to": 0.0, **FULL}),
        ("lr_g: {from: 0, to: 1, until: 0.1, shape: linear}", "lr_g",
         {"from": 0.0, "to": 1.0, "shape": "linear", "until": 0.1}),
        ("betas: [0, {from: 0.9, to: 0.99}]", "betas", [0.0, {"from": 0.9, "to": 0.99, **FULL}]),
        ("ema_kimg: {from: 0, to: 500}", "ema_kimg", {"from": 0.0, "to": 500.0, **FULL}),
    ],
)  # fmt: skip
def test_is_read(text: str, key: str, value: object) -> None:
    spec = spec_of(text)
    assert not spec.space
    assert spec.plain[f"train.{key}"] == value
    assert parse(spec.to_yaml()) == spec
    found = getattr(spec.resolve({}).train, key)
    assert isinstance(found[1] if isinstance(found, tuple) else found, Schedule)


SEARCHED = """lr_g: {from: {type: float, low: 1e-4, high: 1e-2, log: true}, to: 1e-5}
  betas: [0.5, {from: 0.9, to: {type: float, low: 0.95, high: 0.99}}]
  r1_gamma: {type: categorical, choices: [0, {from: 2, to: 0.2}]}"""


def test_parts_are_searched_by_their_paths() -> None:
    spec = spec_of(SEARCHED)
    assert dict(spec.space) == {
        "train.lr_g.from": Float(1e-4, 1e-2, log=True),
        "train.betas[1].to": Float(0.95, 0.99),
        "train.r1_gamma": Categorical((0.0, {"from": 2.0, "to": 0.2, **FULL})),
    }
    assert parse(spec.to_yaml()) == spec
    params = {"train.lr_g.from": 1e-3, "train.betas[1].to": 0.98, "train.r1_gamma": {"from": 2.0, "to": 0.2}}
    train = spec.resolve(params).train.model_dump()
    assert train["lr_g"] == {"from": 1e-3, "to": 1e-5, **FULL}
    assert train["betas"] == (0.5, {"from": 0.9, "to": 0.98, **FULL})
    assert train["r1_gamma"] == {"from": 2.0, "to": 0.2, **FULL}
    assert spec.resolve({}).train.lr_g == 2e-4  # no schedule without all its parts
    assert spec.plain["train.lr_g"]["from"] is None
    plain = spec.to_plain()
    assert list(searched(plain)) == ["train.lr_g.from", "train.betas[1].to", "train.r1_gamma"]
    assert dict(distributions(plain))["train.betas[1].to"] == {"type": "float", "low": 0.95, "high": 0.99}


def test_a_conditional_key_may_be_a_whole_schedule_or_depend_on_a_part() -> None:
    choice = "{type: categorical, choices: [{from: 2, to: 1}], when: {train.lr_d.shape: linear}}"
    spec = spec_of(
        f"r1_gamma: {choice}\n  lr_d: {{from: 1e-3, to: 0, shape: {{type: categorical, choices: [cosine, linear]}}}}"
    )
    assert list(spec.space) == ["train.lr_d.shape", "train.r1_gamma"]
    gammas = [spec.resolve(point).train.r1_gamma for point in spec.space.grid() or ()]
    assert [bool(gamma) for gamma in gammas] == [False, True]


def test_points_of_a_search_name_parts_and_other_points_whole_schedules() -> None:
    searching = parse(
        f"train:\n  epochs: 4\n  {SEARCHED}\nconfigs: [{{train.lr_g.from: 2e-3, train.r1_gamma: 0}}]"
    )
    assert searching.configs == [{"train.lr_g.from": 2e-3, "train.r1_gamma": 0.0}]
    listed = parse("train: {epochs: 4}\nconfigs: [{train.lr_g: {from: 1e-3, to: 0}}, {train.lr_g: 1e-3}]")
    assert [bool(listed.resolve(point)) for point in listed.configs] == [True, True]
    assert parse(listed.to_yaml()) == listed
    fixed = parse(
        f"train:\n  epochs: 4\n  {SEARCHED}\nconfigs: [{{train.lr_g.from: 2e-3}}]",
        overrides=["train.lr_g=1e-4"],
    )
    assert fixed.configs == [{}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr_g: {form: 1e-3, to: 1e-4}", ["3: train.lr_g.form: unknown key, did you mean 'from'?"]),
        ("lr_g: {start: 1e-3, end: 1e-4}", ["3: train.lr_g.start: unknown key here; it is from",
                                            "3: train.lr_g.end: unknown key here; it is to"]),
        ("lr_g: {from: 1e-3}", ["3: train.lr_g: a schedule needs from and to, such as {from: 2e-3, to: 2e-4}; to is "
                                "missing"]),
        ("lr_g: {from: 1e-3, to: 2}", ["3: train.lr_g.to: must be at most 1, got 2"]),
        ("lr_g: {from: 1e-3, to: null}", ["3: train.lr_g.to: must be a number, got null"]),
        ("lr_g: {from: 1e-3, to: 0, shape: cos}",
         ["3: train.lr_g.shape: must be one of 'cosine', 'linear'; got 'cos', did you mean 'cosine'?"]),
        ("gamma: {from: 1, to: 0.5}", ["3: train.gamma: has no schedule; those that can have one: "
                                       + ", ".join(SCHEDULES)]),
        ("betas: [{from: 0.9, to: 0.99}, 0.9]", ["3: train.betas[0]: has no schedule; those that can have one: "
                                                 + ", ".join(SCHEDULES)]),
        ("betas: [0.5, {from: 0.9, to: 1}]", ["3: train.betas[1].to: must be below 1, got 1"]),
        ("lr_g: {from: {type: float, low: 1e-4, high: 2}, to: 0}",
         ["3: train.lr_g.from.high: must be at most 1, got 2"]),
        ("lr_g: [1e-3, {from: 1e-3, to: 0}]",
         ["3: train.lr_g: is one value, got [0.001, {from: 0.001, to: 0}]; to search it, write {type: categorical, "
          "choices: [0.001, {from: 0.001, to: 0}]}"]),
        ("lr_g: {type: categorical, choices: [{from: 1, to: 0}, {from: 1, to: 0, shape: cosine}]}",
         ["3: train.lr_g.choices[1]: {from: 1.0, to: 0.0, shape: 'cosine', until: 1.0} is given twice"]),
    ],
)  # fmt: skip
def test_mistakes(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("lr_g: {from: 1e-3, to: 1e-4, low: 1}", "train.lr_g.low: low belongs to a distribution, and this is"),
        ("lr_g: {type: float, from: 1e-5, to: 1e-3}", "train.lr_g.from: belongs to a schedule, which has no type"),
        ("lr_g: {from: 1e-3, to: 0, until: 0.5}", "train.lr_g: lr_g cannot stay at 0, from 0.5 of the budget on"),
        ("lr_g: {from: 0, to: 0}", "train.lr_g: lr_g cannot go from 0 to 0"),
        ("lr_g: {from: {type: float, low: 0.1, high: 0.2, when: {train.loss: bce}}, to: 0}",
         "train.lr_g.from: takes no when"),
        ("r1_gamma: {type: categorical, choices: [{from: {type: float, low: 1, high: 2}, to: 0}]}",
         "train.r1_gamma.choices[0].from: must be a plain value: a choice is one whole schedule"),
    ],
)  # fmt: skip
def test_mixtures_are_told_apart(text: str, part: str) -> None:
    assert any(part in problem for problem in problems(text))


def test_parts_can_be_set_on_the_command_line() -> None:
    text = "lr_g: {from: 1e-3, to: 0}\n  betas: [0.5, {from: 0.9, to: 0.99}]"
    spec = spec_of(
        text, "train.lr_g.to={type: float, low: 0, high: 1e-4}", "train.betas[1].from=0.8", "train.lr_d.from=0",
        "train.lr_d.to=1e-3",
    )  # fmt: skip
    assert list(spec.space) == ["train.lr_g.to"]
    assert spec.plain["train.betas"][1]["from"] == 0.8
    assert spec.plain["train.lr_d"]["to"] == 1e-3
    assert spec_of(text, "train.lr_g=1e-4").plain["train.lr_g"] == 1e-4
    assert "0.001 stands above this key" in problems("lr_g: 1e-3", "train.lr_g.from=1")[0]
    assert "null stands above this key" in problems("loss: bce", "train.betas[1].from=1")[0]


KEYS = st.sampled_from(["from", "to", "shape", "until", "type", "low", "form", "when", "choices"])
VALUES: Any = st.recursive(
    st.sampled_from([0, 0.5, 1, 2, -1, None, True, "cosine", "float", "x"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=6,
)


@settings(max_examples=60)
@given(key=st.sampled_from(["lr_g", "betas", "smoothing", "batch_size"]), value=VALUES)
def test_anything_is_read_or_refused(key: str, value: object) -> None:
    from sweep.spec.yaml_tree import inline

    try:
        spec = spec_of(f"{key}: {inline(value)}")
    except SpecError as error:
        assert all(problem.message for problem in error.problems)
        return
    assert parse(spec.to_yaml()) == spec


# What is shown


def test_a_schedule_in_words() -> None:
    whole = {"from": 2.0, "to": 0.2, "shape": "cosine", "until": 1.0}
    assert formatting.value(whole) == "2 to 0.2, cosine"
    assert formatting.value({**whole, "until": 0.5}) == "2 to 0.2, cosine until 0.5 of the budget"
    assert formatting.value([0.5, whole]) == "[0.5; 2 to 0.2, cosine]"
    params = {"train.lr_g.from": 1e-3, "train.betas[1].to": 0.98, "train.r1_gamma": whole}
    assert short_params(params) == "lr_g.from=0.001 betas[1].to=0.98 r1_gamma=2 to 0.2, cosine"
    assert formatting.short_names(list(params)) == ["lr_g.from", "betas[1].to", "r1_gamma"]


# The ladder of gammas


def rungs(size: int, batch: int) -> list[float]:
    """The rule of thumb, and a quarter, a half, twice and four times of it."""
    return [0.0002 * size**2 / batch * factor for factor in (0.25, 0.5, 1, 2, 4)]


def test_the_ladder_of_gammas_follows_the_rule_of_thumb() -> None:
    path = SPACES / "gamma-ladder.yaml"
    spec = load(path)
    ladder = spec.space["train.r1_gamma"]
    assert isinstance(ladder, Categorical)
    assert ladder.choices == pytest.approx(rungs(spec.data.size, spec.plain["train.batch_size"]))
    table = re.findall(r"^#\s+(\d+)\s+(\d+)((?:\s+[\d.]+){5})$", path.read_text(), re.MULTILINE)
    assert [(int(size), int(batch)) for size, batch, _ in table] == [
        (size, batch) for size in (32, 64, 128, 256) for batch in (32, 64)
    ]
    for size, batch, numbers in table:
        assert [float(number) for number in numbers.split()] == pytest.approx(rungs(int(size), int(batch)))


@pytest.mark.parametrize(
    ("overrides", "families", "trials"),
    [([], 3, 15), *(([f"model.family={name}"], 1, 5) for name in ("dcgan", "stylegan", "stylegan2"))],
)
def test_each_family_climbs_all_rungs(overrides: list[str], families: int, trials: int) -> None:
    spec = load(SPACES / "gamma-ladder.yaml", overrides)
    points = spec.space.grid() or []
    configs = [spec.resolve(point) for point in points]
    pairs = {(config.model.family, config.train.r1_gamma) for config in configs}
    assert len(pairs) == len(points) == trials
    assert len({family for family, _ in pairs}) == families
