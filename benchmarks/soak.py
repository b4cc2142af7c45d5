"""A long run with everything going wrong: many tiny trials under Ray, workers killed at random (seeded).

Run it by hand (`make soak`): about 15 minutes on two cores. It fails unless every trial has ended, no evaluation is
lost or doubled, `sweep check` finds nothing, the driver's memory is flat, and no process, temporary file or actor
is left behind. The numbers of a sample of trials are compared with an undisturbed run of the same spec.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.programs.sweep_process import Results, SweepProcess, descendants  # noqa: E402

SPEC = """
name: small
data: {{source: avatars, count: 64, size: 32}}
model: {{width: 4, latent_dim: 8}}
train: {{lr_g: {{type: float, low: 1e-4, high: 1e-3, log: true}}, batch_size: 32, epochs: 4}}
evaluate: {{every: 1, n_fake: 16, n_real: 32, kid_subsets: 5, kid_subset_size: 8}}
collapse: {{enabled: false}}
search: {{sampler: random, trials: {trials}, seed: 1}}
resources: {{cpu: 1, max_failures: 1000}}
"""
EVALUATIONS = 4
KEY = ("loss_g", "loss_d", "fid", "kid")


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def soak(trials: int, kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Run the sweep and kill its workers; returns what happened."""
    spec = folder / "small.yaml"
    spec.write_text(SPEC.format(trials=trials))
    results, chance = Results(folder, "small"), random.Random(seed)
    started, killed, memory, seen = time.monotonic(), 0, [], set()
    with SweepProcess(
        "run", spec, "--storage", folder, cache=folder / "cache", log=folder / "run.log"
    ) as run:
        pause = 20.0
        following = time.monotonic() + pause
        while run.process.poll() is None:
            time.sleep(1)
            seen |= set(descendants(run.process.pid))
            done = len(list((folder / "small" / "trials").glob("*.parquet")))
            if run.process.poll() is None and done:
                memory.append((done, memory_mib(run.process.pid)))
            workers = run.trial_workers()
            if killed < kills and workers and time.monotonic() > following:
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1
                # Spread over the whole run: by the pace so far.
                pace = (time.monotonic() - started) / max(done, 1)
                following = time.monotonic() + pace * trials / kills * chance.uniform(0.5, 1.5)
        code = run.wait()
        text = run.text()
    seconds = time.monotonic() - started
    time.sleep(5)
    rows = results.metrics()
    counts = Counter((row["trial"], row["kimg"]) for row in rows)
    per_trial = Counter(row["trial"] for row in rows)
    half = [mib for done, mib in memory if done >= trials / 4]
    return {
        "trials": trials,
        "seconds": round(seconds),
        "exit_code": code,
        "killed_workers": killed,
        "restarts": len(results.events("restart")),
        "statuses": dict(Counter(results.statuses())),
        "lost_evaluations": sum(EVALUATIONS - per_trial[n] for n in range(trials)),
        "doubled_evaluations": sum(count - 1 for count in counts.values()),
        "leaked_processes": [pid for pid in seen if Path(f"/proc/{pid}").exists()],
        "temporary_files": [str(path) for path in folder.rglob("*.tmp")],
        "driver_mib_after_a_quarter": round(half[0]) if half else None,
        "driver_mib_at_the_end": round(half[-1]) if half else None,
        "tail": text.splitlines()[-3:],
    }


def compare(folder: Path, sample: int) -> int:
    """How many evaluations of the first trials differ from those of a run that was left alone."""
    alone = folder / "alone"
    alone.mkdir()
    spec = alone / "small.yaml"
    spec.write_text(SPEC.format(trials=sample))
    with SweepProcess(
        "run", spec, "--local", "--storage", alone, cache=folder / "cache", log=alone / "log"
    ) as run:
        assert run.wait() == 0, run.text()
    expected, found = Results(alone, "small").numbers(), Results(folder, "small").numbers()
    return sum(found.get(key) != value for key, value in expected.items())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the outcome here as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sweep-soak-") as scratch:
        folder = Path(scratch)
        outcome = soak(options.trials, options.kills, options.seed, folder)
        command = [sys.executable, "-m", "sweep", "check", "small", "--storage", str(folder)]
        checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        outcome["check"] = (checked.stdout + checked.stderr).strip().splitlines()[-3:]
        outcome["differing_evaluations_of_20_trials"] = compare(folder, min(20, options.trials))
    print(json.dumps(outcome, indent=2))
    if options.out:
        options.out.write_text(json.dumps(outcome, indent=2) + "\n")
    grown = (outcome["driver_mib_at_the_end"] or 0) - (outcome["driver_mib_after_a_quarter"] or 0)
    well = (
        outcome["exit_code"] == 0
        and checked.returncode == 0
        and outcome["statuses"] == {"finished": options.trials}
        and not any(outcome[key] for key in ("lost_evaluations", "doubled_evaluations", "leaked_processes"))
        and not outcome["temporary_files"]
        and not outcome["differing_evaluations_of_20_trials"]
        and grown < 50
    )
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
