"""``configs``: points before a search, or in place of one."""

import warnings

import pytest
from click.testing import CliRunner

from sweep.cli import cli
from sweep.commands.before import planned
from sweep.commands.planning.dry_run import facts
from sweep.driver.director import Director
from sweep.records.datasets import Store
from sweep.records.status import Status
from sweep.search.draws import preview
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.schedule import Schedule
from sweep.spec.specification import SpecError, parse
from sweep.storage.opening import open_folder

LISTED = """
train: {batch_size: 64, gamma: 0.5}
configs:
- {train.loss: bce, train.label_real: 0.9, train.epochs: 2}
- {train.loss: wgan, model.variant: buffed, train.epochs: 3, train.betas: [0.1, 0.9]}
- {train.loss: bce, train.gamma: 0.75, train.epochs: 2.5}
"""
SEARCHED = """
train:
  epochs: 2
  loss: {type: categorical, choices: [bce, hinge, wgan-gp]}
  lr_g: {type: float, low: 1e-5, high: 1e-3, log: true}
  gp_weight: {type: float, low: 1, high: 10, step: 3, when: {train.loss: wgan-gp}}
search: {trials: 6, seed: 3}
configs:
- {train.loss: hinge, train.lr_g: 0.0002}
- {train.loss: wgan-gp, train.gp_weight: 7}
"""


def problems(text, *overrides):
    with pytest.raises(SpecError) as caught:
        parse(text, "x.yaml", overrides)
    return [str(problem).removeprefix("x.yaml:") for problem in caught.value.problems]


def test_a_list_in_place_of_a_search_is_the_sweep():
    spec = parse(LISTED)
    assert planned(spec) == 3
    asked = preview(spec.space, spec.search, 9, spec.configs)
    assert asked == list(spec.configs)
    first, second, third = (spec.resolve(params) for params in asked)
    assert (first.train.loss, first.train.label_real, first.train.gamma) == ("bce", 0.9, 0.5)
    assert (second.train.loss, second.train.label_real, second.model.variant) == ("wgan", 1.0, "buffed")
    assert (second.train.betas, third.train.betas) == ((0.1, 0.9), (0.5, 0.999))
    assert third.train.gamma == 0.75


def test_each_listed_trial_has_its_own_end():
    spec = parse(LISTED)
    assert spec.schedule(1000).budget == 3
    ends = [spec.trial_budget(point, spec.schedule(1000)) for point in spec.configs]
    assert ends == [2, 3, 2.5]
    assert spec.trial_budget(spec.configs[1], Schedule(1000, 1.5, 1.0)) == 1.5
    assert facts(spec)["budget"] == 60, "of 20,000 pictures"


@pytest.mark.parametrize("text", [LISTED, SEARCHED])
def test_a_resolved_spec_reads_as_itself(text):
    spec = parse(text)
    again = parse(spec.to_yaml())
    assert again == spec
    assert again.to_yaml() == spec.to_yaml()


def test_the_command_line_goes_before_a_point():
    spec = parse(LISTED, overrides=["train.epochs=7", "train.loss=bce"])
    assert [spec.trial_budget(point, Schedule(1000, 99, 1.0)) for point in spec.configs] == [7, 7, 7]
    assert "train.loss" not in spec.space
    assert planned(parse(LISTED, overrides=["search.trials=2"])) == 2


def test_points_before_a_search_come_first_and_what_they_leave_out_is_drawn():
    spec = parse(SEARCHED)
    first, second, *others = preview(spec.space, spec.search, 6, spec.configs)
    assert first == {"train.loss": "hinge", "train.lr_g": 0.0002}
    assert second.pop("train.lr_g") != 0.0002
    assert second == {"train.loss": "wgan-gp", "train.gp_weight": 7}
    assert others == preview(spec.space, spec.search, 6)[2:], "random until trials have ended"


def test_a_rebuilt_study_goes_on_with_the_points(tmp_path):
    spec = parse(SEARCHED)
    expected = preview(spec.space, spec.search, 2, spec.configs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = Study.create(tmp_path / "a.db", "a", spec.space, spec.search, spec.configs)
        assert study.ask().params == expected[0]
        study.close()
        past = [PastTrial(0, expected[0], Status.FINISHED, 1.0, 0.5)]
        study = Study.rebuild(tmp_path / "a.db", "a", spec.space, spec.search, past, spec.configs)
        assert study.ask().params == expected[1]
        study.close()


def test_mistakes_in_a_list():
    text = """
train: {epochs: 1}
configs:
- {train.los: bce}
- {train.loss: bc, train.lr_g: {type: float}}
- {data.size: 32, search.trials: 2}
- 7
"""
    assert problems(text) == [
        "4: configs[0].train.los: unknown key, did you mean 'train.loss'?; a point names keys by their path, "
        "such as train.loss",
        "5: configs[1].train.loss: unknown loss 'bc', did you mean 'bce'? (choices: bce, lsgan, mse, wgan, "
        "wgan-gp, hinge, rpgan)",
        "5: configs[1].train.lr_g: must be a number, got {type: 'float'}",
        "6: configs[2].data.size: must be a key of model or train: all trials of a sweep have the same pictures "
        "and metric",
        "6: configs[2].search.trials: must be a key of model or train: all trials of a sweep have the same "
        "pictures and metric",
        "7: configs[3]: must be a mapping from paths to values, such as {train.loss: bce, train.lr_g: 2e-4}",
    ]
    for value in ("[]", "{a: 1}", "5"):
        (only,) = problems(f"train: {{epochs: 1}}\nconfigs: {value}\n")
        assert only.startswith("2: configs: must be a list of points")


def test_mistakes_in_points_of_a_space():
    text = SEARCHED.split("configs:")[0] + (
        "configs:\n"
        "- {train.loss: bce, train.gp_weight: 4}\n"
        "- {train.gp_weight: 4}\n"
        "- {train.loss: wgan-gp, train.gp_weight: 5}\n"
        "- {train.loss: lsgan, train.lr_g: 0.1}\n"
        "- {train.lr_d: 0.1}\n"
    )
    found = problems(text)
    assert [line.split(": ", 1)[0] for line in found] == ["9", "10", "11", "12", "12", "13"]
    assert "configs[0].train.gp_weight: its condition does not hold: train.loss is 'bce'" in found[0]
    assert "configs[1].train.gp_weight: its condition is on train.loss" in found[1]
    assert "configs[2].train.gp_weight: is not among the searched values" in found[2]
    assert "configs[3].train.loss: is not among the searched values" in found[3]
    assert "configs[3].train.lr_g: is not among the searched values" in found[4]
    assert "configs[4].train.lr_d: is not searched" in found[5]


@pytest.mark.parametrize(
    "broken",
    [
        "{type: flaot, low: 1, high: 10}",
        "{type: float, low: 10, high: 1}",
        "{type: float, low: 0, high: 1, log: true}",
        "{type: categorical, choices: []}",
        "{type: float, low: 1, high: 10, when: {train.loss: nope}}",
        "{type: float, low: 1, high: 10, when: {train.nope: bce}}",
    ],
)
def test_a_distribution_that_is_wrong_is_told_once(broken):
    """Not again at each point that names its key: that is searched."""
    text = SEARCHED.replace("{type: float, low: 1, high: 10, step: 3, when: {train.loss: wgan-gp}}", broken)
    assert text != SEARCHED
    assert [told for told in problems(text) if not told.startswith("6: train.gp_weight")] == []


def test_a_key_that_is_misspelt_in_both_places_is_told_alike():
    """A point's key is not guessed from the keys that are searched alone."""
    found = problems(
        "train: {lr_gg: {type: float, low: 1e-4, high: 1e-2}, lr_d: {type: float, low: 1e-4, high: 1e-2}, epochs: 1}\n"
        "configs:\n- {train.lr_gg: 1e-3}\n"
    )
    assert [problem.count("lr_g'?") for problem in found] == [1, 1]


def test_points_that_make_no_trial():
    text = "train: {epochs: 1}\nconfigs:\n- {train.loss: bce}\n- {train.loss: hinge, train.label_real: 0.9}\n"
    (only,) = problems(text)
    assert only.startswith("4: configs[1]: label_real means nothing with hinge")
    (only,) = problems("configs:\n- {train.epochs: 1}\n- {train.loss: bce}\n")
    assert only.startswith("3: configs[1]: a trial has no end")
    (only,) = problems("asha: {grace: 2, max: 4}\nconfigs:\n- {train.epochs: 1}\n")
    assert only.startswith("3: configs[0].train.epochs: must be left out: the budget is the same")
    (only,) = problems("search: {sampler: grid}\ntrain: {epochs: 1}\nconfigs:\n- {train.loss: bce}\n")
    assert only.startswith("1: search.sampler: a grid tries every combination")


def test_the_dry_run_says_what_is_given(capsys):
    from sweep.commands.planning.dry_run import describe

    describe(parse(LISTED))
    text = capsys.readouterr().out
    assert "3 trials, each with a configuration that is given" in text
    assert "the longest trial ends at 60 kimg" in text
    describe(parse(SEARCHED))
    assert "after 2 given configurations, 6 trials" in capsys.readouterr().out


@pytest.mark.slow
def test_listed_trials_run_each_to_its_own_end_also_after_a_resume(tmp_path, monkeypatch):
    """Interrupted before the second trial's second report, the resumed sweep ends as told."""
    text = """
name: listed
data: {source: avatars, count: 48, size: 32}
model: {width: 4, latent_dim: 8}
train: {batch_size: 16}
evaluate: {every: 1, n_fake: 16, n_real: 16}
configs:
- {train.epochs: 1}
- {train.epochs: 3, train.loss: hinge}
- {train.epochs: 2, train.optimizer: sgd}
"""
    (tmp_path / "listed.yaml").write_text(text)
    report, told = Director.report, []

    def fails(self, given):
        told.append(given.trial)
        if told.count(1) == 2:
            raise KeyboardInterrupt
        return report(self, given)

    monkeypatch.setattr(Director, "report", fails)
    place = ["--local", "--storage", str(tmp_path / "runs")]
    run = CliRunner().invoke(cli, ["run", str(tmp_path / "listed.yaml"), *place])
    assert run.exit_code != 0
    monkeypatch.setattr(Director, "report", report)
    resumed = CliRunner().invoke(cli, ["resume", "listed", *place], catch_exceptions=False)
    assert resumed.exit_code == 0, resumed.output
    rows = Store(open_folder(tmp_path / "runs" / "listed")).rows("trials")
    assert [(row["status"], row["kimg"]) for row in rows] == [
        ("finished", 0.048),
        ("finished", 0.144),
        ("finished", 0.096),
    ]
    assert [row["param.train.epochs"] for row in rows] == [1, 3, 2]
    assert rows[1]["attempt"] == 1
