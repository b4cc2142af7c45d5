"""The process of one part: ``child.py MODULE:FUNCTION SETTINGS FIGURES``, called by `benchmarks/gpu/measure.py`."""

import importlib
import json
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # not this folder: its modules have everyday names

from benchmarks.gpu.parts import Figures, Settings, Skipped  # noqa: E402

SKIPPED = 75
"""Exit code of a part that cannot run here."""


def main() -> int:
    """Run the part."""
    target, settings_file, figures_file = sys.argv[1:]
    settings = Settings(**json.loads(Path(settings_file).read_text()))
    sys.path[:0] = settings.paths
    figures = Figures(Path(figures_file))
    module, _, function = target.partition(":")
    try:
        getattr(importlib.import_module(module), function)(settings, figures)
    except Skipped as reason:
        figures.note(skipped=str(reason))
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
