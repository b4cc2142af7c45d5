"""What is told of the package, once and in agreement: version, release, citation, and what a wheel holds."""

import re
import subprocess
import sys
import tomllib
import zipfile
from datetime import date
from email import message_from_string
from pathlib import Path

import pytest
import yaml

from sweep import __version__

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "vendor.citation-file-format": "CITATION.cff",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_a_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for package in ("sweep", "ganlib"):
        assert f"{package}/py.typed" in names
        files = {path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        assert {path.relative_to(ROOT).as_posix() for path in files} <= names


def test_a_wheel_says_its_version(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    assert message_from_string(wheel.read(name).decode())["Version"] == __version__


def test_every_python_that_is_claimed_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert claimed == workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={claimed[0]}"


def test_both_locks_agree_and_name_no_registry() -> None:
    locks = [(ROOT / name).read_text() for name in ("requirements.lock", "requirements-docs.lock")]
    everything, docs = (set(re.findall(r"^(\S+)==(\S+)", lock, re.MULTILINE)) for lock in locks)
    names = {name for name, _ in everything}
    assert {pin for pin in docs if pin[0] in names} <= everything
    assert "://" not in "".join(locks)


def test_the_version_has_a_release_with_a_date_in_the_changelog() -> None:
    releases = re.findall(r"^## \[(\d\S*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0][0] == __version__
    days = [date.fromisoformat(day) for _, day in releases]
    assert days == sorted(days, reverse=True)


def test_the_citation_is_of_the_newest_release() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert f"## [{__version__}] - {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_the_forge_follow_their_schemas(schema: str) -> None:
    files = sorted(map(str, ROOT.glob(SCHEMAS[schema])))
    assert files
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
