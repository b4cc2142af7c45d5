"""Write a Hugging Face Space of an exported generator: its app, what the app needs, and the code of the library.

https://huggingface.co/docs/hub/spaces-config-reference: a README whose front matter configures the Space.
"""

from importlib import metadata, resources
from pathlib import Path
from re import match
from typing import Any

import yaml

from ganlib import written
from ganlib.errors import RequestError, WorkError
from ganlib.export.files import CONFIG, WEIGHTS, read_export

SDK = "6.31.0"
"""The version of Gradio with which the app was tried."""
PYTHON = "3.12"
PACKAGES = ("torch", "numpy", "pillow", "pydantic", "safetensors", "scipy")
"""What the library needs to load and use an export; versions are those of this package."""
PACKAGE, LIBRARY = "sweep-gan", "ganlib"
APP, MODEL, CARD = "app.py", "model", "README.md"


def write_space(export: Path, out: Path, force: bool = False) -> list[Path]:
    """Write the folder of a Space, which needs nothing else of this software.

    Args:
        export: The folder that ``sweep best --export`` wrote.
        out: A new or empty folder.
        force: Replace what an earlier call wrote there; files of others stay.

    Returns:
        What was written: files, and folders with all that is in them.

    Raises:
        RequestError: if the folder is no export, ``out`` is not empty, or a file of somebody else is in the way.
        WorkError: if the export is damaged, or the folder cannot be written.
    """
    read_export(export)
    written.check_folder(out, "--space")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise RequestError(
            f"--space: '{out}' is not empty: choose another folder, or give --force, which replaces what an earlier "
            "call wrote there and leaves everything else as it is"
        )
    files = _files(export)
    written.check(out / name for name in files)
    try:
        written.write_all(out, files, filled=True)
    except OSError as error:
        raise WorkError(f"could not write the Space to {out}: {error.strerror or error}") from None
    return [out / name for name in sorted({name.partition("/")[0] for name in files})]


def _files(export: Path) -> dict[str, bytes]:
    """Make all files of a Space, by their names relative to it."""
    kept = (CONFIG, WEIGHTS, CARD, "samples.png")
    return {
        CARD: _readme(export).encode(),
        "requirements.txt": "".join(f"{line}\n" for line in requirements()).encode(),
        APP: (resources.files("sweep.play") / "space_app.py").read_bytes(),
        **{f"{MODEL}/{name}": (export / name).read_bytes() for name in kept if (export / name).is_file()},
        **_library(),
    }


def requirements() -> list[str]:
    """List the packages that the app needs beside Gradio, which a Space has."""
    needed = metadata.requires(PACKAGE) or []
    found = {}
    for line in needed:
        if (parts := match(r"([\w.-]+)\s*([^;]*)$", line.strip())) and parts[1].lower() in PACKAGES:
            found[parts[1].lower()] = f"{parts[1]}{parts[2].strip()}"
    return [found.get(name, name) for name in PACKAGES]


def _library() -> dict[str, bytes]:
    """Read the code of the library, with its licence."""
    root = Path(str(resources.files(LIBRARY)))
    found = {
        f"{LIBRARY}/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }
    licence = metadata.distribution(PACKAGE).read_text("licenses/LICENSE")
    return found | ({f"{LIBRARY}/LICENSE": licence.encode()} if licence else {})


def _readme(export: Path) -> str:
    """Write the page of the Space, which begins with its configuration."""
    name = export.resolve().name or "generator"
    front = {
        "title": name,
        "emoji": "🎨",
        "colorFrom": "blue",
        "colorTo": "gray",
        "sdk": "gradio",
        "sdk_version": SDK,
        "python_version": PYTHON,
        "app_file": APP,
        **_licence_of(export),
    }
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n"
        f"# {name}\n\n"
        f"A page to play with the generator in `{MODEL}/`, which `sweep best --export` wrote; where it comes from, its "
        f"data and their licence are told there. `{LIBRARY}/` is a copy of the library that loads it (MIT).\n\n"
        f"On a machine of your own: `pip install -r requirements.txt gradio=={SDK}`, then `python {APP}`.\n"
    )


def _licence_of(export: Path) -> dict[str, Any]:
    """Find the licence in the front matter of an export's card; nothing where there is none."""
    try:
        _, front, _ = (export / CARD).read_text(encoding="utf-8").split("---\n", 2)
        told = yaml.safe_load(front)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    names = ("license", "license_name", "license_link")
    return {name: told[name] for name in names if name in told} if isinstance(told, dict) else {}
