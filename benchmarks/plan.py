"""Whether `sweep plan` is right: what it foretells of a sweep beside what the sweep takes, in one run.

    python benchmarks/plan.py [SPEC] [--local]      # searchspaces/quickstart.yaml by default, about five minutes

Nothing else may run on the machine. Writes benchmarks/results/plan.json: the foretold range and median, what it took
(from the first trial's start to the last one's result), their ratio, and evaluations' share of the trials' time. Exits
with 1 where the ratio is off by more than 30 %.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter import processor  # noqa: E402

ALLOWED = 0.3
"""How far the two may be apart."""
RESULTS = ROOT / "benchmarks" / "results" / "plan.json"


def sweep(*words: object) -> str:
    """Run a command; its stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "sweep", *map(str, words)], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def evaluating(shown: dict[str, Any]) -> float:
    """Compute the share of evaluations and results in the trials' time, of what ``sweep show`` says."""
    summary = shown["summary"]
    share: float = summary["seconds_eval"] / (summary["seconds_train"] + summary["seconds_eval"])
    return share


def main() -> None:
    """Foretell, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec", nargs="?", default=str(ROOT / "searchspaces" / "quickstart.yaml"))
    parser.add_argument("--local", action="store_true")
    arguments = parser.parse_args()
    how = ["--local"] if arguments.local else []
    begin = time.perf_counter()
    told: dict[str, Any] = json.loads(sweep("plan", arguments.spec, "--json", *how))
    planning = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as storage:
        begin = time.perf_counter()
        lines = sweep(
            "run", arguments.spec, "--storage", storage, "--name", "planned", "--json", *how
        ).splitlines()
        whole = time.perf_counter() - begin
        shown = sweep("show", "planned", "--storage", storage, "--json")
    events = [json.loads(line) for line in lines]
    times = [event["time"] for event in events if event["event"] in ("start", "result")]
    taken = max(times) - min(times)
    wall = told["sweep"]["wall"]
    found = {
        "spec": Path(arguments.spec).name,
        "machine": processor(),
        "seconds_planning": round(planning, 1),
        "foretold": {name: round(value, 1) for name, value in wall.items()},
        "taken": round(taken, 1),
        "taken_with_start": round(whole, 1),
        "ratio": round(wall["middle"] / taken, 3),
        "evaluating": round(evaluating(json.loads(shown)), 3),
    }
    print(json.dumps(found, indent=1))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    if not 1 / (1 + ALLOWED) <= found["ratio"] <= 1 + ALLOWED:
        sys.exit(f"what was foretold is further than {ALLOWED:.0%} from what it took")


if __name__ == "__main__":
    main()
