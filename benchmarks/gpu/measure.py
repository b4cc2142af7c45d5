"""Measure all that a card can show, in ten minutes, on a machine that has torch and needs no network.

    python benchmarks/gpu/wheels.py wheels                      # anywhere with a network: what the machine lacks
    python benchmarks/gpu/measure.py --wheels wheels            # on the machine with the card

Each part runs in a process of its own with a limit of time, forked from this one, which has imported what all of them
import and never touches the card. What is known is written after each of them, to
``benchmarks/results/gpu-<card>.json``: of each part its status, its seconds and its figures, also those that it had
found before it failed or was killed. ``--device cpu --tiny`` tries out the program itself in under a minute.
"""

import argparse
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a file
    sys.path[0] = str(ROOT)  # not this folder: its modules have everyday names

from benchmarks.gpu.parts import Figures, Settings, Skipped, last_lines  # noqa: E402
from benchmarks.gpu.wheels import unpack  # noqa: E402

GRACE = 5.0
"""Seconds after its limit at which a part is killed: it looks at the clock itself, and may end before."""
LEAST = 5.0
"""Seconds that a part has in any case."""
SKIPPED = 75
"""Exit code of a part that cannot run here."""


@dataclass(frozen=True)
class Part:
    """One part of the measurements.

    Attributes:
        module: A module beside this file.
        function: Its function that measures.
        weight: Its share of the time that is left, among those parts that are left.
    """

    module: str
    function: str
    weight: float

    def load(self) -> Callable[[Settings, Figures], None]:
        """Import the function."""
        found: Callable[[Settings, Figures], None] = getattr(import_module(self.module), self.function)
        return found


PARTS: dict[str, Part] = {
    "machine": Part("benchmarks.gpu.machine", "describe", 0.6),
    "correct": Part("benchmarks.gpu.correct", "check", 5),
    "captured": Part("benchmarks.gpu.correct", "check_captured", 4),
    "throughput": Part("benchmarks.gpu.throughput", "measure", 5),
    "packs": Part("benchmarks.gpu.packs", "measure", 3.5),
    "evaluation": Part("benchmarks.gpu.evaluation", "measure", 2),
    "sweep": Part("benchmarks.gpu.sweeping", "run", 4),
    "plan": Part("benchmarks.gpu.sweeping", "foretell", 2),
    "study": Part("benchmarks.gpu.sweeping", "study", 8),
}
BY_NAME = {"study"}
"""Parts that are measured where they are asked for alone: they take all the time that there is."""


def measure(
    parts: Mapping[str, Part],
    minutes: float,
    device: str,
    tiny: bool,
    paths: Sequence[str],
    out: Path | None,
    commit: str | None = None,
) -> dict[str, Any]:
    """Run the parts one after another, and write what is known after each.

    Args:
        parts: By name.
        minutes: For all of them; what one leaves over is the next one's.
        device: ``cuda`` or ``cpu``.
        tiny: Whether everything has its smallest size.
        paths: Folders of modules.
        out: The file; None for one that is named after the card.
        commit: Of this copy, where git does not know it.

    Returns:
        What was written.
    """
    found: dict[str, Any] = {"machine": {}, "minutes": minutes, "device": device, "tiny": tiny, "parts": {}}
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as scratch:
        for name, part in parts.items():
            left = list(parts.values())[list(parts).index(name) :]
            seconds = max(LEAST, (end - time.monotonic()) * part.weight / sum(one.weight for one in left))
            known = {one: said["figures"] for one, said in found["parts"].items()}
            settings = Settings(device, tiny, seconds, scratch, tuple(paths), known)
            said = run_part(name, part, settings)
            if name == "machine":
                found["machine"] = said["figures"]
                found["machine"]["commit"] = said["figures"].get("commit") or commit
            if name != "machine" or said["status"] != "ok":
                found["parts"][name] = said
            print(f"{name}: {said['status']}, {said['seconds']:.0f} s", flush=True)
            _write(out or _named(found), found)
            if name == "machine":
                if said["status"].startswith("skipped"):
                    break  # there is no card
                _import(parts)
    return found


def _import(parts: Mapping[str, Part]) -> None:
    """Import what parts import, once for all of them."""
    import_module("torch._dynamo")  # the first optimizer would import it
    for name, part in parts.items():
        try:
            part.load()
        except Exception as error:  # it fails again when its turn has come
            print(f"{name} cannot be imported: {error}", flush=True)


def run_part(name: str, part: Part, settings: Settings) -> dict[str, Any]:
    """Run one part in a process of its own; kill it, and all that it started, after its time."""
    scratch = Path(settings.scratch)
    figures, output = scratch / f"{name}.json", scratch / f"{name}.txt"
    begin = time.monotonic()
    process = multiprocessing.get_context("fork").Process(
        target=_inside, args=(part, settings, figures, output)
    )
    process.start()
    try:
        process.join(settings.seconds + GRACE)
        code = process.exitcode
    finally:
        _kill(process)
    read: dict[str, Any] = json.loads(figures.read_text()) if figures.exists() else {}
    said = {"status": "ok", "seconds": round(time.monotonic() - begin, 1), "figures": read}
    if code is None:
        said["status"] = f"timed out after {settings.seconds:.0f} s"
    elif code == SKIPPED:
        said["status"] = f"skipped: {read.pop('skipped')}"
    elif code:
        said["status"] = "failed"
    if code not in (0, SKIPPED) and output.exists():
        said["output"] = last_lines(output.read_text(errors="replace"))
    return said


def _inside(part: Part, settings: Settings, path: Path, output: Path) -> None:
    """Run a part in its process, which begins a session, so that it can be killed with all that it starts."""
    os.setsid()
    stream = output.open("w", buffering=1)
    for number in (1, 2):  # of other programs too
        os.dup2(stream.fileno(), number)
    sys.stdout = sys.stderr = stream
    figures = Figures(path)
    try:
        part.load()(settings, figures)
    except Skipped as reason:
        figures.note(skipped=str(reason))
        sys.exit(SKIPPED)


def _kill(process: "multiprocessing.process.BaseProcess") -> None:
    """End a process and those that it started, which are of its session."""
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # also where it had no session yet
    process.join()


def _named(found: Mapping[str, Any]) -> Path:
    """Name the file after the card; what was no measurement of one is kept apart."""
    if found["device"] == "cpu":
        return ROOT / "build" / "gpu-dry-run.json"
    card = str(found["machine"].get("card") or "unknown").lower()
    return ROOT / "benchmarks" / "results" / f"gpu-{re.sub(r'[^a-z0-9]+', '-', card).strip('-')}.json"


def _write(path: Path, found: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def main() -> int:
    """Measure; 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder of what benchmarks/gpu/wheels.py collected")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all parts together")
    parser.add_argument("--parts", nargs="+", choices=[name for name in PARTS if name != "machine"])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument(
        "--tiny", action="store_true", help="the smallest sizes, to try out the program itself"
    )
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/gpu-<card>.json")
    parser.add_argument("--commit", help="of this copy, where git does not know it")
    given = parser.parse_args()
    parts = {
        name: part
        for name, part in PARTS.items()
        if name == "machine" or name in (given.parts or PARTS.keys() - BY_NAME)
    }
    with tempfile.TemporaryDirectory() as site:
        paths = [str(ROOT), str(ROOT / "tests")]
        if given.wheels:
            unpacked = unpack(given.wheels, Path(site))
            print(f"unpacked: {', '.join(unpacked) or 'nothing, all is there'}", flush=True)
            paths.insert(0, site)
        sys.path[:0] = paths
        # Should anything that is imported ask for a card, torch asks the driver and not CUDA, which would not survive
        # a fork.
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
        import_module("torch")
        found = measure(parts, given.minutes, given.device, given.tiny, paths, given.out, given.commit)
    statuses = [said["status"] for said in found["parts"].values()]
    # The machine is among the parts where something was wrong with it.
    whole = "machine" not in found["parts"]
    return 0 if whole and all(one == "ok" or one.startswith("skipped") for one in statuses) else 1


if __name__ == "__main__":
    sys.exit(main())
