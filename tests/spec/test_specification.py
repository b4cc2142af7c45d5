"""The grammar of specs: what is read."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.sweeps.specs import SMALL, message

from ganlib.config import TrialConfig
from ganlib.errors import RequestError
from sweep.spec import hints
from sweep.spec.specification import AshaConfig, SearchConfig, SpecError, load, parse
from sweep.storage import folder

SHIPPED = sorted((Path(__file__).parents[2] / "searchspaces").rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs_are_right(path):
    spec = load(path)
    again = parse(spec.to_yaml())
    assert again == spec
    assert again.to_yaml() == spec.to_yaml()
    if not spec.configs and spec.search.sampler != "grid" and spec.search.trials > 1:
        assert spec.schedule(20_000).rungs, "a shipped search stops early"


def test_the_study_of_dcgans():
    spec = load(Path(__file__).parents[2] / "searchspaces" / "dcgan.yaml")
    assert (spec.name, spec.search.trials, spec.data.size, spec.data.count) == ("dcgan", 64, 64, 20_000)
    assert spec.schedule(20_000).rungs == (80.0, 160.0, 320.0, 640.0)
    assert spec.schedule(20_000).budget == 800.0
    assert spec.schedule(20_000).interval == 40.0
    assert spec.space["train.smoothing"].when == {"train.loss": ("bce",)}


def test_the_smallest_spec_has_defaults():
    spec = parse(SMALL, "runs/my-study.yaml")
    assert spec.name == "my-study"
    assert spec.search == SearchConfig()
    assert spec.asha is None
    assert spec.schedule(1000).rungs == ()
    assert len(spec.space) == 0
    assert isinstance(spec.resolve({}), TrialConfig)
    assert spec.resolve({}).train.epochs == 4.0


def test_resolve_fills_what_is_inactive_with_the_default():
    spec = parse(
        SMALL + "  # more\n",
        overrides=[
            "train.loss={type: categorical, choices: [bce, lsgan]}",
            "train.smoothing={type: float, low: 0.8, high: 0.9, when: {train.loss: bce}}",
        ],
    )
    assert spec.resolve({"train.loss": "lsgan"}).train.smoothing == 1.0
    assert spec.resolve({"train.loss": "bce", "train.smoothing": 0.85}).train.smoothing == 0.85
    with pytest.raises(RequestError, match=r"train\.lr_g.*not searched"):
        spec.resolve({"train.lr_g": 1e-4})
    with pytest.raises(RequestError, match="must be at most 1, got 7"):
        spec.resolve({"train.smoothing": 7.0})


@pytest.mark.parametrize(
    ("text", "images", "budget"),
    [
        ("train: {kimg: 50}", 10, 50.0),
        ("train: {epochs: 3}", 2000, 6.0),
        ("asha: {grace: 2, max: 9}", 2000, 18.0),
        ("train: {epochs: 3}\nasha: {grace: 2, max: 9}", 2000, 6.0),
        ("train: {kimg: 50}\nasha: {grace: 2, max: 9}", 2000, 18.0),
        ("train: {kimg: 5}\nasha: {grace: 2, max: 9}", 2000, 5.0),
    ],
)
def test_the_budget_is_the_smaller_of_two(text, images, budget):
    assert parse(text).schedule(images).budget == budget


def test_rungs_lie_below_the_budget():
    spec = parse("asha: {grace: 2, reduction: 3, max: 18}")
    assert spec.asha == AshaConfig(grace=2, reduction=3, max=18)
    assert spec.schedule(1000).rungs == (2.0, 6.0), "18 is the end itself"
    assert parse("asha: {grace: 4, max: 40}", overrides=["train.epochs=4"]).schedule(1000).rungs == ()
    assert parse("asha: {grace: 7, reduction: 3, unit: kimg, max: 100}").schedule(123).rungs == (
        7.0,
        21.0,
        63.0,
    )


def test_evaluations_in_kimg():
    assert parse(SMALL + "evaluate: {every: 5, unit: kimg}").schedule(123).interval == 5.0


def test_numbers_are_those_of_yaml_1_2():
    spec = parse(
        "train: {epochs: 4, lr_g: 1e-4, lr_d: .5e-3, batch_size: 0x40}\ndata: {style: no, source: '1e-4'}"
    )
    assert spec.resolve({}).train.lr_g == 1e-4
    assert spec.resolve({}).train.lr_d == 5e-4
    assert spec.resolve({}).train.batch_size == 64
    assert (spec.data.style, spec.data.source) == ("no", "1e-4")
    assert parse(spec.to_yaml()) == spec


@pytest.mark.parametrize(
    "source", ["no", "1e-4", "0o17", "null", "", "~", "a: b", "#x", "- x", "é\u2028\x85", "[a", "a\nb", " x "]
)
def test_text_survives_the_way_through_yaml(source):
    first = parse(f'{SMALL}data: {{source: "{source.encode("unicode_escape").decode()}"}}')
    assert first.data.source == source
    assert parse(first.to_yaml()) == first
    assert yaml.safe_load(first.to_yaml())["data"]["source"] == source, "for YAML 1.1 readers too"
    literal = f"{SMALL}data: {{source: {yaml.safe_dump([source], width=999)[2:].strip()}}}"
    assert parse(literal).data.source == source or source in literal


def test_lists_can_be_chosen_among():
    spec = parse("train: {epochs: 1, betas: {type: categorical, choices: [[0.5, 0.999], [0, 0.9]]}}")
    assert spec.space["train.betas"].choices == ([0.5, 0.999], [0.0, 0.9])
    assert spec.resolve({"train.betas": [0.0, 0.9]}).train.betas == (0.0, 0.9)
    assert parse(spec.to_yaml()) == spec


def test_a_spec_can_be_sent_to_another_process():
    spec = load(SHIPPED[0])
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(SpecError) as caught:
        parse("nam: 3")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, sweep.spec.specification, sweep.search.study, sweep.search.asha\n"
        "sweep.spec.specification.parse('train: {epochs: 1}').to_yaml();"
        "print([m for m in ('torch', 'ray', 'optuna', 'pyarrow', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_set_puts_values_over_the_file():
    spec = parse(
        "train: {epochs: 4, lr_g: {type: float, low: 1e-5, high: 1e-3}}\nasha: {grace: 2, max: 3}",
        overrides=[
            "train.epochs=9",
            "train.epochs=8.5",
            "train.lr_g.low=1e-4",
            "model.width={type: int, low: 16, high: 64, step: 16}",
            "asha=null",
            "search.trials=3",
            "name=2024",
            "evaluate.weights=",
        ],
    )
    assert spec.plain["train.epochs"] == 8.5
    assert spec.space["train.lr_g"].low == 1e-4
    assert spec.space["model.width"].grid() == [16, 32, 48, 64]
    assert (spec.asha, spec.search.trials, spec.name, spec.evaluate.weights) == (None, 3, "2024", None)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.epoch=4", "<--set>:1: train.epoch: unknown key, did you mean 'epochs'?"),
        ("trian.epochs=4", "<--set>:1: trian: unknown key, did you mean 'train'?"),
        ("train.epochs", "<--set>:1: needs PATH=VALUE such as train.epochs=4, got 'train.epochs'"),
        ("=4", "<--set>:1: needs PATH=VALUE such as train.epochs=4, got '=4'"),
        ("train..x=4", "<--set>:1: needs PATH=VALUE such as train.epochs=4, got 'train..x=4'"),
        ("train.epochs=four", "<--set>:1: train.epochs: must be a number, got 'four'"),
        ("train.epochs=[4", "<--set>:1: train.epochs: is not valid YAML: while parsing a flow sequence"),
        ("train.epochs.low=4", "<--set>:1: train.epochs.low: 4 stands above this key"),
        ("train=4", "<--set>:1: train: must be a section with keys and values"),
        ("name=../x", "<--set>:1: name: must be 1 to 64 letters"),
        ("train.loss={a: !x 1}", "<--set>:1: train.loss.a: YAML tags are not allowed, got !x"),
        ("train.milestones=[1, .inf]", "<--set>:1: train.milestones[1]: must be finite, got .inf"),
    ],
)
def test_set_is_checked_like_the_file(override, expected):
    assert message(SMALL, override).startswith(expected)


def test_fixing_a_key_by_hand_switches_off_what_depends_on_it():
    text = (
        "train:\n  epochs: 1\n  loss: {type: categorical, choices: [bce, lsgan]}\n"
        "  smoothing: {type: categorical, choices: [0.8, 0.9], when: {train.loss: bce}}\n"
        "  augment_p: {type: float, low: 0, high: 0.5, when: {train.smoothing: 0.8}}\n"
    )
    assert list(parse(text, overrides=["train.loss=lsgan"]).space) == []
    assert list(parse(text, overrides=["train.loss=bce"]).space) == ["train.smoothing", "train.augment_p"]
    fixed = parse(text, overrides=["train.loss=lsgan"])
    assert fixed.plain["train.smoothing"] == 1.0
    assert parse(fixed.to_yaml()) == fixed


def test_no_sweep_has_the_name_of_a_file_that_is_half_written() -> None:
    """Such are passed over where sweeps are listed: it could be run, and never be found."""
    assert hints.TEMPORARY == folder.TEMPORARY
    assert not hints.is_name("faces.tmp")
    assert hints.is_name("faces.tmp.2")
    with pytest.raises(SpecError, match=r"not end with '\.tmp'"):
        parse("name: faces.tmp\ntrain: {epochs: 1}\n")
