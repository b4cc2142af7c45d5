"""Where a mistake stands in a spec, and what to write instead: text that looks right and is not."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.sweeps.commands import run

from sweep.cli import cli
from sweep.spec.specification import SpecError, load, parse

GOOD = """\
name: small
data:
  source: avatars
  count: 64
model:
  width: 8
train:
  lr_g: {type: float, low: 1e-4, high: 1e-3}
  loss: "bce"
  epochs: 2
"""


def told(text: str | bytes, *overrides: str, place: Path | None = None) -> str:
    with pytest.raises(SpecError) as caught:
        if isinstance(text, bytes):
            assert place is not None
            (place / "x.yaml").write_bytes(text)
            load(place / "x.yaml", overrides)
        else:
            parse(text, "x.yaml", overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('loss: "bce"', 'loss: "bce', ("x.yaml:9:", "a quote is not closed")),
        ('loss: "bce"', "loss: 'bce", ("x.yaml:9:", "a quote is not closed")),
        ("source: avatars", "source: 'avatars", ("x.yaml:3:", "a quote is not closed")),
        ("width: 8", "width:8", ("x.yaml:6:", "a colon and a blank")),
        ("model:", "model", ("x.yaml:5:", "a colon and a blank")),
        ("high: 1e-3}", "high: 1e-3", ("x.yaml:9:", "opened on line 8", "close every {")),
        ("count: 64", "count: [64", ("x.yaml:5:", "opened on line 4", "close every {")),
        ("  width: 8", "\u00a0\u00a0width: 8\n  latent_dim: 8", ("line 6", "U+00A0", "blank")),
        ("width: 8", "width:\u20098\n  latent_dim: 8", ("line 6", "U+2009", "blank")),
        ("  source: avatars", "  source:\tavatars: x", ("x.yaml:3:",)),
        ("count: 64", "count:\t64\n  size: 32", ("x.yaml:4:", "blanks, not tabs")),
    ],
)
def test_the_line_is_the_one_to_mend(old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in GOOD
    message = told(GOOD.replace(old, new))
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("override", "instead"),
    [
        ("model.width=\uff13\uff12", "write 32,"),
        ("model.width=\u0663\u0662", "write 32,"),
        ("train.lr_g=1e\u20114", "write 1e-4,"),
        ("train.lr_g=1e\u20134", "write 1e-4,"),
        ("train.lr_g=1e\u22124", "write 1e-4,"),
        ("train.lr_g=\uff10\uff0e5", "write 0.5,"),
        ("train.lr_g=\uff10\uff0c5", "write 0.5:"),
        ("train.betas=(0.5, 0.9)", "write [0.5, 0.9]"),
        ("train.betas=0.5, 0.9)", "write [0.5, 0.9]"),
        ("train.lr_g=1e-4,1e-3", "{type: categorical, choices: [1e-4, 1e-3]}"),
        ("train.batch_size=16, 32, 64", "{type: categorical, choices: [16, 32, 64]}"),
        ("train.lr_g=uniform(1e-3, 1e-2)", "{type: float, low: 1e-3, high: 1e-2}"),
        ("train.lr_g=loguniform(1e-4, 1e-2)", "{type: float, low: 1e-4, high: 1e-2, log: true}"),
        ("model.width=int(8, 64)", "{type: int, low: 8, high: 64}"),
        ("train.batch_size=none", "leave the key out"),
        ("train.loss=\uff42\uff43\uff45", "did you mean 'bce'"),
        ("name=gr\u00f6\u00dfe 2", "did you mean 'grosse-2'"),
        ("name=\u00c9tude", "did you mean 'Etude'"),
    ],
)
def test_what_to_write_instead(override: str, instead: str) -> None:
    message = told(GOOD, override)
    assert instead in message, message
    path = override.partition("=")[0]
    if "write " in instead and path != "train.betas":
        written = instead.removeprefix("write ").rstrip(",:")
        parse(GOOD, "x.yaml", [f"{path}={written}"])
    elif instead.startswith("{"):
        parse(GOOD, "x.yaml", [f"{path}={instead}"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOOD.encode("utf-16"), ("UTF-16", "save it as UTF-8")),
        (b"\xfe\xff" + GOOD.encode("utf-16-be"), ("UTF-16", "save it as UTF-8")),
        (GOOD.encode("utf-32"), ("save it as UTF-8",)),
        (GOOD.replace("small", "gr\u00f6sser").encode("latin-1"), ("x.yaml:1:", "save it as UTF-8")),
        (GOOD.encode().replace(b"avatars", b"\x93avatars\x94"), ("x.yaml:3:", "save it as UTF-8")),
    ],
)
def test_other_encodings(data: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    message = told(data, place=tmp_path)
    for word in words:
        assert word in message, message


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("s.yaml", "my spec.yaml"):
        Path(name).write_text(GOOD)
    os.mkfifo("pipe.yaml")
    Path("gone.yaml").symlink_to("elsewhere.yaml")
    Path("runs/first").mkdir(parents=True)
    Path("runs/first/sweep.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "words", "never"),
    [
        ("run gone.yaml", ("a link to 'elsewhere.yaml'", "not there"), "did you mean"),
        ("run pipe.yaml", ("a pipe", "into a file"), "did you mean"),
        ("run -", ("standard input", "into a file"), "did you mean"),
        ("run s3://b/faces", ("a bucket", "sweep run quickstart --set data.source=s3://b/faces"), "download"),
        (
            "init s3://b/faces",
            ("a bucket", "sweep run quickstart --set data.source=s3://b/faces"),
            "no folder",
        ),
        ("run https://host/s.yaml", ("an address", "download"), "did you mean"),
        ("run my spec.yaml", ("in quotes", "'my spec.yaml'"), "Traceback"),
        ("data my spec.yaml", ("in quotes", "'my spec.yaml'"), "Traceback"),
        ("s.yaml", ("sweep run s.yaml",), "Traceback"),
    ],
)
def test_a_spec_that_is_no_file(command: str, words: tuple[str, ...], never: str, place: Path) -> None:
    result = CliRunner().invoke(cli, command.split(" "))
    assert result.exit_code == 2, result.output
    output = " ".join(result.output.split())
    for word in words:
        assert word in output, output
    assert never not in output


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", ""],
        ["run", "s.yaml", "--address", ""],
        ["run", "s.yaml", "--local", "--address="],
        ["run", "s.yaml", "--name", ""],
        ["resume", ""],
        ["resume", "first", "--address", ""],
        ["confirm", "first", "--address", ""],
        ["best", "first", "--export", ""],
        ["best", "first", "--export="],
        ["generate", ""],
        ["report", "first", "--out", ""],
        ["score", "", "--against", ""],
        ["ls", "--storage", " "],
    ],
    ids=" ".join,
)
def test_an_empty_argument_means_nothing(arguments: list[str], place: Path) -> None:
    """What a shell makes of a variable that is not set; the folder '' would be the one that one is in."""
    before = sorted(place.rglob("*"))
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2, result.output
    assert "is empty" in result.output
    assert "Traceback" not in result.output
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "# x", "*x", "a: b", "[a]", "null "])
def test_a_name_of_the_command_line_is_no_yaml(name: str, place: Path) -> None:
    result = run("run", "s.yaml", "--dry-run", "--no-measure", f"--name={name}")
    assert result.exit_code == 2, result.output
    assert "is empty" in result.output or f"got {name!r}" in result.output.replace('"', "'")


def test_a_comment_behind_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "b #2"):
        Path(name).mkdir()
    for source in ("[a, b]  # two", "a # one", "\n  - a # one\n  - b"):
        assert parse(GOOD.replace("avatars\n  count: 64", source)).data.source is not None
    cut = "is b, because YAML takes '#' for the begin of a comment, but there is 'b #2'; write \"b #2\""
    for source, line in (("b #2", 3), ("\n  - a\n  - b #2", 5)):
        assert told(GOOD.replace("avatars\n  count: 64", source)).startswith(
            f"x.yaml:{line}: data.source: is "
        )
        assert cut.replace("is b,", "is 'b',") in told(GOOD.replace("avatars\n  count: 64", source))
    assert "is empty, because YAML takes '#'" in told(GOOD.replace("count: 64", "background: #fff"))
