"""What people write where a value is wanted: paths are paths, and each mistake says what to write instead."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.spec.hints import hint
from sweep.spec.sections import TEXTS
from sweep.spec.specification import SpecError, load, parse

SMALL = "train: {epochs: 4}\n"
ODD = [
    "faces #2",
    "[old] faces",
    "a, b",
    "2024",
    "0012",
    "1e-4",
    "true",
    "null",
    "~",
    "@home",
    "100%",
    "&b",
    "*",
    " both ends ",
    "-d",
    "--help",
    'a "quote"',
    "it's",
    "C:\\temp",
    "a: b",
    "{a}",
    "[a",
    "!tag",
    "|",
    ">",
    "#",
    "a=b",
    "?x",
    "é",
    "99999999999999999999",
]


def told(text: str = SMALL, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text, "x.yaml", overrides)
    return str(caught.value)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("key", ["data.source", "evaluate.weights"])
def test_a_path_is_what_stands_behind_the_equals_sign(
    key: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    section, field = key.split(".")
    spec = parse(SMALL, overrides=[f"{key}={name}"])
    assert getattr(getattr(spec, section), field) == name
    assert parse(spec.to_yaml()) == spec


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A control character may be what an escape has made of a Windows path: those are refused, and tested by themselves.
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20))
def test_any_text_survives(text: str) -> None:
    if text.startswith("[") and text.endswith("]"):
        return
    spec = parse(SMALL, overrides=[f"data.source={text}", f"data.background={text}"])
    assert spec.data.source == text == spec.data.background
    assert parse(spec.to_yaml()) == spec


def test_lists_of_folders_where_no_folder_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(SMALL, overrides=["data.source=[a, 2024, null]"]).data.source == ["a", "2024", "null"]
    assert parse(SMALL, overrides=['data.source=["a #2", b]']).data.source == ["a #2", "b"]
    assert "put each in quotes" in told(SMALL, "data.source=[a #2, b]")
    Path("[a, b]").mkdir()
    assert parse(SMALL, overrides=["data.source=[a, b]"]).data.source == "[a, b]"


def test_nothing_is_no_weights() -> None:
    text = SMALL + "evaluate: {weights: here.pth}"
    for nothing in ("", "null", "~"):
        assert parse(text, overrides=[f"evaluate.weights={nothing}"]).evaluate.weights is None


def test_every_key_that_holds_text_is_known() -> None:
    assert {"name", "data.source", "data.style", "data.background", "evaluate.weights"} <= set(TEXTS)
    assert not any(path.startswith(("model.", "train.")) for path in TEXTS), "those can be searched"


def test_in_a_file_too_numbers_and_words_are_names() -> None:
    spec = parse("name: 2024\n" + SMALL + "data: {source: 0012, background: true}")
    assert (spec.name, spec.data.source, spec.data.background) == ("2024", "0012", "true")
    assert parse(SMALL + "data: {source: [2024, true, null]}").data.source == ["2024", "true", "null"]


def test_a_comment_that_cuts_a_text_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = SMALL + "data:\n  background: #fff\n  source: faces #2\n"
    assert "x.yaml:3: data.background: is empty" in told(text)
    assert 'write "#fff"' in told(text)
    Path("faces #2").mkdir()
    assert "x.yaml:4: data.source: is 'faces'" in told(text)
    assert 'write "faces #2"' in told(text)
    assert parse(SMALL + "data:\n  source: faces # my pictures").data.source == "faces"


@pytest.mark.parametrize("value", ["3 #x", "#x", "[0.5, 0.9] # c", "{type: float, low: 1, high: 2} # c"])
def test_no_comment_swallows_a_part_of_set(value: str) -> None:
    assert "for a comment" in told(SMALL, f"train.betas={value}")


def test_paths_are_relative_to_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both those of ``--set`` and those of a spec in another folder."""
    from sweep.commands.before import anchored

    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "s.yaml").write_text(SMALL + "data: {source: pics}\nevaluate: {weights: w.pth}")
    monkeypatch.chdir(tmp_path)
    spec = anchored(load("specs/s.yaml"))
    assert (spec.data.source, spec.evaluate.weights) == (str(tmp_path / "pics"), str(tmp_path / "w.pth"))
    assert anchored(load("specs/s.yaml", ["data.source=2024"])).data.source == str(tmp_path / "2024")


@pytest.mark.parametrize(
    ("override", "instead"),
    [
        ("train.loss=[bce,lsgan]", "--set 'train.loss={type: categorical, choices: [bce, lsgan]}'"),
        ("train.loss=bce,lsgan", "--set 'train.loss={type: categorical, choices: [bce, lsgan]}'"),
        ("train.lr_g=[1e-5,1e-3]", "{type: float, low: 1e-05, high: 0.001, log: true}'"),
        ("train.batch_size=[32,64]", "{type: int, low: 32, high: 64}'"),
        ("train.augment=[[flip],[flip,color]]", "choices: [[flip], [flip, color]]}'"),
        ("train.loss={bce, lsgan}", "{type: categorical, choices: [bce, lsgan]}"),
        ("train.epochs=[5,10]", "the budget is the same for all trials"),
        ("data.size=[32,64]", "on the same pictures and metric"),
        ("search.sampler=[tpe,random]", "the same for a whole sweep"),
    ],
)
def test_how_to_search_a_key(override: str, instead: str) -> None:
    assert instead in told(SMALL, override)


@pytest.mark.parametrize("values", [["bce", "lsgan"], ["hinge", "wgan-gp", "bce"]])
def test_what_is_told_to_write_works(values: list[str]) -> None:
    instead = told(SMALL, f"train.loss={json.dumps(values)}").split("--set '")[1].split("'")[0]
    assert parse(SMALL, overrides=[instead]).space["train.loss"].choices == tuple(values)


@pytest.mark.parametrize(
    ("override", "instead"),
    [
        ("train.lr_g=0,001", "write 0.001"),
        ("train.lr_g={type: float, low: 0,001, high: 1}", "write decimals with a point"),
        ("train.lr_g={type: float, low: '1e-5', high: 1}", "write 1e-5, without quotes"),
        ('train.lr_g="1e-4"', "write 1e-4, without quotes"),
        ("train.betas=[0,5, 0,999]", "[0.5, 0.999]"),
        ("train.betas=0.5, 0.9", "write [0.5, 0.9]"),
        ("train.smoothing=90%", "write 0.9"),
        ("search.trials=2k", "write 2000"),
        ("search.trials=1e2", "write 100"),
        ("search.trials=1_000", "write 1000"),
        ("asha.grace=4 epochs", "write 4 alone"),
        ("train.lr_g=10^-4", "write 0.0001"),
        ("collapse.enabled=yes", "write true"),
        ("train.clip=none", "leave the key out"),
        ("train.lr_g=1e-5..1e-3", "{type: float, low: 1e-5, high: 1e-3}"),
        ("train.epochs=3,asha.max=5", "--set asha.max="),
        ("train.lr_g:1e-4", "such as train.lr_g=1e-4"),
        ("train.Lr-G=1", "'lr_g'"),
        ("Train.lr_g=1", "'train'"),
        ("train.latent_dim=1", "model.latent_dim"),
        ("lr_g=1", "train.lr_g"),
        ("train.learning_rate=1", "train.lr_g and train.lr_d"),
        ("model.variant=simpel", "did you mean 'simple'?"),
        ("model.family=DCGAN", "did you mean 'dcgan'?"),
        ("search.metric=FID", "did you mean 'fid'?"),
        ("asha=none", "write asha: null"),
        ("name=my sweep", "'my-sweep'"),
    ],
)
def test_what_to_write_instead(override: str, instead: str) -> None:
    assert instead in told(SMALL, override)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("train:\n\tepochs: 1", "not tabs"),
        ('data: {source: "C:\\pics"}', "single quotes"),
        ('data: {source: "C:\\temp"}\n' + SMALL, "single quotes"),
        ("train: epochs: 1", "lines of their own"),
        ("train:\n  epochs:1", "write 'epochs: 1'"),
        ("data: {source: @x}", "needs quotes"),
        ("data: {source: *x}", "in quotes"),
        ("data: {source: &x}", "in quotes"),
        ("train: {epochs: 1", "close every {"),
        ("train:\n  epochs: 1\n  'lr_g: 2", "a quote is not closed"),
        ("train.lr_g: 1e-4", "write lr_g below train"),
    ],
)
def test_a_file_that_is_no_yaml_says_how_it_would_be(text: str, instead: str) -> None:
    assert instead in told(text)


@given(
    st.text(max_size=12), st.sampled_from(["number", "whole number", "bool", "list", "text", "choice", ""])
)
def test_a_hint_never_fails(text: str, wanted) -> None:
    assert hint(wanted, text) == "" or hint(wanted, text).startswith("; ")
