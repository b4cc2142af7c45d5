"""`sweep play --space`: a folder that needs nothing else of this software, and loses nothing of others."""

import ast
import sys
from pathlib import Path

import pytest
import yaml
from helpers.sweeps.commands import fine, run
from helpers.training.exports import tiny_export

import ganlib
from sweep.play.space import PACKAGES, SDK


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_export(tmp_path_factory.mktemp("exports") / "faces")
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\ntags: [gan]\n---\n# Faces\n")
    return folder


@pytest.fixture(scope="module")
def space(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spaces") / "new"
    told = fine("play", export, "--space", folder).splitlines()
    assert [Path(line).name for line in told] == [
        "README.md",
        "app.py",
        "ganlib",
        "model",
        "requirements.txt",
    ]
    return folder


def test_a_space_says_how_it_is_run(space: Path) -> None:
    _, front, text = (space / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["title"] == "faces"
    assert (told["sdk"], told["sdk_version"], told["app_file"]) == ("gradio", SDK, "app.py")
    assert told["license"] == "cc-by-4.0"
    assert f"gradio=={SDK}" in text
    names = [line.partition(">")[0] for line in (space / "requirements.txt").read_text().splitlines()]
    assert names == list(PACKAGES)


def test_its_library_and_generator_are_those_of_here(space: Path, export: Path) -> None:
    ours = Path(ganlib.__file__).parent
    for path in ours.rglob("*.py"):
        assert (space / "ganlib" / path.relative_to(ours)).read_bytes() == path.read_bytes()
    for name in ("config.json", "model.safetensors", "README.md"):
        assert (space / "model" / name).read_bytes() == (export / name).read_bytes()
    assert not list(space.rglob("*.pyc"))


def test_its_app_needs_what_it_brings_and_what_is_required(space: Path) -> None:
    """Gradio and numpy, the library beside it, and what comes with Python; it was run with Gradio by hand."""
    tree = ast.parse((space / "app.py").read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    others = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert others == {"gradio", "numpy", "ganlib"}
    for name in names:
        if name.startswith("ganlib."):
            assert (space / name.replace(".", "/")).with_suffix(".py").is_file()


def test_nothing_of_others_is_lost(space: Path, export: Path, tmp_path: Path) -> None:
    done = run("play", export, "--space", space)
    assert done.exit_code == 2
    assert "--force" in done.output
    (space / "notes.txt").write_text("mine")
    fine("play", export, "--space", space, "--force")
    assert (space / "notes.txt").read_text() == "mine"
    (tmp_path / "app.py").write_text("mine")
    done = run("play", export, "--space", tmp_path, "--force")
    assert done.exit_code == 2
    assert "sweep did not write it" in done.output
    assert (tmp_path / "app.py").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
