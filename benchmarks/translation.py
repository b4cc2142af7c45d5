"""Train both translators for ten minutes of one core, in three seeds, and compare with the photographs as they are.

    python benchmarks/translation.py [--seconds 600] [--seeds 0 1 2] [NAME ...]
    python benchmarks/translation.py --photos FOLDER --sheets OUT        # folders, or other styles of avatars
    python benchmarks/translation.py --grey         # trains nothing: what photographs score without their colours

One thread, 64 px, by default coloured portraits to ink drawings (avatars). The clock is the processor's time, not the
wall's, so that a busy machine changes nothing but the wait. As in a sweep, the generator of the best evaluation is
measured once more, on photographs that no evaluation used. Writes a row for each run to
benchmarks/results/translation.json, and its sheet of samples to docs/images/translation/, or where --sheets says.
"""

import argparse
import json
import os
import time
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.data import ImageSet, cache_dir
from ganlib.data.avatars import styles
from ganlib.data.sheet import grid
from ganlib.domains.sets import prepare_sets
from ganlib.metrics import Evaluator, TranslationEvaluator
from ganlib.models.inputs import Photos
from ganlib.names import FAMILIES
from ganlib.training.collapse import Signals, judge
from ganlib.training.fit import Fit, Interrupted
from ganlib.training.making import at_work

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "translation.json"
IMAGES = ROOT / "docs" / "images" / "translation"
DRAWINGS, PHOTOS, PICTURES = "notionists", "open-peeps", 2000
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
EVALUATE = EvaluateConfig(every=1.0, unit="kimg", n_fake=512, n_real=1488)
COMMON: dict[str, Any] = {"loss": "lsgan", "batch_size": 4, "ema_kimg": 1.0, "decay_from": 0.5}
SYSTEMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cyclegan": ({"width": 16, "blocks": 4}, {"lr_g": 5e-4, "lr_d": 5e-4, "kimg": 4.0}),
    "cartoongan": (
        {"width": 16, "blocks": 4, "upsample": "resize"},
        {
            **{"lr_g": 2e-3, "lr_d": 1e-3, "r1_gamma": 0.003, "augment_p": 0.5, "kimg": 9.0},
            **{"content_weight": 0.03, "pretrain": 0.25},
        },
    ),
}


def side(name: str) -> dict[str, Any]:
    """Say where the pictures of a domain come from: a folder, or avatars of a style."""
    if name in styles():
        return {"source": "avatars", "style": name, "count": PICTURES}
    return {"source": name}


def run(system: str, seed: int, drawings: str, photos: str, seconds: float, sheets: Path) -> dict[str, Any]:
    """Train one translator until its budget or the time is spent, and measure it."""
    model, train = SYSTEMS[system]
    config = TrialConfig(
        data=DataConfig(size=64, **side(drawings)),
        photos=PhotosConfig(**side(photos)),
        model=ModelConfig(family=system, **model),
        train=TrainConfig(**COMMON, **train),
        evaluate=EVALUATE,
        collapse=CollapseConfig(),
    )
    sets = prepare_sets(config.data, config.photos, FAMILIES[system].edges)
    assert sets.photos is not None
    inputs = Photos(sets.photos.pictures, sets.drawings.pictures)

    def measures(images: ImageSet) -> Evaluator:
        return Evaluator(images.pictures, images.hash, config.evaluate, cache=cache_dir())

    evaluator = TranslationEvaluator(measures(sets.drawings), measures(sets.photos), inputs)
    baseline = evaluator.baseline()
    begun = time.process_time()
    fit = Fit(
        config,
        sets.drawings.pictures,
        evaluator,
        photos=sets.photos.pictures,
        edges=sets.edge_pictures,
        seed=seed,
        interrupt=lambda: time.process_time() - begun > seconds,
        extent_at_end="brief",
    )
    history: list[Signals] = []
    verdicts, curve, best, kept = [], [], float("inf"), None
    try:
        for evaluation in fit:
            names = Signals.__dataclass_fields__.keys() - {"metric"}
            fid = evaluation.score.fid if evaluation.score else None
            history.append(Signals(metric=fid, **{name: getattr(evaluation, name) for name in names}))
            verdict = judge(history, config.collapse)
            verdicts += [verdict.kind] if verdict else []
            if evaluation.score and evaluation.score.kid < best:
                best, kept = evaluation.score.kid, deepcopy(fit.step.average.state_dict())
            curve.append([round(evaluation.kimg, 3), evaluation.score and round(evaluation.score.kid, 4)])
            print(
                f"  {system} {seed} {curve[-1]} {time.process_time() - begun:.0f} s {verdicts[-1:]}",
                flush=True,
            )
    except Interrupted:
        pass
    spent = time.process_time() - begun
    if kept is not None:
        fit.step.average.load_state_dict(kept)
    back = fit.step.sample_back if FAMILIES[system].returns else None
    work = at_work(fit.step.sample, back, inputs, "result", lambda: None)
    score = evaluator.score(work, EVALUATE.n_fake, extent="full")
    sheets.mkdir(parents=True, exist_ok=True)
    grid(work.sheet(torch.empty(0)).pictures, 8).save(sheets / f"{system}-{seed}.png")
    return {
        **{
            "system": system,
            "seed": seed,
            "drawings": drawings,
            "photos": photos,
            "seconds": round(spent, 1),
        },
        **{"kimg": fit.kimg, "baseline": asdict(baseline), "kid": score.kid, "kid_se": score.kid_se},
        **{"share": score.kid / baseline.kid, "verdicts": sorted(set(verdicts)), "curve": curve},
        "score": {name: value for name, value in asdict(score).items() if isinstance(value, float)},
    }


def grey(drawings: str, photos: str) -> dict[str, Any]:
    """Measure photographs as they are, and with their colours taken away: what needs no drawing."""
    config = DataConfig(size=64, **side(drawings))
    sets = prepare_sets(config, PhotosConfig(**side(photos)), edges=False)
    assert sets.photos is not None
    evaluator = Evaluator(sets.drawings.pictures, sets.drawings.hash, EVALUATE, cache=cache_dir())
    levels = Photos(sets.photos.pictures, sets.drawings.pictures).levels(EVALUATE.n_fake, "result")
    luma = (levels.float() * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True).round().to(torch.uint8)

    def kid(pictures: torch.Tensor) -> float:
        parts = iter(pictures.split(EVALUATE.batch_size))
        return evaluator.score(lambda count: next(parts), EVALUATE.n_fake).kid

    return {"kid": kid(levels), "kid_grey": kid(luma.expand(-1, 3, -1, -1))}


def keep(name: str, row: dict[str, Any]) -> None:
    """Write a row beside those that are there; others may run at the same time."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(known | {name: row}, indent=1) + "\n")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=600.0, help="of the processor, for each run")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--sheets", type=Path, default=IMAGES)
    parser.add_argument("--drawings", default=DRAWINGS)
    parser.add_argument("--photos", default=PHOTOS)
    parser.add_argument("--grey", action="store_true", help="train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pair = [name if name in styles() else "folder" for name in (options.photos, options.drawings)]
    if options.grey:
        keep(f"grey, {pair[0]} to {pair[1]}", grey(options.drawings, options.photos))
        return
    for system in options.names or SYSTEMS:
        for seed in options.seeds:
            row = run(system, seed, options.drawings, options.photos, options.seconds, options.sheets)
            row |= {"photos": pair[0], "drawings": pair[1]}
            keep(f"{system}, {pair[0]} to {pair[1]}, seed {seed}", row)
            print(
                f"{system} seed {seed}: KID {row['kid']:.4f}, {row['share']:.0%} of {row['baseline']['kid']:.4f}, "
                f"{row['seconds']:.0f} s, {row['kimg']:.2f} kimg, verdicts {row['verdicts']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
