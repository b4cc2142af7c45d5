"""Write the tables of operators that launch kernels into docs/speed.md.

python scripts/operators.py
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- operators.py writes from here -->", "<!-- operators.py to here -->"


def _tables() -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from helpers.training.fake_cases import CASES, EVALUATIONS, MEASURED
    from helpers.training.fake_steps import BATCH, evaluate, run

    yield f"Of a training step; a DCGAN at 64 px on {BATCH} pictures, but for what is named.\n"
    yield "| configuration | operators |"
    yield "|---|---|"
    for name, case in CASES.items():
        yield f"| {name} | {run(case).operators:.0f} |"
    yield (
        f"\nOf an evaluation on {MEASURED} pictures, when what real pictures contribute is known. It waits for the "
        "device where it\nreads numbers: once when it has looked at some pictures, once for all that it measures, and "
        "once for a sheet that\nshows more than these pictures. Each computation of eigenvalues waits once more, "
        "inside of torch: one for FID, one for\nthe Vendi score, and eight for FID at infinity.\n"
    )
    yield "| evaluation | operators | waits |"
    yield "|---|---|---|"
    for name, case in EVALUATIONS.items():
        count = evaluate(case)
        yield f"| {name} | {count.operators:.0f} | {count.waits} |"


def main() -> int:
    """Write the page."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    tables = "\n".join(_tables())
    PAGE.write_text(f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
