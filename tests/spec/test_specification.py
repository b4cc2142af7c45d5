"""The spec's grammar: what is read, what is refused, and in which words."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ganlib.config import TrialConfig
from ganlib.errors import RequestError
from sweep.spec.specification import AshaConfig, SearchConfig, SpecError, load, parse

SHIPPED = sorted((Path(__file__).parents[2] / "searchspaces").rglob("*.yaml"))
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


# ---- what is read ----------------------------------------------------------------------------------------


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


# ---- --set -----------------------------------------------------------------------------------------------


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


# ---- what is refused -------------------------------------------------------------------------------------


def test_all_mistakes_at_once_with_their_lines():
    text = """name: ../evil
data: {count: "20", size: 65, sorce: x}
model:
  family: dcgn
  variant: {type: categorical, choices: [simple, simple]}
train:
  loss: {type: categorical, choices: [bce, wgn]}
  lr_d: {type: float, low: 0.01, high: 0.001, log: true}
  lr_g:
    type: float
    low: -1
    high: 2
search: {sampler: tp}
resources: {gpu: 2.5}
"""
    assert messages(text, "train.epochs=0") == [
        "x.yaml:1: name: must be 1 to 64 letters, digits, '.', '_' or '-', start with a letter or digit and "
        "not contain '..'; got '../evil', did you mean 'evil'?",
        "x.yaml:2: data.count: must be a whole number, got '20'; write 20, without quotes",
        "x.yaml:2: data.size: must be one of 28, 32, 64, 128, 256, got 65",
        "x.yaml:2: data.sorce: unknown key, did you mean 'source'?",
        "x.yaml:4: model.family: unknown model family 'dcgn', did you mean 'dcgan'? (choices: dcgan, stylegan, "
        "stylegan2, r3gan, sngan, cyclegan, cartoongan)",
        "x.yaml:5: model.variant.choices[1]: 'simple' is given twice",
        "x.yaml:7: train.loss.choices[1]: unknown loss 'wgn', did you mean 'wgan'? (choices: bce, lsgan, mse, "
        "wgan, wgan-gp, hinge, rpgan)",
        "x.yaml:8: train.lr_d: low 0.01 is greater than high 0.001",
        "x.yaml:11: train.lr_g.low: must be above 0, got -1",
        "x.yaml:12: train.lr_g.high: must be at most 1, got 2",
        "x.yaml:13: search.sampler: must be one of 'tpe', 'random', 'gp', 'grid', 'cmaes', 'auto'; got 'tp', "
        "did you mean 'tpe'?",
        "x.yaml:14: resources.gpu: must be a whole number when above 1, got 2.5",
        "<--set>:1: train.epochs: must be above 0, got 0",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.yaml:1: must be a spec: sections such as data"),
        ("# nothing", "x.yaml:1: must be a spec"),
        ("[1, 2]", "x.yaml:1: must be a spec"),
        ("null", "x.yaml:1: must be a spec"),
        ("a: [", "x.yaml:1: is not valid YAML: while parsing a flow node"),
        (SMALL + "---\n" + SMALL, "x.yaml:2: has more than one document"),
        (SMALL + "data: {style: \x07}", "x.yaml:2: has a character that YAML does not allow: U+0007"),
        ('data: {style: "\\UFFFFFFFF"}', "x.yaml:1: is not valid YAML"),
        (SMALL + "lr_g: 3", "x.yaml:2: lr_g: unknown section; did you mean train.lr_g?"),
        (SMALL + "size: 3", "x.yaml:2: size: unknown section; did you mean data.size?"),
        (SMALL + "tran: 3", "x.yaml:2: tran: unknown key, did you mean 'train'?"),
        ("train: {epochs: 4, epochs: 5}", "x.yaml:1: train.epochs: is given twice, first on line 1"),
        (SMALL + "train: {epochs: 5}", "x.yaml:2: train: is given twice, first on line 1"),
        ("train: {epochs: .nan}", "x.yaml:1: train.epochs: must be finite, got .nan"),
        ("train: {epochs: -.INF}", "x.yaml:1: train.epochs: must be finite, got -.INF"),
        ("train: {epochs: 1e400}", "x.yaml:1: train.epochs: must be finite, got 1e400"),
        ("train: {epochs: 99999999999999999999}", "x.yaml:1: train.epochs: is too large a number"),
        ("train: {epochs: -0.0}", "x.yaml:1: train.epochs: must be above 0, got 0.0"),
        (SMALL + "data: {style: *x}", "x.yaml:2: data.style: YAML aliases are not allowed, got *x"),
        (SMALL + "data: {style: !!str x}", "x.yaml:2: data.style: YAML tags are not allowed"),
        (SMALL + "data: !!python/object:os.system x", "x.yaml:2: data: YAML tags are not allowed"),
        (SMALL + "? [a, b]\n: 1", "x.yaml:2: a key must be short plain text"),
        (SMALL + "!!str data: {}", "x.yaml:2: a key must be short plain text"),
        (SMALL + "data: " + "[" * 5000, "x.yaml:2: is nested more than 30 levels deep"),
        (SMALL + "data: {source: [" + "x," * 20_000 + "]}", "x.yaml:2: has more than 10000 values"),
        (SMALL + f"data: {{style: {'x' * 5000}}}", "x.yaml:2: data.style: is 5000 characters long"),
        ("x" * (2**20 + 1), "x.yaml:1: is 1048577 characters long; the limit is 1048576"),
        (SMALL + "data: 3", "x.yaml:2: data: must be a section with keys and values"),
        (SMALL + "data: {size: true}", "x.yaml:2: data.size: must be one of 28, 32, 64, 128, 256, got true"),
        (SMALL + "data: {source: }", "x.yaml:2: data.source: must be text or a list, got null"),
        (
            SMALL + "data: {source: [a, ]}\nmodel: {variant: 3}",
            "x.yaml:3: model.variant: must be text, got 3",
        ),
        (SMALL + "data: {count: 1.5}", "x.yaml:2: data.count: must be a whole number, got 1.5"),
        (SMALL + "model: {width: null}", "x.yaml:2: model.width: must be a whole number, got null"),
        (SMALL + "collapse: {enabled: no}", "x.yaml:2: collapse.enabled: must be true or false, got 'no'"),
        (
            SMALL + "data: {size: {type: int, low: 28, high: 32}}",
            "x.yaml:2: data.size: must be a plain value: the",
        ),
        (
            "train: {epochs: {type: int, low: 1, high: 2}}",
            "x.yaml:1: train.epochs: must be a plain value: the b",
        ),
        (
            "train: {epochs: 4, kimg: 5}",
            "x.yaml:1: train.epochs: epochs and kimg are two names for one budget",
        ),
        ("train: {epochs: 4, betas: [0.5]}", "x.yaml:1: train.betas: has too few items, got [0.5]"),
        ("train: {epochs: 4, betas: [0.5, 0.9, 1]}", "x.yaml:1: train.betas: must have at most 2 items"),
        ("train: {epochs: 4, betas: [0.5, 1]}", "x.yaml:1: train.betas[1]: must be below 1, got 1"),
        (
            "train: {epochs: 4, betas: [0.5, {type: x}]}",
            "x.yaml:1: train.betas: a distribution cannot stand in",
        ),
        (
            SMALL + "model:\n  variant: big",
            "x.yaml:3: model.variant: unknown variant 'big' of family 'dcgan'",
        ),
        (
            SMALL + "model:\n  family: stylegan2\n  d_norm: batch",
            "x.yaml:4: model.d_norm: d_norm means nothing with stylegan2, which has no such option",
        ),
        ("train: {epochs: 4, style_mixing: 0.9}", "x.yaml:1: train.style_mixing: style_mixing means nothing"),
        (
            "train: {epochs: 4, loss: wgan}\nmodel: {family: stylegan}",
            "x.yaml:1: train.loss: the loss wgan cannot train the family stylegan",
        ),
        (
            SMALL + "data: {size: 28}\nmodel: {family: stylegan}",
            "x.yaml:3: model.family: the family stylegan makes pictures of 32, 64 or 128 pixels, not 28",
        ),
        (SMALL + "model: {width: 6}", "x.yaml:2: model.width: must be a multiple of 4, got 6"),
        (SMALL + "evaluate: {extractor: resnet}", "x.yaml:2: evaluate.extractor: unknown extractor 'resnet'"),
        (
            SMALL + "search: {metric: is}",
            "x.yaml:2: search.metric: must be one of 'kid', 'fid', 'mmd', 'mind'; got 'is'",
        ),
        (SMALL + "search: {trials: 0}", "x.yaml:2: search.trials: must be at least 1, got 0"),
        (SMALL + "resources: {gpu: -0.5}", "x.yaml:2: resources.gpu: must be at least 0, got -0.5"),
        ("train: {}", "x.yaml:1: train: a trial has no end; give train.epochs, train.kimg or asha.max"),
        ("asha: {grace: 4}", "x.yaml:1: train: a trial has no end"),
        (SMALL + "asha: {max: 3}", "x.yaml:2: asha.grace: is missing; it has no default"),
        ("asha: {grace: 4, max: 4}", "x.yaml:1: asha.grace: grace 4 must be below max 4"),
        ("asha: {grace: 4, max: 9, reduction: 1}", "x.yaml:1: asha.reduction: must be at least 1.1, got 1"),
        (
            "asha: {grace: 1, max: 9}",
            "x.yaml:1: asha.grace: must be at least 2 epochs (evaluate.every), the first",
        ),
    ],
)
def test_one_mistake_one_sentence(text, expected):
    assert message(text).startswith(expected)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "..", "a..b", ".x", "-x", "", "a b", "a\\nb", "a\\0", "é", "x" * 65, "a\\n"]
)
def test_names_that_could_leave_the_folder(name):
    assert "x.yaml:1: name: must be 1 to 64 letters" in message(f'name: "{name}"\n' + SMALL)


def test_the_name_of_the_file_must_be_a_name_too():
    assert messages(SMALL, file="my study.yaml") == [
        "my study.yaml:1: name: is missing, and the file's name cannot be used for it: 'my study'"
    ]


def test_a_broken_value_has_no_second_problem():
    assert len(messages("train: {epochs: .nan}")) == 1
    assert len(messages("asha: {grace: .nan, max: 4}")) == 1
    assert len(messages("name: *x\ntrain: {epochs: 3}", file="a b.yaml")) == 1


def test_control_characters_do_not_reach_the_terminal():
    text = SMALL + '"\\e[31m": 3\ndata: {"\\u202E": 4}'
    assert all(line.isprintable() for line in messages(text))


def test_a_flood_of_mistakes_is_cut_off():
    found = messages(SMALL + "data: {" + ", ".join(f"x{n}: 1" for n in range(4000)) + "}")
    assert len(found) == 101
    assert "100 problems found" in found[-1]


# ---- files -----------------------------------------------------------------------------------------------


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "utf16.yaml").write_bytes(SMALL.encode("utf-16"))
    (tmp_path / "latin.yaml").write_bytes(b"# ok\nname: caf\xe9\n")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (2**20 + 1))
    for name, expected in {
        "missing.yaml": "no such file",
        ".": "is not the file of a spec; it is a folder, with",
        "utf16.yaml": "utf16.yaml:1: is not UTF-8 text: byte 0xff",
        "latin.yaml": "latin.yaml:2: is not UTF-8 text: byte 0xe9 at position 14",
        "huge.yaml": "larger than the limit",
        "nul\0.yaml": "cannot read the spec",
        "x" * 5000: "cannot read the spec",
        "huge.yaml/x": "cannot read the spec",
    }.items():
        with pytest.raises(RequestError) as caught:
            load(tmp_path / name)
        assert expected in str(caught.value)
    with pytest.raises(RequestError, match="is not the file of a spec"):
        load("/dev/zero")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load(tmp_path / "bom.yaml").name == "bom"
