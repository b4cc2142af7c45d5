"""What tests of the report in a real browser share."""

from collections.abc import Iterator

import pytest
from helpers.programs.browser import Browser
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.report.build import write_report
from sweep.report.judging.sitting import Sitting
from sweep.results.judging.bradley_terry import Choice


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = make_sweep(tmp_path_factory.mktemp("storage"), trials=12, size=12, film=True, every=12.0)
    sitting = Sitting(sweep, "ann", 4)
    for _ in range(8):
        sitting.answer(sitting.question()["number"], Choice.FIRST)
    return sweep


@pytest.fixture(scope="module")
def report(faces: Sweep, tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("report") / "report.html"
    write_report([faces], page)
    return page.as_uri()


@pytest.fixture
def page(chromium: Browser, report: str) -> Iterator[Browser]:
    chromium.complaints.clear()
    chromium.requests.clear()
    chromium.open(report)
    yield chromium
    assert chromium.complaints == []
    assert set(chromium.requests) == {report}
