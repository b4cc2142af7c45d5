"""Which augmentations of real pictures show in the generated ones: how many have a ground that no real picture has.

    npm pack emoji-datasource-twitter && tar xzf emoji-datasource-twitter-*.tgz
    python benchmarks/leaks.py --emoji package/img/twitter/64 [--kimg 36] [--seeds 3] [SET ...]

Three sets of 32 px on a white ground (drawn characters, emoji, plain shapes), one configuration of
searchspaces/quickstart.yaml, some seeds; all that differs is the policy. The ground of a picture is the median of its
outermost pixels, channel by channel; it is off where a channel is more than 16 of 255 levels from the median ground of
the real pictures, and new where that is so of every single one of 1,024 real ones. What is taught is the same share of
real pictures that the policy has changed: where that is none, no leak can be seen. Runs that are already in
benchmarks/results/leaks.json are not made again; the table goes into docs/systems.md. One thread.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.stats import wasserstein_distance

from ganlib.augment.equalize import random_equalize
from ganlib.augment.real import augment
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.data import cache_dir, prepare
from ganlib.metrics import Evaluator
from ganlib.training.fit import Fit

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "leaks.json"
PAGE = ROOT / "docs" / "systems.md"
BEGIN, END = "<!-- leaks.py writes from here -->", "<!-- leaks.py to here -->"
SIZE, PICTURES, MADE, LEVELS = 32, 3000, 512, 16
P = 0.36
"""The probability of an augmentation: about the middle of the shipped specs' ranges."""

POLICIES: dict[str, dict[str, Any]] = {
    "none": {},
    "`augment: [flip]`": {"augment": ("flip",), "augment_p": P},
    "`augment: [flip, color]`": {"augment": ("flip", "color"), "augment_p": P},
    "`augment: [flip, flash]`": {"augment": ("flip", "flash"), "augment_p": P},
    "`equalize_p`": {"equalize_p": P},
    "`diffaugment: [color]`": {"diffaugment": ("color",)},
}
TRAIN: dict[str, Any] = {"lr_g": 1e-2, "lr_d": 5e-4, "smoothing": 0.9, "batch_size": 64, "ema_kimg": 5.0}
"""The ground is learnt slowly at small rates: then all pictures are off, whatever the augmentation."""
EVALUATE = EvaluateConfig(n_fake=MADE, n_real=1024, every=1e6, unit="kimg")


def shapes() -> np.ndarray:
    """Ellipses and boxes of random colours and sizes on white, ``(n, 32, 32, 3)`` uint8."""
    draw = np.random.RandomState(0)
    pictures = np.empty((PICTURES, SIZE, SIZE, 3), np.uint8)
    for i in range(PICTURES):
        image = Image.new("RGB", (SIZE * 4, SIZE * 4), "white")
        pen = ImageDraw.Draw(image)
        for _ in range(draw.randint(1, 4)):
            left, top = draw.randint(12, 70, 2)
            box = (left, top, left + draw.randint(20, 46), top + draw.randint(20, 46))
            form = pen.ellipse if draw.rand() < 0.5 else pen.rectangle
            form(tuple(map(int, box)), fill=tuple(map(int, draw.randint(0, 230, 3))))
        pictures[i] = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX))
    return pictures


def sets(emoji: str | None) -> dict[str, tuple[np.ndarray, str]]:
    """Prepare the sets of pictures by name, each with the digest of its content."""
    drawn = prepare(DataConfig(style="pixel-art", count=PICTURES, size=SIZE))
    found = {"pixel-art": (drawn.pictures, drawn.hash), "shapes": (shapes(), "shapes of leaks.py, 1")}
    if emoji:
        own = prepare(DataConfig(source=emoji, size=SIZE))
        found["emoji"] = (own.pictures, own.hash)
    return found


def grounds(pictures: np.ndarray) -> np.ndarray:
    """Take the median of the outermost pixels of each of ``(n, s, s, 3)`` pictures: ``(n, 3)``."""
    rim = np.ones(pictures.shape[1:3], bool)
    rim[1:-1, 1:-1] = False
    return np.median(pictures[:, rim], axis=1)


def apart(made: np.ndarray, real: np.ndarray) -> float:
    """How far apart two sets of colours ``(n, 3)`` are: Wasserstein's distance in levels, mean of the channels."""
    return float(np.mean([wasserstein_distance(made[:, c], real[:, c]) for c in range(3)]))


def new(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Which of the colours ``(n, 3)`` are more than `LEVELS` from each of the real ones ``(m, 3)``: ``(n,)`` bool."""
    colours = np.unique(real, axis=0)
    return (np.abs(made[:, None] - colours).max(2) > LEVELS).all(1)


def measure(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Measure what generated and real pictures have in common, where colours are concerned."""
    there, ground = grounds(made), grounds(real)
    off = (np.abs(there - np.median(ground, axis=0)) > LEVELS).any(1)
    return {
        "off": float(off.mean()),
        "new": float(new(there, ground).mean()),
        "ground_apart": apart(there, ground),
        "colour_apart": apart(made.mean((1, 2)), real.mean((1, 2))),
    }


def train(
    pictures: np.ndarray, digest: str, policy: dict[str, Any], seed: int, kimg: float
) -> dict[str, Any]:
    """One run: its row of the results."""
    config = TrialConfig(
        data=DataConfig(size=SIZE, count=PICTURES),
        model=ModelConfig(latent_dim=64, width=32),
        train=TrainConfig(**TRAIN, **policy, kimg=kimg),
        evaluate=EVALUATE,
        collapse=CollapseConfig(),
    )
    evaluator = Evaluator(pictures, digest, EVALUATE, cache=cache_dir())
    run = Fit(config, pictures, evaluator, seed=seed)
    started = time.process_time()
    evaluation = next(run)
    score = evaluation.score
    made: list[np.ndarray] = []
    generate = run._generate()
    while sum(map(len, made)) < MADE:
        made.append(generate(64).permute(0, 2, 3, 1).numpy())
    held_out = pictures[np.random.RandomState(1).permutation(len(pictures))]
    return {
        **measure(np.concatenate(made), held_out[:1024]),
        "kid": score.kid if score else None,
        "kid_se": score.kid_se if score else None,
        "fid": score.fid if score else None,
        "seconds": round(time.process_time() - started, 1),
    }


def of_real(pictures: np.ndarray, digest: str) -> dict[str, Any]:
    """Measure real pictures in place of generated ones."""
    floor = Evaluator(pictures, digest, EVALUATE, cache=cache_dir()).floor(MADE)
    order = np.random.RandomState(1).permutation(len(pictures))
    row = measure(pictures[order[1024 : 1024 + MADE]], pictures[order[:1024]])
    return row | ({"kid": floor.kid, "kid_se": floor.kid_se, "fid": floor.fid} if floor else {})


def taught(pictures: np.ndarray, policy: dict[str, Any]) -> float:
    """Measure the share of held-out real pictures whose ground is new once the policy has changed them."""
    order = np.random.RandomState(1).permutation(len(pictures))
    held_out = torch.from_numpy(np.array(pictures[order[1024:]])).permute(0, 3, 1, 2)
    random = torch.Generator().manual_seed(0)
    if "equalize_p" in policy:
        held_out = random_equalize(held_out, torch.tensor(policy["equalize_p"]), random)
    if "augment" in policy:
        scaled = held_out.float() / 127.5 - 1
        scaled = augment(scaled, torch.tensor(policy["augment_p"]), random, policy["augment"])
        held_out = ((scaled + 1) * 127.5).round().to(torch.uint8)
    made = held_out.permute(0, 2, 3, 1).numpy()
    return float(new(grounds(made), grounds(pictures[order[:1024]])).mean())


def table(runs: list[dict[str, Any]], taught: dict[str, dict[str, float]]) -> str:
    """Write the results as Markdown: means over the seeds, and the shares of each seed."""
    lines = [
        "| set | policy | taught | ground new, each seed | ground off, each seed | KID | grounds apart | mean apart |",
        "|---|---|--:|---|---|--:|--:|--:|",
    ]
    for name in dict.fromkeys(run["set"] for run in runs):
        for policy in ("real", *POLICIES):
            rows = [run for run in runs if (run["set"], run["policy"]) == (name, policy)]
            if rows:
                fresh, off = (", ".join(f"{row[key]:.1%}" for row in rows) for key in ("new", "off"))
                told = f"{taught[name][policy]:.1%}" if policy in taught.get(name, {}) else ""
                kid, ground, colour = (
                    float(np.mean([row[key] for row in rows if row.get(key) is not None]))
                    for key in ("kid", "ground_apart", "colour_apart")
                )
                lines.append(
                    f"| {name} | {policy} | {told} | {fresh} | {off} | {kid:.3f} | {ground:.1f} | {colour:.1f} |"
                )
    return "\n".join(lines)


def write(results: dict[str, Any]) -> None:
    """Put the table into the page."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{table(results['runs'], results['taught'])}\n\n{END}{tail}")


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="SET", help="of pixel-art, shapes, emoji; all without")
    parser.add_argument("--emoji", metavar="FOLDER", help="of pictures; without it that set is left out")
    parser.add_argument("--kimg", type=float, default=36)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"kimg": options.kimg, "runs": []}
    known = {(run["set"], run["policy"], run["seed"]) for run in results["runs"]}
    pictures = {
        name: found for name, found in sets(options.emoji).items() if name in (options.names or (name,))
    }

    def keep(name: str, policy: str, seed: int | None, row: dict[str, Any]) -> None:
        results["runs"].append({"set": name, "policy": policy, "seed": seed} | row)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps(results["runs"][-1]), flush=True)

    for name, (array, digest) in pictures.items():
        if (name, "real", None) not in known:
            keep(name, "real", None, of_real(array, digest))
    for seed in range(options.seeds):
        for policy, changes in POLICIES.items():
            for name, (array, digest) in pictures.items():
                if (name, policy, seed) not in known:
                    keep(name, policy, seed, train(array, digest, changes, seed, options.kimg))
    known_taught = results.setdefault("taught", {})
    for name, (array, _) in pictures.items():
        known_taught[name] = {
            policy: taught(array, changes)
            for policy, changes in POLICIES.items()
            if "diffaugment" not in changes
        }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write(results)


if __name__ == "__main__":
    main()
