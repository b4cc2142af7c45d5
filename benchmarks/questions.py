"""What a question to each sampler takes, by the number of trials that it has seen, in ms of the processor.

    python benchmarks/questions.py [--trials 100 1000 10000] [--samplers random tpe cmaes] [--numbers 6] [--out FILE]

Half of the trials ran to their end, the others were stopped at a rung; the last 500, or a tenth, are still running.
Each question comes after another trial has ended, as in a sweep. The median of 15 is told, beside what it took to make
the study anew from as many trials, as `sweep resume` does. ``--numbers`` searches so many numbers and nothing else, as
small spaces do.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.large import ASHA, SPEC  # noqa: E402
from benchmarks.meter import yardstick  # noqa: E402
from sweep.records.status import Status  # noqa: E402
from sweep.search.draws import preview  # noqa: E402
from sweep.search.study import Study  # noqa: E402
from sweep.search.trial_source import PastTrial  # noqa: E402
from sweep.spec.distributions import Float  # noqa: E402
from sweep.spec.space import Space  # noqa: E402
from sweep.spec.specification import parse  # noqa: E402

QUESTIONS = 15


def measured(sampler: str, count: int, folder: Path, numbers: int = 0) -> dict[str, Any]:
    """Measure the questions to a sampler that has seen so many trials, of a space with so many numbers alone."""
    spec = parse(SPEC.format(trials=count + QUESTIONS, sampler=sampler, evaluations=10) + ASHA)
    if numbers:
        spec = replace(spec, space=Space({f"train.x{index}": Float(0.0, 1.0) for index in range(numbers)}))
    plain = spec.search.model_copy(update={"sampler": "random"})
    chance, running = random.Random(1), min(500, count // 10)
    trials = []
    for number, params in enumerate(preview(spec.space, plain, count)):
        status = chance.choice((Status.FINISHED, Status.STOPPED))
        trials.append(PastTrial(number, params, status, 10.0, chance.random()))
    known = [
        past if past.number < count - running else PastTrial(past.number, past.params, Status.RUNNING)
        for past in trials
    ]
    started = time.process_time()
    study = Study.rebuild(folder / "study.db", "x", spec.space, spec.search, known)
    rebuilt, spent = time.process_time() - started, []
    for past in trials[-running:][:QUESTIONS]:
        study.tell(past)
        started = time.process_time()
        study.ask()
        spent.append(1000 * (time.process_time() - started))
    study.close()
    return {"ms": round(statistics.median(spent), 1), "seconds_to_make_the_study_anew": round(rebuilt, 2)}


def main() -> None:
    """Measure each sampler at each size; print the figures, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe", "cmaes"])
    parser.add_argument("--numbers", type=int, default=0, help="search so many numbers alone")
    parser.add_argument("--out", type=Path, help="add the figures to this JSON file, by sampler and size")
    options = parser.parse_args()
    found = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for sampler in options.samplers:
        for count in options.trials:
            with tempfile.TemporaryDirectory(prefix="sweep-questions-") as scratch:
                told = measured(sampler, count, Path(scratch), options.numbers) | {
                    "yardstick_ms": yardstick()
                }
            found[f"{sampler}-{count}" + (f"-of-{options.numbers}" if options.numbers else "")] = told
            print(sampler, count, json.dumps(told), flush=True)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
