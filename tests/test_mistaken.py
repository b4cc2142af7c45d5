"""A name where a spec is wanted, a file where a folder is, an option that is a key: what to give instead."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sweep.cli import cli


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as users have it: a spec, two sweeps' folders (one of them empty), an export, pictures."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs/first", "export/first", "specs", "searchspaces", "empty"):
        Path(name).mkdir(parents=True)
    Path("runs/first/sweep.json").write_text("{}")
    Path("runs/first/spec.yaml").write_text("name: first\ntrain: {epochs: 1}\n")
    for name in ("model.safetensors", "config.json"):
        Path("export/first", name).write_bytes(b"\x81\x81")
    for name in ("s.yaml", "specs/a.yaml", "searchspaces/quickstart.yaml"):
        Path(name).write_text("name: other\ntrain: {epochs: 1}\n")
    Path("faces.zip").write_bytes(b"PK\x03\x04".ljust(2 << 20))  # larger than any spec
    return tmp_path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run first", ("sweep resume first", "runs/first/spec.yaml")),
        ("run runs/first", ("sweep resume first", "spec.yaml")),
        ("run specs", ("it is a folder", "specs/a.yaml")),
        ("run empty", ("has no pictures: it is empty", "thousands are good")),
        ("run S.YAML", ("did you mean 's.yaml'",)),
        ("run s", ("did you mean 's.yaml'",)),
        ("run quikstart", ("did you mean 'quickstart'",)),
        ("run faces.zip", ("unzip faces.zip -d faces", "sweep run faces")),
        ("run searchspaces/quikstart.yaml", ("searchspaces/quickstart.yaml",)),
        ("run export/first/model.safetensors", ("not UTF-8 text", "a spec is YAML")),
        ("data first", ("sweep resume first",)),
        ("resume s.yaml", ("sweep run s.yaml", "'other'")),
        ("report s.yaml", ("sweep run s.yaml",)),
        ("best specs/a.yaml", ("sweep run specs/a.yaml",)),
        ("check s.yaml", ("sweep run s.yaml",)),
        ("watch s.yaml", ("sweep run s.yaml",)),
        ("confirm s.yaml", ("sweep run s.yaml",)),
        ("show export/first", ("sweep generate export/first",)),
        ("best --storage nowhere", ("no sweeps in", "--storage")),
        ("best s.yaml --storage empty", ("no sweeps in", "sweep run s.yaml")),
        ("ls --storage s.yaml", ("is a file; give a folder",)),
        ("run s.yaml --storage s.yaml", ("is a file; give a folder",)),
        ("generate first", ("sweep best first --export",)),
        ("generate runs/first", ("sweep best first --export",)),
        ("generate export/first/model.safetensors", ("give the folder of the export: export/first",)),
        ("generate export/first/config.json", ("give the folder of the export: export/first",)),
        ("generate s.yaml", ("is a file; give the folder",)),
        ("generate export", ("it has no model.safetensors", "export/first")),
        ("generate nowhere", ("there is no folder nowhere", "--export DIR")),
        ("best first --export s.yaml", ("'s.yaml' is a file",)),
        ("score empty --against empty --extractor incption", ("did you mean 'inception'",)),
        ("run s.yaml train.lr_g=3", ("--set 'train.lr_g=3'",)),
        ("run s.yaml --set train.lr_g 1e-4", ("PATH=VALUE",)),
        ("run s.yaml --epochs 3", ("--set train.epochs=VALUE",)),
        ("run s.yaml --batch-size 3", ("--set train.batch_size=VALUE or --set evaluate.batch_size=VALUE",)),
        ("run s.yaml --train.lr_g 3", ("--set train.lr_g=VALUE",)),
        ("run s.yaml --seed 3", ("data.seed", "search.seed")),
        ("data s.yaml --count 3", ("--set data.count=VALUE",)),
        ("run s.yaml --no-measure", ("--dry-run",)),
        ("run " + "a" * 300, ("too long",)),
        ("resume " + "a" * 300, ("no sweep",)),
        ("generate " + "a" * 300, ("there is no folder",)),
    ],
)
def test_what_to_give_instead(command: str, words: tuple[str, ...], place: Path) -> None:
    result = CliRunner().invoke(cli, command.split(" "))
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    told = " ".join(result.output.split())
    for word in words:
        assert word in told, told
