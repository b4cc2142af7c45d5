"""`kill -9` of the driver at random moments (seeded), `sweep resume` each time, then a comparison.

Prints what differs from a run of the same spec that was left alone: with ``--local`` nothing may; under Ray trials
run side by side, so that the order in which they reach a rung, and with it who is stopped there, may differ. The
trials (random search), every number that both runs measured, and what stands in the rungs may not.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.programs.sweep_process import Results, SweepProcess  # noqa: E402

from sweep.records.datasets import Store  # noqa: E402

SPEC = """
name: small
data: {source: avatars, count: 128, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 2e-3, log: true}, augment_p: 0.3, batch_size: 32}
evaluate: {every: 1, n_fake: 32, n_real: 64, kid_subsets: 10, kid_subset_size: 16}
collapse: {flat_std: 0.0, similarity: 1.0}
search: {sampler: random, trials: 8, seed: 3}
asha: {grace: 4, reduction: 2, max: 24}
resources: {cpu: 1, max_concurrent: 2}
"""


def rungs(results: Results) -> dict[tuple[int, int], float]:
    """Read what stands in the rungs, by trial and rung."""
    return {(row["trial"], row["rung"]): row["value"] for row in Store(results.folder).rows("rungs")}


def run(folder: Path, cache: Path, runner: list[str], kills: int, chance: random.Random) -> Results:
    """Run the sweep, with its driver killed so many times."""
    folder.mkdir()
    spec = folder / "small.yaml"
    spec.write_text(SPEC)
    results = Results(folder, "small")
    command: tuple[object, ...] = ("run", spec)
    for number in range(kills + 1):
        with SweepProcess(
            *command,
            *runner,
            "--storage",
            folder,
            cache=cache,
            log=folder / f"{number}.log",
            OMP_NUM_THREADS="1",
        ) as process:
            if number < kills:
                before = results.evaluations() if command[0] == "resume" else 0
                process.until("an evaluation", lambda before=before: _evaluations(results) > before)
                time.sleep(chance.uniform(0, 3))
                process.kill()
                command = ("resume", "small")
            elif process.wait():
                raise SystemExit(process.text())
    return results


def _evaluations(results: Results) -> int:
    return results.evaluations() if results.folder.exists("metrics") else 0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    runner = ["--local"] if options.local else []
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="sweep-drivers-") as scratch:
        root = Path(scratch)
        alone = run(root / "alone", root / "cache", runner, 0, chance)
        lost = run(root / "lost", root / "cache", runner, options.kills, chance)
        command = [
            sys.executable,
            "-m",
            "sweep",
            "check",
            "small",
            "--storage",
            str(root / "lost"),
            "--repair",
        ]
        checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        ours, theirs = lost.numbers(), alone.numbers()
        held, other = rungs(lost), rungs(alone)
        statuses = {n: (row["status"], alone.trials()[n]["status"]) for n, row in lost.trials().items()}
        outcome: dict[str, Any] = {
            "runner": "local" if options.local else "ray",
            "kills": options.kills,
            "same_trials": {n: r["params"] for n, r in lost.trials().items()}
            == {n: r["params"] for n, r in alone.trials().items()},
            "evaluations": [len(ours), len(theirs)],
            "differing_numbers": sum(ours[key] != theirs[key] for key in ours.keys() & theirs.keys()),
            "rung_entries": [len(held), len(other)],
            "differing_rung_values": sum(held[key] != other[key] for key in held.keys() & other.keys()),
            "other_ends": {n: both for n, both in statuses.items() if both[0] != both[1]},
            "check": checked.stdout.strip().splitlines()[-1:],
        }
    print(json.dumps(outcome, indent=2))
    whole = checked.returncode == 0 and outcome["same_trials"]
    if options.local:
        whole = whole and ours == theirs and held == other and not outcome["other_ends"]
    sys.exit(0 if whole and not outcome["differing_numbers"] and not outcome["differing_rung_values"] else 1)


if __name__ == "__main__":
    main()
