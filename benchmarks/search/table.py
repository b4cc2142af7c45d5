"""Train the table of learning curves that searches are replayed on: trials at random, each to its end.

    python benchmarks/search/table.py --parts DIR [--worker 0/2]     # again and again, from several processes
    python benchmarks/search/table.py --parts DIR --write            # what is finished, as one table

Each evaluation is kept three times: on the latents of evaluations, on the first 48 pictures and on all 96, as the
first rung and the later ones would see it, and on other latents, which is the trial's result if it ends there. A trial
is one JSON file, written when it has ended, so that the table can be made of whatever is finished, and goes on where it
was.
"""

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SPEC, TABLE = HERE / "table.yaml", HERE / "table.parquet"
FEW = 48
"""Pictures that an evaluation is measured on up to the first rung."""


class Keeping:
    """An evaluator that keeps the features of the pictures that it measured last."""

    def __init__(self, evaluator: Any) -> None:
        self.extremes = evaluator.extremes
        self._evaluator = evaluator
        self.features_made: Any = None

    def score(self, generate: Any, n_fake: int, extent: Any) -> Any:
        """Measure a generator."""
        self.features_made = self._evaluator.features(generate, n_fake)
        return self._evaluator.pending_score(self.features_made, extent).read()


def kid_of(evaluator: Any, features: Any) -> Any:
    """Measure KID of the features of generated pictures.

    Raises:
        NonFiniteError: If a feature is not finite.
    """
    from ganlib.metrics import NonFiniteError

    if not bool(features.isfinite().all()):
        raise NonFiniteError("features are not finite")
    return evaluator.pending_kid(features.double()).read()


def curve(spec: Any, config: Any, seed: int) -> tuple[list[dict[str, Any]], float]:
    """Train one trial to its end, or until its pictures are no longer finite.

    Returns:
        Its evaluations, and the seconds of the processor that training took, evaluations apart.
    """
    import torch

    from ganlib.metrics import NonFiniteError
    from ganlib.training import collapse
    from ganlib.training.fit import Fit
    from ganlib.training.making import at_work
    from sweep.worker.rows import signals_of
    from sweep.worker.shared import evaluator_of, sets_of

    device = torch.device("cpu")
    evaluator, sets = evaluator_of(config, device), sets_of(config)
    kept = Keeping(evaluator)
    fit = Fit(config, sets.drawings.pictures, kept, seed=seed, device=device, extent_at_end="brief")
    rows: list[dict[str, Any]] = []
    history = []
    for evaluation in fit:
        history.append(signals_of(evaluation))
        verdict = collapse.judge(history, config.collapse)
        row: dict[str, Any] = {"kimg": evaluation.kimg, "seconds": evaluation.seconds_train}
        row |= {"verdict": verdict.kind if verdict else None, "variety": evaluation.variety}
        if evaluation.score is None:
            return [*rows, row], sum(one["seconds"] for one in [*rows, row])
        try:
            few = kid_of(evaluator, kept.features_made[:FEW])
            work = at_work(fit.step.sample, None, fit.inputs, "result", lambda: None)
            result = kid_of(evaluator, evaluator.features(work, config.evaluate.n_fake))
        except NonFiniteError:
            return [*rows, row], sum(one["seconds"] for one in [*rows, row])
        told = asdict(evaluation.score)
        row |= {
            "few_kid": few.mean,
            "few_kid_se": few.se,
            "result_kid": result.mean,
            "result_kid_se": result.se,
        }
        row |= {f"all_{name}": told[name] for name in ("kid", "kid_se", "fid", "vendi", "real_vendi")}
        rows.append(row)
    return rows, sum(one["seconds"] for one in rows)


def train(parts: Path, worker: int, workers: int) -> None:
    """Train each trial that has no file yet and falls to this worker."""
    import torch

    from ganlib.heap import keep_memory
    from sweep.search.draws import preview
    from sweep.spec.specification import parse

    torch.set_num_threads(1)
    keep_memory()
    spec = parse(SPEC.read_text())
    schedule = spec.schedule(3000)
    parts.mkdir(parents=True, exist_ok=True)
    for number, params in enumerate(preview(spec.space, spec.search, spec.search.trials)):
        path = parts / f"{number:04}.json"
        if number % workers != worker or path.exists():
            continue
        started, processor = time.perf_counter(), time.process_time()
        config = spec.trial_config(params, schedule)
        rows, seconds = curve(spec, config, 1_000_003 + number)
        told = {"trial": number, "params": params, "seconds": seconds, "rows": rows}
        path.with_suffix(".new").write_text(json.dumps(told))
        path.with_suffix(".new").replace(path)
        best = min((row.get("result_kid", math.inf) for row in rows), default=math.inf)
        wall, processor = time.perf_counter() - started, time.process_time() - processor
        print(f"trial {number}: {best:.4f}, {processor:.0f} s of {wall:.0f} s", flush=True)


def write(parts: Path) -> None:
    """Make one table of all trials that are finished."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = [json.loads(path.read_text()) for path in sorted(parts.glob("*.json"))]
    rows = [
        {"trial": one["trial"], "params": json.dumps(one["params"]), **row}
        for one in found
        for row in one["rows"]
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    pq.write_table(table, TABLE, compression="zstd")
    print(f"{len(found)} trials, {len(rows)} evaluations, {TABLE.stat().st_size} bytes")


def main() -> None:
    """Train, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=Path, required=True, help="folder of the finished trials")
    parser.add_argument("--worker", default="0/1", help="which of how many processes this is")
    parser.add_argument("--write", action="store_true", help="make the table of what is finished")
    options = parser.parse_args()
    if options.write:
        write(options.parts)
    else:
        worker, workers = map(int, options.worker.split("/"))
        train(options.parts, worker, workers)


if __name__ == "__main__":
    main()
