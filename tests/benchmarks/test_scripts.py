"""Every benchmark still finds what it measures."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import runpy, sys, traceback
failed = []
for path in sys.argv[1:]:
    sys.path[:] = [path.rpartition("/")[0], *KNOWN]
    try:
        runpy.run_path(path, run_name="imported")
    except BaseException:
        failed.append(f"{path}: {traceback.format_exc().splitlines()[-1]}")
print("\\n".join(failed))
"""


def test_every_benchmark_can_be_begun() -> None:
    """As a script, from the root: in one process, because each imports torch."""
    scripts = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()]
    assert len(scripts) > 15
    code = "KNOWN = __import__('sys').path[1:]\n" + IMPORT_ALL
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, scripts)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
