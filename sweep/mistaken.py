"""Tell what a name on the command line is where something else was wanted: a spec, a sweep, an export or none."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from ganlib.registry import did_you_mean
from sweep import shipped
from sweep.storage.called import called
from sweep.storage.layout import INFO, SPEC
from sweep.storage.opening import open_folder

_SPECS = (".yaml", ".yml")
_EXPORT = ("model.safetensors", "config.json")


def instead_of_spec(path: Path, storage: str = "runs") -> str:
    """Say what to give instead of ``path``, which is no file that could be a spec."""
    if os.path.isfile(path / INFO):
        spec = path / SPEC
        again = f"'sweep resume {called(open_folder(path))}' goes on with it"
        return f"it is the folder of a sweep: {again}; its spec is {spec}"
    if os.path.isdir(path):
        return (
            f"it is a folder, with {_listed([str(file) for file in _specs_in(path)])}"
            if holds_specs(path)
            else f"it is a folder; 'sweep init {shlex.quote(str(path))} > mine.yaml' chooses a spec for pictures there"
        )
    if os.path.isfile(Path(storage) / path / INFO):
        again = f"'sweep resume {called(open_folder(Path(storage) / path))}' goes on with it"
        return f"it is the name of a sweep: {again}; its spec is {Path(storage) / path / SPEC}"
    if no_file := _no_file(path):
        return no_file
    here = path.parent if os.path.isdir(path.parent) else Path()
    near = [file for place in (here, Path("searchspaces")) for file in _specs_in(place)]
    same = next((file for file in near if file.stem.lower() == path.stem.lower()), None)
    if same is not None:
        return f"did you mean '{same}'?"
    known = [name for name, _ in shipped.specs()]
    return did_you_mean(str(path), [*map(str, near), *known]).removeprefix(", ") or (
        f"shipped specs go by their names: {_listed(known, 8)}"
    )


def holds_specs(folder: Path) -> bool:
    """Tell whether a folder is one of specs: beside pictures a YAML file is none, as exports for detectors have it."""
    if next(_specs_in(folder), None) is None:
        return False
    from ganlib.data.listing import scan

    return not scan(str(folder), "the folder").files


def _no_file(path: Path) -> str:
    """Say what a path is that leads to no file, whatever its name is like; empty if there is nothing."""
    if os.path.islink(path) and not os.path.exists(path):
        return f"it is a link to '{os.readlink(path)}', which is not there"
    if os.path.exists(path):
        kind = "a pipe" if path.is_fifo() else "a device or socket"
        return f"it is {kind}; write the spec into a file, and give that"
    if str(path) == "-":
        return "standard input is not read; write the spec into a file, and give that"
    return instead_of_address(str(path))


def instead_of_address(name: str) -> str:
    """Say what to give instead of an address, whose slashes may have become one; empty if it is none."""
    address = re.fullmatch(r"([A-Za-z][\w+.-]+):/+(.*)", name, re.DOTALL)
    if address is None:
        return ""
    if address[1].lower() == "s3":
        bucket = shlex.quote(f"data.source=s3://{address[2]}")
        return f"it is a bucket; name a spec, and its pictures there: 'sweep run quickstart --set {bucket}'"
    return "it is an address; download the spec, and give the file"


def instead_of_sweep(name: str) -> str:
    """Say what ``name`` is where a sweep's name was wanted, as ``"; ..."``; empty if nobody knows."""
    path = Path(name)
    if path.suffix.lower() in _SPECS:
        called = _name_in(path)
        known = f", whose name is '{called}'" if called else ""
        return f"; a spec starts a sweep ('sweep run {name}'){known}"
    if is_export(path):
        return f"; it is an exported generator ('sweep generate {name}')"
    return ""


def _name_in(path: Path) -> str:
    """Find the name of a spec's sweep, as far as a glance shows it."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            found = re.search(r"^name:\s*[\"']?([\w.-]+)", file.read(1 << 16), re.MULTILINE)
    except (OSError, ValueError):
        return ""
    return found[1] if found else path.stem


def instead_of_export(path: Path, storage: str = "runs") -> str | None:
    """Say what to give instead of ``path``, which is no folder of an export; None if it is one."""
    if is_export(path):
        return None
    if os.path.isfile(path):
        whole = is_export(path.parent)
        return f"{path} is a file; give the folder of the export" + (f": {path.parent}" if whole else "")
    if sweep := next((one for one in (path, Path(storage) / path) if os.path.isfile(one / INFO)), None):
        return (
            f"{path} is a sweep, not an exported generator: write one with 'sweep best {called(open_folder(sweep))} "
            f"--export export/{path.name}', then 'sweep generate export/{path.name}'"
        )
    if not os.path.exists(path):
        return (
            f"there is no folder {path}; 'sweep best NAME --export DIR' writes an exported generator into one"
        )
    missing = ", ".join(name for name in _EXPORT if not os.path.isfile(path / name))
    below = [child for child in sorted(path.iterdir()) if is_export(child)] if os.path.isdir(path) else []
    there = f"; those below are: {_listed([str(child) for child in below])}" if below else ""
    return f"{path} is no exported generator: it has no {missing}{there}"


def is_export(path: Path) -> bool:
    """Tell whether a folder holds what 'sweep best --export' writes."""
    return all(os.path.isfile(path / name) for name in _EXPORT)


def _specs_in(folder: Path) -> Iterator[Path]:
    if os.path.isdir(folder):
        yield from sorted(file for file in folder.iterdir() if file.suffix.lower() in _SPECS)


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
