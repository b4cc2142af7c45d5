"""Train every system for a few minutes on drawn avatars and measure it before and after.

    python benchmarks/systems.py [--seconds 360] [NAME ...]

One thread, 32 px. The clock is the processor's time, not the wall's, so that a busy machine changes nothing but the
wait. Writes a row for each system to benchmarks/results/systems.json, its grid to docs/images/systems/, and the table
in docs/systems.md anew. A system here is a name and what it changes in the configuration.
"""

import argparse
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from PIL import Image

from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.data import cache_dir, prepare
from ganlib.data.sheet import grid
from ganlib.metrics import Evaluator, Score
from ganlib.models.latents import fixed_latents
from ganlib.training.fit import Fit, Interrupted

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "systems.json"
IMAGES = ROOT / "docs" / "images" / "systems"
PAGE = ROOT / "docs" / "systems.md"
BEGIN, END = "<!-- systems.py writes from here -->", "<!-- to here -->"
PICTURES, LATENT, COLUMNS, ROWS, ZOOM = 3000, 64, 12, 3, 2

DATA = DataConfig(size=32, count=PICTURES)
EVALUATE = EvaluateConfig(n_fake=1024, n_real=2048, every=1e6, unit="kimg")
MODEL: dict[str, Any] = {"latent_dim": LATENT, "width": 16}
TRAIN: dict[str, Any] = {"batch_size": 32, "kimg": 1e6, "lr_g": 1e-3, "lr_d": 1e-3, "ema_kimg": 5.0}
STYLED: dict[str, Any] = {
    **{"batch_size": 16, "lr_g": 5e-3, "lr_d": 5e-3, "betas": (0.0, 0.99)},
    **{"r1_gamma": 3.0, "r1_every": 8, "ema_kimg": 2.0},
}
SYSTEMS: dict[str, dict[str, dict[str, Any]]] = {
    "dcgan": {"train": {"lr_g": 2e-3, "lr_d": 5e-4, "r1_gamma": 3.0, "r1_every": 4}},
    "dcgan-extra": {"model": {"variant": "extra", "d_norm": "spectral"}},
    "wgan": {
        "model": {"d_norm": "none"},
        "train": {"loss": "wgan", "optimizer": "rmsprop", "lr_g": 2e-3, "clip": 0.05, "critic_steps": 2},
    },
    "wgan-gp": {"train": {"loss": "wgan-gp", "betas": (0.0, 0.9), "critic_steps": 2}},
    "lsgan": {"model": {"d_norm": "spectral"}, "train": {"loss": "lsgan"}},
    "hinge": {"model": {"d_norm": "spectral"}, "train": {"loss": "hinge", "betas": (0.0, 0.9)}},
    "dragan": {"train": {"lr_d": 5e-4, "dragan_weight": 1.0, "gp_every": 4}},
    "sngan": {"model": {"family": "sngan", "width": 8}, "train": {"loss": "hinge", "betas": (0.0, 0.9)}},
    "r3gan": {
        "model": {"family": "r3gan"},
        "train": {
            **{"loss": "rpgan", "betas": (0.0, 0.99), "ema_kimg": 2.0, "r1_gamma": 0.3, "r2_gamma": 0.3},
            **{"r1_every": 4, "r2_every": 4},
        },
    },
    "stylegan": {"model": {"family": "stylegan", "width": 4, "mapping_layers": 4}, "train": STYLED},
    "stylegan2": {"model": {"family": "stylegan2", "width": 4, "mapping_layers": 2}, "train": STYLED},
}


def measure(name: str, seconds: float) -> dict[str, Any]:
    """Train one system; its row of the table."""
    images = prepare(DATA)
    config = configuration(**SYSTEMS[name])
    evaluator = Evaluator(
        images.pictures, images.hash, EVALUATE, device=torch.device("cpu"), cache=cache_dir()
    )
    started = end = 0.0
    run = Fit(config, images.pictures, evaluator, interrupt=lambda: time.process_time() >= end)
    before = score(evaluator, run)
    started = time.process_time()
    end = started + seconds
    with suppress(Interrupted):
        next(run)
    spent = time.process_time() - started
    after = score(evaluator, run)
    IMAGES.mkdir(parents=True, exist_ok=True)
    pictures = run.step.sample(fixed_latents(COLUMNS * ROWS, config.model.latent_dim))
    sheet = grid(pictures.permute(0, 2, 3, 1).cpu().numpy(), COLUMNS)
    sheet = sheet.resize((ZOOM * sheet.width, ZOOM * sheet.height), Image.Resampling.NEAREST)
    sheet.save(IMAGES / f"{name}.png", optimize=True)
    return {
        "kimg": round(run.kimg, 1),
        "seconds": round(spent),
        "kid_before": before.kid,
        "kid_after": after.kid,
        "fid_before": before.fid,
        "fid_after": after.fid,
        "extractor": after.extractor,
        "n_fake": EVALUATE.n_fake,
        "n_real": EVALUATE.n_real,
        "settings": settings(config),
    }


def configuration(model: dict[str, Any] | None = None, train: dict[str, Any] | None = None) -> TrialConfig:
    """Make a configuration of what differs from that of all systems."""
    return TrialConfig(
        data=DATA,
        model=ModelConfig(**(MODEL | (model or {}))),
        train=TrainConfig(**(TRAIN | (train or {}))),
        evaluate=EVALUATE,
        collapse=CollapseConfig(),
    )


def settings(config: TrialConfig) -> str:
    """Say what differs from a spec's defaults, beside the budget."""
    return ", ".join(
        f"`{key}: {json.dumps(value)}`"
        for section in (config.model, config.train)
        for key, value in section.model_dump(mode="json", exclude_defaults=True).items()
        if key != "kimg"
    )


def score(evaluator: Evaluator, run: Fit) -> Score:
    """Metrics of the averaged generator, on the latents that training's evaluations use."""
    return evaluator.score(run._at_work())


def table(results: dict[str, dict[str, Any]]) -> str:
    """Write the results as Markdown, in the order of `SYSTEMS`, each grid with its settings below."""
    rows = [
        "| system | kimg | CPU seconds | KID before | KID after | times better | FID before | FID after |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    known = [name for name in SYSTEMS if name in results]
    grids = []
    for name in known:
        row = results[name]
        times = row["kid_before"] / max(row["kid_after"], 1e-9)
        rows.append(
            f"| {name} | {row['kimg']:.0f} | {row['seconds']} | {row['kid_before']:.3f} | {row['kid_after']:.3f} "
            f"| {times:.1f} | {row['fid_before']:.0f} | {row['fid_after']:.0f} |"
        )
        grids.append(f"**{name}** ({row['settings']})\n\n![{name}](images/systems/{name}.png)\n")
    return "\n".join([*rows, "", *grids])


def write(results: dict[str, dict[str, Any]]) -> None:
    """Put the results on disk and into the page."""
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    if PAGE.is_file():
        head, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, tail = rest.partition(END)
        PAGE.write_text(f"{head}{BEGIN}\n\n{table(results)}\n{END}{tail}")


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SYSTEMS)}; all without")
    parser.add_argument("--seconds", type=float, default=360, help="of training for each system")
    options = parser.parse_args()
    unknown = set(options.names) - set(SYSTEMS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    for name in options.names or SYSTEMS:
        row = measure(name, options.seconds)
        results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
        write(results | {name: row})
        print(name, json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
