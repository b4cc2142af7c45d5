"""The report in a real browser: it draws, nothing fails, and hostile names stay inert."""

import shutil
import subprocess
from pathlib import Path

import pytest
from synthetic import shared_storage
from test_report import evil_sweep

from sweep.report import write_report
from sweep.storage import Folder
from sweep.sweeps import Sweep, open_sweep

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (Debian: apt-get install chromium)"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
FLAGS += [
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
]
# Runs in the page after its own scripts; the policy of the page itself must not let it in.
PROBE = "<script>document.title = 'PROBE RAN'</script></body>"


def browse(sweep: Sweep, tmp_path: Path, probe: bool = False) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what the browser complained about."""
    page = tmp_path / "report.html"
    write_report(sweep, page)
    if probe:
        page.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_it_draws_every_panel_without_a_complaint(tmp_path: Path) -> None:
    document, complaints = browse(open_sweep(Folder.open(shared_storage()), "faces"), tmp_path)
    assert complaints == []
    assert document.count('class="plot js-plotly-plot"') == 7
    assert document.count('class="chip"') == 6  # five trials in colour, and the switch for the log scale
    assert document.count('class="scatterlayer') == 7


def test_hostile_names_are_inert_and_foreign_scripts_blocked(tmp_path: Path) -> None:
    document, complaints = browse(evil_sweep(tmp_path), tmp_path, probe=True)
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt; – sweep report</title>" in document
    assert "PROBE RAN" not in document.partition("</title>")[0]
    assert len(complaints) == 1 and "Content Security Policy" in complaints[0], complaints
