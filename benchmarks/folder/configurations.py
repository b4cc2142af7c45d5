"""Compare what a folder's first trial could train with: single runs, one after another, on one core.

    python benchmarks/folder/configurations.py avatars emoji=PATH photos=PATH [--only NAME ...]

Each is the DCGAN of `searchspaces/quickstart.yaml` (32 px, width 32, batches of 16) with what `WAYS` changes, seed 0,
trained for as many kimg as `WAYS` says. KID (`efficientnet_lite0` at 64 px) is of 1,024 generated pictures
to at most 2,048 real ones. The clock is the processor's. Each run is written to benchmarks/results/configurations.json
as soon as it is there, those on record are not made again, and the table in docs/systems.md is made anew.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from benchmarks.places import put  # noqa: E402
from ganlib.config import (  # noqa: E402
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.data import cache_dir, prepare  # noqa: E402
from ganlib.metrics import Evaluator  # noqa: E402
from ganlib.training.fit import Fit  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "configurations.json"
DOCS = ROOT / "docs" / "systems.md"
MODEL: dict[str, Any] = {"family": "dcgan", "variant": "simple", "latent_dim": 64, "width": 32}
TRAIN: dict[str, Any] = {
    **{"loss": "bce", "lr_g": 2e-3, "lr_d": 5e-4, "smoothing": 1.0, "r1_gamma": 3.0, "r1_every": 4},
    **{"batch_size": 16, "ema_kimg": 2.0},
}
NOW: dict[str, Any] = {"lr_d": 1.5e-3, "smoothing": 0.9, "r1_gamma": 1.0}
FAST: dict[str, Any] = {"lr_g": 1.5e-3, "lr_d": 2.4e-3, "smoothing": 0.86, "r1_gamma": 0.5}


@dataclass(frozen=True)
class Way:
    """What a run has in the place of `MODEL` and `TRAIN`, and on avatars and on other sets how long it is.

    Attributes:
        text: The row's name.
        model: Of the network.
        train: Of the training.
        kimg: How long it trains, in kimg.
        shown: Into how many equal parts evaluations divide that.
    """

    text: str
    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    kimg: tuple[float, float] = (100.0, 60.0)
    shown: tuple[int, int] = (5, 5)


LONG: dict[str, Any] = {"kimg": (400.0, 200.0), "shown": (10, 8)}
WIDE: dict[str, Any] = {"model": {"width": 64}, "kimg": (200.0, 100.0), "shown": (10, 5)}
MID, QUICK = "now: `lr_d: 0.0015`, `r1_gamma: 1`, `smoothing: 0.9`", "`lr_g: 0.0015`, `lr_d: 0.0024`"
WAYS: dict[str, Way] = {
    "base": Way("before: `lr_g: 0.002`, `lr_d: 0.0005`, `r1_gamma: 3`, `smoothing: 1`"),
    "mid": Way(MID, train=NOW),
    "fast": Way(f"{QUICK}, `r1_gamma: 0.5`, `smoothing: 0.86`", train=FAST),
    "mid-long": Way("now, for longer", train=NOW, **LONG),
    "mid-wide": Way("now, and `width: 64`", train=NOW, **WIDE),
    "fast-long": Way(f"{QUICK} ..., for longer", train=FAST, **LONG),
    "fast-wide": Way(f"{QUICK} ..., and `width: 64`", train=FAST, **WIDE),
    "w64": Way("before, and `width: 64`", {"width": 64}),
    "bs32": Way("before, and `batch_size: 32`", train={"batch_size": 32}),
    "decay5": Way("before, and `decay_from: 0.5`", train={"decay_from": 0.5}),
    "ema5": Way("before, and `ema_kimg: 5`", train={"ema_kimg": 5.0}),
    "hinge": Way("before, and `loss: hinge`", train={"loss": "hinge"}),
    "diff": Way("before, and `diffaugment: [translation]`", train={"diffaugment": ["translation"]}),
    "extra": Way(
        "before, and `variant: extra`, `d_norm: spectral`", {"variant": "extra", "d_norm": "spectral"}
    ),
}


def trained(name: str, data: DataConfig, way: Way) -> dict[str, Any]:
    """Train one way on one set; gives its row."""
    torch.set_num_threads(1)
    images = prepare(data)
    kimg, shown = (one[name != "avatars"] for one in (way.kimg, way.shown))
    measure = EvaluateConfig(
        n_fake=1024, n_real=min(2048, len(images.pictures)), every=kimg / shown, unit="kimg"
    )
    config = TrialConfig(
        data=data,
        model=ModelConfig(**(MODEL | way.model)),
        train=TrainConfig(**(TRAIN | way.train | {"kimg": kimg})),
        evaluate=measure,
        collapse=CollapseConfig(),
    )
    evaluator = Evaluator(
        images.pictures, images.hash, measure, device=torch.device("cpu"), cache=cache_dir()
    )
    begun = time.process_time()
    curve = [(round(one.kimg), round(one.score.kid, 4)) for one in Fit(config, images.pictures, evaluator)]
    return {"kimg": kimg, "cpu": round(time.process_time() - begun), "curve": curve}


def table(rows: list[dict[str, Any]]) -> str:
    """Write the rows, set by set."""
    lines = ["| set | configuration | KID at kimg | processor seconds |\n", "|---|---|---|--:|\n"]
    for row in sorted(rows, key=lambda row: (row["set"], list(WAYS).index(row["way"]))):
        curve = ", ".join(f"{kid:.3f} at {kimg}" for kimg, kid in row["curve"])
        lines.append(f"| {row['set']} | {WAYS[row['way']].text} | {curve} | {row['cpu']} |\n")
    return "".join(lines)


def main() -> None:
    """Train what is not on record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="NAME=PATH", help="none: only write the table")
    parser.add_argument("--only", nargs="+", default=["base", "mid", "fast"], choices=list(WAYS))
    parser.add_argument("--grey", nargs="*", default=["photos"], help="sets without colours")
    options = parser.parse_args()
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    for name, _, path in (one.partition("=") for one in options.sets):
        grey = {"channels": 1} if name in options.grey else {}
        source = {"source": path} if path else {"source": "avatars", "count": 3000}
        for way in options.only:
            what = {"set": name, "way": way}
            if not any(what.items() <= row.items() for row in rows):
                rows.append(what | trained(name, DataConfig(size=32, **source, **grey), WAYS[way]))
                print(rows[-1], flush=True)
                RESULTS.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    DOCS.write_text(put(DOCS.read_text(), "configurations", table(rows)))


if __name__ == "__main__":
    main()
