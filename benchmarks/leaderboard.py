"""How long `sweep best` takes on a large sweep, from the start of Python to its last line.

    python benchmarks/leaderboard.py [--trials 1000] [--evaluations 50] [--repeats 5]

The sweep is made up from formulas. The first run finds loose parts; the others find copies of them as a driver leaves
them (`sweep.records.parts.compaction`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> None:
    """Make a sweep, time the command, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    from helpers.sweeps.synthetic import make_large

    with tempfile.TemporaryDirectory() as storage:
        store = make_large(Path(storage), options.trials, options.evaluations).store
        time.sleep(6)  # a sweep that has just ended: its last parts are a few seconds old
        command = [sys.executable, "-m", "sweep", "best", "large", "--storage", storage]
        seconds = []
        for _ in range(options.repeats + 1):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(round(time.perf_counter() - started, 3))
            store.compact()
    size = {"trials": options.trials, "evaluations": options.evaluations}
    print(json.dumps(size | {"seconds_first": seconds[0], "seconds_with_snapshot": seconds[1:]}))


if __name__ == "__main__":
    main()
