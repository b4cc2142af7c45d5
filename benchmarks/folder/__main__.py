"""What `sweep run PICTURES/` makes of folders, beside PyTorch's DCGAN tutorial and the old quickstart.

    python benchmarks/folder avatars emoji=PATH photos=PATH [--minutes 15] [--seeds 0 1 2] [--out FILE]
    python benchmarks/folder --tables        # only write the table of docs/folder.md from the figures on record

Each contender gets so many minutes on two cores:

- `sweep run FOLDER --time 15m`, and nothing else;
- `tutorial`: a DCGAN as the tutorial has it (64 px, width 64, batch 128, rates 0.0002), trained until it has used
  twice so many minutes of processor time, its loader's not counted; its last generator. It gets the pictures as sweep
  prepared them, at 64 px;
- `before`: the quickstart as it once was (`before.yaml`) with this folder for its source, `--time 15m`.

All are measured alike: KID of 2,000 pictures of fresh latents to the real ones at the side that sweep chose (the
tutorial's are resized), by one extractor. Each result is written as soon as it is there, and a sheet of pictures into
`--sheets`; those on record are not made again. `avatars` without a path are 3,000 built-in faces, written as files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.places import put  # noqa: E402
from benchmarks.tutorial import Tutorial  # noqa: E402
from ganlib import load_generator  # noqa: E402
from ganlib.config import DataConfig, ModelConfig  # noqa: E402
from ganlib.data import contact_sheet, prepare  # noqa: E402
from ganlib.metrics import kid  # noqa: E402
from sweep.spec.specification import parse  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "folder.json"
DOCS = ROOT / "docs" / "folder.md"
NAMES = {
    "tutorial": "the DCGAN tutorial",
    "before": "the old quickstart",
    "sweep": "`sweep run FOLDER`",
}
BEFORE = Path(__file__).with_name("before.yaml")
CORES, PICTURES, SEED = 2, 2000, 1234
TUTORIAL_SIDE = 64


@dataclass(frozen=True)
class Trial:
    """One contender on one set with one seed."""

    folder: Path
    seed: int
    minutes: float
    work: Path

    def sweep(self) -> np.ndarray:
        """Run the folder; gives the winner's pictures."""
        self._command("run", self.folder, "--name", "own", *self._common())
        return load_generator(self.work / "export" / "own").sample(PICTURES, SEED)

    def before(self) -> np.ndarray:
        """Run the old quickstart; gives the winner's pictures."""
        source = ("--set", f"data.source={self.folder}")
        self._command("run", BEFORE, "--name", "before", *source, *self._common())
        self._command("best", "before", "--export", "export/before")
        return load_generator(self.work / "export" / "before").sample(PICTURES, SEED)

    def tutorial(self) -> np.ndarray:
        """Train the tutorial's DCGAN; gives the last generator's pictures."""
        data = self.data().model_copy(update={"size": TUTORIAL_SIDE, "labels": None})
        write(prepare(data).pictures, self.work / "pictures" / "all")
        torch.set_num_threads(CORES)
        model = ModelConfig(width=64, latent_dim=100)
        trained = Tutorial(self.work / "pictures", model, TUTORIAL_SIDE, 128, "cpu", CORES, self.seed)
        begun = time.process_time()
        for _ in trained.steps():
            if time.process_time() - begun > CORES * 60 * self.minutes:
                break
        noise = torch.randn(PICTURES, 100, 1, 1, generator=torch.Generator().manual_seed(SEED))
        with torch.no_grad():
            made = [trained.generator(part) for part in noise.split(100)]
        return np.asarray(((torch.cat(made) + 1) * 127.5).round().byte().permute(0, 2, 3, 1))

    def data(self) -> DataConfig:
        """Say how sweep prepares the pictures."""
        return parse(self._command("init", self.folder)).data

    def _common(self) -> tuple[str, ...]:
        return ("--time", f"{self.minutes:g}m", "--set", f"search.seed={self.seed}")

    def _command(self, *words: object) -> str:
        command = [sys.executable, "-m", "sweep", *map(str, words)]
        done = subprocess.run(
            command,
            cwd=self.work,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return done.stdout


def write(pictures: np.ndarray, folder: Path) -> Path:
    """Write pictures as files."""
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture.squeeze()).save(folder / f"{index:05d}.png")
    return folder


def alike(pictures: np.ndarray, side: int) -> np.ndarray:
    """Bring pictures to a side, and to three channels."""
    if pictures.shape[1] != side:
        pictures = np.stack(
            [
                np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.LANCZOS))
                for one in pictures
            ]
        )
    return np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures


def measured(trial: Trial, contender: str, sheet: Path) -> dict[str, Any]:
    """Let a contender make its pictures, and measure them."""
    load, started = os.getloadavg()[0], time.perf_counter()
    made = getattr(trial, contender)()
    seconds = time.perf_counter() - started
    real = prepare(trial.data()).pictures
    side = real.shape[1]
    drawn = np.random.default_rng(SEED).permutation(len(real))[:PICTURES]
    found = kid(alike(np.asarray(real[np.sort(drawn)]), side), alike(made, side))
    contact_sheet(alike(made, side)[:64], rows=4, cols=16).save(sheet)
    return {
        "kid": round(found.mean, 5),
        "se": round(found.se, 5),
        "side": side,
        "seconds": round(seconds),
        "load": load,
    }


def main() -> None:
    """Measure what is not on record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="NAME=PATH")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--contenders", nargs="+", default=["sweep", "tutorial", "before"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--sheets", type=Path, default=Path(tempfile.gettempdir()) / "sweep-sheets")
    parser.add_argument("--tables", action="store_true", help="only write the table")
    parser.add_argument("--one", nargs=3, metavar=("CONTENDER", "SET", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    folders = {name: path for name, _, path in (one.partition("=") for one in options.sets)}
    if options.one:
        contender, name, seed = options.one
        with tempfile.TemporaryDirectory() as work:
            folder = Path(folders[name]) if folders[name] else avatars(Path(work) / name)
            trial = Trial(folder.resolve(), int(seed), options.minutes, Path(work))
            options.sheets.mkdir(parents=True, exist_ok=True)
            sheet = options.sheets / f"{name}-{contender}-{seed}.png"
            print(json.dumps(measured(trial, contender, sheet)))
        return
    for seed in () if options.tables else options.seeds:
        for name in folders:
            for contender in options.contenders:
                known = json.loads(options.out.read_text()) if options.out.exists() else []
                what = {"set": name, "contender": contender, "seed": seed, "minutes": options.minutes}
                if any(what.items() <= row.items() for row in known):
                    continue
                # In a process of its own, whose processor time is the contender's.
                command = [sys.executable, __file__, *sys.argv[1:], "--one", contender, name, str(seed)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                row = what | json.loads(done.stdout.splitlines()[-1])
                print(row, flush=True)
                options.out.write_text("[\n" + ",\n".join(map(json.dumps, [*known, row])) + "\n]\n")
    if options.out.exists():
        told = put(DOCS.read_text(), "folder", table(json.loads(options.out.read_text()), options.minutes))
        DOCS.write_text(told)


def table(rows: list[dict[str, Any]], minutes: float) -> str:
    """Write what each contender came to on each set, seed by seed."""
    rows = [row for row in rows if row["minutes"] == minutes]
    sets = [*dict.fromkeys(row["set"] for row in rows)]
    contenders = [name for name in NAMES if any(row["contender"] == name for row in rows)]
    lines = [f"| KID after {minutes:g} minutes | {' | '.join(sets)} |\n", f"|---|{'---|' * len(sets)}\n"]
    for contender in contenders:
        found = [
            "; ".join(
                f"{row['kid']:.4f} ± {row['se']:.4f}"
                for row in sorted(rows, key=lambda row: row["seed"])
                if (row["set"], row["contender"]) == (name, contender)
            )
            for name in sets
        ]
        lines.append(f"| {NAMES[contender]} | {' | '.join(cell or '-' for cell in found)} |\n")
    return "".join(lines)


def avatars(folder: Path) -> Path:
    """Write the built-in faces as files."""
    return write(prepare(DataConfig(source="avatars", count=3000, size=TUTORIAL_SIDE)).pictures, folder)


if __name__ == "__main__":
    main()
