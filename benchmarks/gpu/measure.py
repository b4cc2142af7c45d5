"""Measure all that a card can show, in ten minutes, on a machine that has torch and needs no network.

    python benchmarks/gpu/wheels.py wheels                      # anywhere with a network: what the machine lacks
    python benchmarks/gpu/measure.py --wheels wheels            # on the machine with the card

Each part runs in a process of its own with a limit of time. What is known is written after each of them, to
``benchmarks/results/gpu-<card>.json``: of each part its status, its seconds and its figures, also those that it had
found before it failed or was killed. ``--device cpu --tiny`` tries out the program itself in under a minute.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a file
    sys.path[0] = str(ROOT)  # not this folder: its modules have everyday names

from benchmarks.gpu.child import SKIPPED  # noqa: E402
from benchmarks.gpu.parts import Settings, last_lines  # noqa: E402
from benchmarks.gpu.wheels import unpack  # noqa: E402

GRACE = 5.0
"""Seconds after its limit at which a part is killed: it looks at the clock itself, and may end before."""


@dataclass(frozen=True)
class Part:
    """One part of the measurements.

    Attributes:
        target: ``module:function``.
        weight: Its share of the time that is left, among those parts that are left.
    """

    target: str
    weight: float


PARTS: dict[str, Part] = {
    "machine": Part("benchmarks.gpu.machine:describe", 0.6),
    "correct": Part("benchmarks.gpu.correct:check", 7),
    "throughput": Part("benchmarks.gpu.throughput:measure", 5),
    "packs": Part("benchmarks.gpu.packs:measure", 3),
    "evaluation": Part("benchmarks.gpu.evaluation:measure", 2),
    "sweep": Part("benchmarks.gpu.sweeping:run", 4),
    "plan": Part("benchmarks.gpu.sweeping:foretell", 2),
}


def measure(
    parts: Mapping[str, Part], minutes: float, device: str, tiny: bool, paths: Sequence[str], out: Path | None
) -> dict[str, Any]:
    """Run the parts one after another, and write what is known after each.

    Args:
        parts: By name.
        minutes: For all of them; what one leaves over is the next one's.
        device: ``cuda`` or ``cpu``.
        tiny: Whether everything has its smallest size.
        paths: Folders of modules.
        out: The file; None for one that is named after the card.

    Returns:
        What was written.
    """
    found: dict[str, Any] = {"machine": {}, "minutes": minutes, "device": device, "tiny": tiny, "parts": {}}
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as scratch:
        for name, part in parts.items():
            left = list(parts.values())[list(parts).index(name) :]
            seconds = max(5.0, (end - time.monotonic()) * part.weight / sum(one.weight for one in left))
            known = {one: said["figures"] for one, said in found["parts"].items()}
            settings = Settings(device, tiny, seconds, scratch, tuple(paths), known)
            said = run_part(name, part, settings)
            if name == "machine":
                found["machine"] = said["figures"]
            if name != "machine" or said["status"] != "ok":
                found["parts"][name] = said
            print(f"{name}: {said['status']}, {said['seconds']:.0f} s", flush=True)
            _write(out or _named(found), found)
            if name == "machine" and said["status"].startswith("skipped"):
                break  # there is no card
    return found


def run_part(name: str, part: Part, settings: Settings) -> dict[str, Any]:
    """Run one part in a process of its own; kill it, and all that it started, after its time."""
    scratch = Path(settings.scratch)
    asked, figures, output = (scratch / f"{name}.{kind}" for kind in ("settings", "json", "txt"))
    plain = asdict(settings)
    del plain["begun"]  # the part has a clock of its own
    asked.write_text(json.dumps(plain, default=str))
    command = [sys.executable, str(ROOT / "benchmarks/gpu/child.py"), part.target, str(asked), str(figures)]
    begin = time.monotonic()
    with output.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=settings.environment, start_new_session=True
        )
        try:
            code: int | None = process.wait(settings.seconds + GRACE)
        except subprocess.TimeoutExpired:
            code = None
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
    if code not in (0, SKIPPED):
        said["output"] = last_lines(output.read_text(errors="replace"))
    return said


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started, which are of its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _named(found: Mapping[str, Any]) -> Path:
    card = str(found["machine"].get("card") or "unknown")
    return ROOT / "benchmarks" / "results" / f"gpu-{re.sub(r'[^a-z0-9]+', '-', card.lower()).strip('-')}.json"


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
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, to try out the program itself")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/gpu-<card>.json")
    given = parser.parse_args()
    parts = {
        name: part for name, part in PARTS.items() if name == "machine" or name in (given.parts or PARTS)
    }
    with tempfile.TemporaryDirectory() as site:
        paths = [str(ROOT), str(ROOT / "tests")]
        if given.wheels:
            print(f"unpacked: {', '.join(unpack(given.wheels, Path(site))) or 'nothing, all is there'}", flush=True)
            paths.insert(0, site)
        found = measure(parts, given.minutes, given.device, given.tiny, paths, given.out)
    statuses = [said["status"] for said in found["parts"].values()]
    return 0 if all(one == "ok" or one.startswith("skipped") for one in statuses) else 1


if __name__ == "__main__":
    sys.exit(main())
