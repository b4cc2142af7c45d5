"""How long `sweep report` takes on a large sweep, and how much memory, from the start of Python to its end.

    python benchmarks/report.py [--trials 1000] [--evaluations 50] [--pictures]

The sweep is made up from formulas. ``--pictures`` gives every trial sample grids of 64 px: at every evaluation, the
same few files for all, since what counts is that each is read, scaled and embedded.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
KINDS = 6
"""Different sample grids."""


def main() -> None:
    """Make a sweep, run the command, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--pictures", action="store_true")
    options = parser.parse_args()
    from helpers.sweeps.synthetic import draw_large, make_large

    with tempfile.TemporaryDirectory() as storage:
        sweep = make_large(Path(storage), options.trials, options.evaluations)
        if options.pictures:
            draw_large(sweep, KINDS)
        time.sleep(6)  # a sweep that has just ended: its last parts are a few seconds old
        command = [sys.executable, "-m", "sweep", "report", "large", "--storage", storage]
        started = time.perf_counter()
        written = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = Path(written[0]).stat().st_size
    told = {"trials": options.trials, "evaluations": options.evaluations, "pictures": options.pictures}
    told |= {"seconds": round(seconds, 2), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2)}
    print(json.dumps(told | {"peak_mib": used.ru_maxrss // 1024, "page_mb": round(size / 1e6, 2)}))


if __name__ == "__main__":
    main()
