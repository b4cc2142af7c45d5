"""The dry run: what it says of the rungs, and that it says it to people and programs alike."""

import json

import pytest

from sweep.commands.before import planned
from sweep.commands.planning.dry_run import describe, facts
from sweep.commands.planning.expected import ExpectedRungs, expected_rungs
from sweep.search.draws import preview
from sweep.spec.specification import parse

SPEC = """
data: {count: 2000}
train:
  loss: {type: categorical, choices: [bce, lsgan]}
  smoothing: {type: float, low: 0.8, high: 1.0, step: 0.1, when: {train.loss: [bce]}}
search: {trials: 12}
asha: {grace: 2, reduction: 3, variant: stop, max: 20}
"""


def test_the_ladder_in_kimg_where_the_pictures_are_counted():
    steps = expected_rungs(parse(SPEC), 12)
    assert (steps.unit, steps.budget) == ("kimg", 40.0)
    assert [place for place, _, _ in steps.rungs] == [4.0, 12.0, 36.0]
    assert [arriving for _, arriving, _ in steps.rungs][1:] == [going_on for _, _, going_on in steps.rungs][
        :-1
    ]
    assert steps.rungs[0][1] == 12.0


def test_the_ladder_in_epochs_where_they_are_not():
    folder = ["data.source=pictures", "data.count=null"]
    steps = expected_rungs(parse(SPEC, overrides=folder), 12)
    assert (steps.unit, steps.budget, steps.rungs[1][0]) == ("epochs", 20.0, 6.0)
    assert expected_rungs(parse(SPEC, overrides=[*folder, "train.kimg=30"]), 12) is None
    assert expected_rungs(parse(SPEC, overrides=folder[:1]), 12).unit == "kimg"  # so many are drawn
    assert expected_rungs(parse(SPEC, overrides=["data.source=[pictures, avatars]"]), 12).unit == "epochs"


def test_share_of_the_training():
    # 10 trials to 1, 4 of them on to 4: 10 + 4 * 3 of 40.
    assert ExpectedRungs("epochs", 4.0, [(1.0, 10.0, 4.0)]).share == pytest.approx(22 / 40)
    assert ExpectedRungs("epochs", 4.0, []).share == 1.0


def test_a_grid_has_as_many_trials_as_cells():
    assert planned(parse(SPEC)) == 12
    assert planned(parse(SPEC, overrides=["search.sampler=grid"])) == 4
    assert planned(parse(SPEC, overrides=["search.sampler=grid", "search.trials=3"])) == 3


def test_it_is_printed(capsys):
    spec = parse(SPEC)
    describe(spec)
    shown = capsys.readouterr().out
    for part in (
        spec.to_yaml(),
        "train.smoothing  {type: float, low: 0.8, high: 1.0, step: 0.1}  when train.loss is bce",
        "12 kimg: about 5 trials arrive, 3 go on",
        "# The first 5 configurations",
        "Nothing was trained.",
    ):
        assert part in shown
    describe(parse("train: {epochs: 3}"))
    shown = capsys.readouterr().out
    assert "every trial is trained to its end" in shown
    assert "all trials have the same configuration" in shown


def test_it_is_json(capsys):
    spec = parse(SPEC)
    describe(spec, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found == json.loads(json.dumps(facts(spec)))
    assert found["samples"] == preview(spec.space, spec.search, 5)
    assert found["spec"]["train"]["loss"] == {"type": "categorical", "choices": ["bce", "lsgan"]}
    assert parse(json.dumps(found["spec"])) == spec, "JSON is YAML"


def test_more_cores_than_there_are_is_told(capsys):
    """A cluster may have them, so that it is no error here; the run says so where there is none."""
    words = "resources.cpu is 4096, and this machine has"
    describe(large := parse(SPEC, overrides=["resources.cpu=4096"]))
    assert f"# To consider\n{words}" in capsys.readouterr().out
    assert words in facts(large)["notes"][0]
    assert facts(parse(SPEC, overrides=["resources.cpu=1"]))["notes"] == []
