"""The evaluations of a trial so far: what its verdicts, its snapshots and the next attempt go by."""

import json
import math
from collections.abc import Sequence

from ganlib.training.collapse import Signals
from sweep.records.snapshots import Seen, candidates
from sweep.worker.messages import Evaluated, from_plain, to_plain


class History:
    """All evaluations of a trial, oldest first.

    Attributes:
        reports: What was reported of each, or is to be.
        lines: The reports as JSON.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = list(lines)
        self.reports = [_evaluated(line) for line in self.lines]

    def add(self, report: Evaluated) -> None:
        """Add the newest evaluation."""
        self.lines.append(json.dumps(to_plain(report)))
        self.reports.append(report)

    def after(self, kimg: float) -> list[Evaluated]:
        """List the evaluations after a time."""
        return [report for report in self.reports if report.kimg > kimg + 1e-9]

    def candidates(self, metric: str) -> list[Seen]:
        """List the evaluations whose snapshots are kept."""
        seen = [Seen.of(report.row, metric) for report in self.reports]
        return candidates([one for one in seen if one], metric)

    def signals(self, until: float = math.inf) -> list[Signals]:
        """List what a verdict looks at, up to a time: what came before a rollback is forgiven."""
        reports = [report for report in self.reports if report.kimg <= until]
        last = max((i + 1 for i, report in enumerate(reports) if report.rolled_back), default=0)
        return [Signals(**report.signals) for report in reports[last:]]


def _evaluated(line: str) -> Evaluated:
    report = from_plain({"kind": "evaluated", **json.loads(line)})
    assert isinstance(report, Evaluated)
    return report
