"""``deploy/Dockerfile`` and its lock, as far as they can be tried without a builder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Dockerfile"
TEXT = FILE.read_text()
LOCK = (ROOT / "requirements-image.lock").read_text()


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))


@pytest.mark.parametrize(
    ("program", "path"), [("hadolint", FILE), ("shellcheck", ROOT / "deploy" / "slurm.sbatch")]
)
def test_lint(program: str, path: Path) -> None:
    done = subprocess.run([Path(sys.executable).with_name(program), path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_all_that_is_copied_is_there_and_in_the_context() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE)
        for word in line.split()[:-1]
        if not word.startswith("--")
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == set(copied)


def test_the_lock_names_no_registry_and_has_hashes() -> None:
    assert "://" not in LOCK
    assert "index" not in [
        line.strip().lstrip("-").partition("-")[0] for line in LOCK.splitlines() if line.startswith("-")
    ]
    assert all(
        "--hash=sha256:" in entry for entry in re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    )


def test_versions_are_those_that_are_tested() -> None:
    image, tested = pins(LOCK), pins((ROOT / "requirements.lock").read_text())
    assert {name for name in image.keys() & tested.keys() if image[name] != tested[name]} == set()
    lowest = re.search(r'"ray\[tune\]>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert lowest is not None
    assert Version(lowest[1]) <= Version(image["ray"])
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "{versions: lowest" in workflow
    assert "{versions: newest" in workflow


def test_without_cuda_all_but_pytorch_keeps_its_hashes(tmp_path: Path) -> None:
    """The filter of the lock, as the image's build runs it."""
    rest = re.search(r"(awk '[^']*keep[^']*') requirements-image.lock > rest.lock", TEXT)
    torch = re.search(r"(awk '[^']*print \$1[^']*') requirements-image.lock > torch.txt", TEXT)
    assert rest is not None
    assert torch is not None

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"{command} {ROOT / 'requirements-image.lock'}"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    kept, all_of = pins(run(rest[1])), pins(LOCK)
    left = all_of.keys() - kept.keys()
    assert {"torch", "torchvision"} <= left
    assert all(re.match(r"torch|torchvision|triton|nvidia|cuda", name) for name in left)
    assert run(torch[1]).split() == [f"torch=={all_of['torch']}", f"torchvision=={all_of['torchvision']}"]


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (.*)$", TEXT, re.MULTILINE) == ["1000"]
    assert "--uid 1000" in TEXT
