"""Specs that are refused: all mistakes at once, each with its line and in one sentence."""

import pytest
from helpers.sweeps.specs import SMALL, message, messages

from ganlib.errors import RequestError
from sweep.spec.specification import load


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
        "x.yaml:1: name: must be 1 to 64 letters, digits, '.', '_' or '-', start with a letter or digit, not "
        "contain '..' and not end with '.tmp'; got '../evil', did you mean 'evil'?",
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
        "x.yaml:14: resources.gpu: must be at most 1, got 2.5",
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
