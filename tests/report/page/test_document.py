"""The report: self-contained, honest at every stage of a sweep, and deaf to what is written in it."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.reports import EVIL, EVIL_TEXT, Page, evil_sweep, page_of
from helpers.sweeps.synthetic import KINDS, make_sweep
from jinja2 import meta
from PIL import Image

from sweep import formatting
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.build import BESIDE, write_report
from sweep.report.page.document import script_json, templates
from sweep.report.page.trials import FILES, TrialsSection
from sweep.report.pictures import Album
from sweep.report.results import Results
from sweep.storage.layout import LEASE
from sweep.storage.opening import open_folder


@pytest.fixture(scope="module")
def page(faces: Sweep) -> Page:
    return page_of(faces)


def resources(page: Page) -> Iterator[str]:
    """Everything that a browser would fetch without being asked."""
    for tag, attributes in page.elements:
        for name in ("src", "srcset", "poster", "data", "background", "action"):
            if attributes.get(name):
                yield str(attributes[name])
        if tag in ("link", "base", "iframe", "object", "embed"):
            yield tag
        if tag != "a" and attributes.get("href"):
            yield str(attributes["href"])
    for tag, data in page.texts:
        if tag == "style":
            yield from re.findall(r"url\(([^)]*)\)|@import ([^;]*)", data)


# ---- self-contained and safe -------------------------------------------------------------------------------


def test_nothing_is_fetched(page: Page) -> None:
    assert [
        resource for resource in resources(page) if not str(resource).startswith("data:image/webp;")
    ] == []
    for link in page.all("a"):
        assert str(link["href"]).startswith("#")


def test_only_our_scripts_may_run(page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy.split("script-src")[1]
    executable = [a for a in page.all("script") if a.get("type") != "application/json"]
    assert len(executable) == 2
    for script in page.scripts()[1:]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    sweep = evil_sweep(tmp_path)
    page = page_of(sweep)
    executable = [a for a in page.all("script") if a.get("type") != "application/json"]
    assert len(executable) == 2
    assert len(page.all("img")) == 4
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    words = page.words()
    assert words.count(EVIL) > 12
    assert "onerror=alert(2)" in words
    assert "62710561" not in words
    assert ("title", f"{EVIL} – sweep report") in page.texts
    collapses = [trial["collapse"] for trial in page.data()["trials"] if trial["collapse"]]
    assert collapses == [{"kimg": 1.0, "verdict": EVIL}]


def test_json_cannot_leave_its_script_element() -> None:
    data = {"a": EVIL_TEXT, "b": [float("nan"), float("inf"), 1.5], "</script>": None}
    encoded = str(script_json(data))
    assert not set("<>&\u2028\u2029") & set(encoded)
    assert json.loads(encoded) == {"a": EVIL_TEXT, "b": [None, None, 1.5], "</script>": None}


def sections() -> list[str]:
    return [name for name in templates().list_templates() if name.startswith("sections/")]


@pytest.mark.parametrize("name", sections())
def test_a_section_is_made_from_its_own_object_alone(name: str) -> None:
    environment = templates()
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    assert meta.find_undeclared_variables(environment.parse(source)) <= {"section"}


# ---- what it says ------------------------------------------------------------------------------------------


def test_the_headline_is_the_winner_with_identity_and_one_seed(faces: Sweep, page: Page) -> None:
    winner = Results.read([faces]).sweeps[0].winner
    assert winner is not None
    words = page.words()
    assert f"{formatting.with_error(winner.kid, winner.kid_se)} one seed" in words
    assert (
        f"is the best KID (efficientnet_lite0@64, n=512), by Trial {winner.trial} : its generator at" in words
    )
    assert winner.measured
    assert "measured once more when the trial had ended" in words
    assert "Adventurer by Lisa Wischofsky, CC BY 4.0 (dicebear.com)" in words
    assert "still running" not in words


def test_every_trial_is_accounted_for(page: Page) -> None:
    words = page.words()
    parts = ["1 finished", "4 stopped at 12 kimg", "3 stopped at 36 kimg", "1 failed"]
    parts += [f"1 collapsed, {verdict}" for verdict in ("d_saturated", "low_diversity", "non_finite")]
    for part in parts:
        assert part in words
    ids = [str(attributes.get("id")) for attributes in page.all("tr")]
    rows = [name for name in ids if name.startswith("trial-")]
    assert sorted(rows, key=lambda name: int(str(name)[6:])) == [f"trial-{n}" for n in range(12)]
    assert "12 kimg: 8 of 12 trials went on" in words
    assert "WorkError: out of memory at batch 128" in words
    assert "faces/broken 1.png" in words


def test_a_fid_is_nevercsv_cell(page: Page) -> None:
    titles = [panel["title"] for panel in page.data()["panels"]]
    assert titles[:2] == ["KID (efficientnet_lite0@64, n=512)", "FID (efficientnet_lite0@64, n=512)"]


def test_it_can_be_repeated_from_the_page(
    faces: Sweep, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = page.words()
    assert f"sweep best {faces.folder} --export DIR" in words  # where commands would not look by themselves
    monkeypatch.chdir(tmp_path)
    here = make_sweep(tmp_path / "runs", trials=1, pictures=False)
    assert "sweep best faces --export DIR" in page_of(here).words()
    assert "a1b2c3d4e5f60718" in words
    assert "torch 2.11.0" in words
    assert "sampler: tpe" in next(data for tag, data in page.texts if tag == "code" and "sampler" in data)


def test_every_picture_is_there_best_first_and_described(faces: Sweep, page: Page) -> None:
    trials = Results.read([faces]).trials
    images = [image for image in page.all("img") if image.get("src")]
    assert len(images) == 1 + 1 + 12  # the winner, the real ones, and every trial
    for image in images:
        data = base64.b64decode(str(image["src"]).removeprefix("data:image/webp;base64,"))
        assert Image.open(BytesIO(data)).format == "WEBP"
        assert image["alt"]
    assert str(images[0]["alt"]).endswith(
        f"at its best evaluation, {formatting.kimg(trials[0].entry.kimg)} kimg"
    )
    described = [str(image["alt"]) for image in images[2:]]
    expected = [f"Pictures generated by Trial {trial.entry.trial}, " for trial in trials]
    assert all(alt.startswith(start) for alt, start in zip(described, expected, strict=True))
    assert "no finite KID at 30 kimg" in described[-1]


def test_curves_hold_every_evaluation(faces: Sweep, page: Page) -> None:
    data = page.data()
    rows = faces.store.rows("metrics")
    assert sum(len(trial["kimg"]) for trial in data["trials"]) == len(rows)
    for trial in data["trials"]:
        kids = [row["kid"] for row in rows if str(row["trial"]) == trial["key"]]
        assert trial["kid"] == [None if np.isnan(kid) else pytest.approx(kid, rel=1e-4) for kid in kids]
    assert data["shown"] == [trial.key for trial in Results.read([faces]).trials[:5]]
    verdicts = {trial["collapse"]["verdict"] for trial in data["trials"] if trial["collapse"]}
    assert verdicts == {"d_saturated", "low_diversity", "non_finite"}
    assert [rung["kimg"] for rung in data["rungs"]] == [12.0, 36.0, 108.0]


# ---- at every stage ----------------------------------------------------------------------------------------


def test_before_the_first_trial(tmp_path: Path) -> None:
    page = page_of(make_sweep(tmp_path, trials=0, pictures=False, info={"trials": 8}))
    words = page.words()
    assert "No result yet" in words
    assert "No trial has started." in words
    assert "8 not started" in words
    assert "No evaluation yet." in words
    assert "No pictures yet." in words
    assert "interrupted" in words, "nobody runs it"
    assert len(page.scripts()) == 2, "plotly.js is not needed"


def test_while_it_runs(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, running=True, pictures=False, info={"trials": 5})
    words = page_of(sweep).words()
    assert "still running" in words
    assert "2 running" in words
    assert "2 not started" in words
    sweep.folder.delete(LEASE)
    words = page_of(sweep).words()
    assert "still running" not in words
    assert "2 interrupted" in words
    assert "No pictures yet." in words


def test_a_single_trial_with_a_single_evaluation(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=1, every=120.0)
    page = page_of(sweep)
    assert "by Trial 0 : its generator at 120 kimg" in page.words()
    assert len(page.data()["trials"]) == 1


def test_trials_that_cannot_be_compared_are_shown_but_not_ranked(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(sweep.folder, KINDS)
    store.replace("results", 1, [store.part("results", 1)[0] | {"n_fake": 8}])
    words = page_of(sweep).words()
    assert "these trials cannot be ranked together" in words
    assert "No result yet" in words
    assert "one seed" not in words


def test_pictures_that_are_gone_or_damaged_are_said_to_be(faces: Sweep, tmp_path: Path) -> None:
    shutil.copytree(faces.folder.local() or Path(), tmp_path / "faces")
    sweep = open_sweep(open_folder(tmp_path), "faces")
    paths = {row["trial"]: row["path"] for row in sweep.store.rows("samples")}
    sweep.folder.write(paths[0], b"\x89PNG but not really")
    sweep.folder.write(paths[2], sweep.folder.read(paths[2])[:300])
    sweep.folder.delete(paths[3])
    sweep.folder.delete("images/real.png")
    words = page_of(sweep).words()
    told = words.partition("Pictures that could not be read: ")[2].partition(".")[0]
    assert sorted(told.split(", ")) == ["Trial 0", "Trial 2", "Trial 3"]
    assert [Path(path).name for path in write_report([sweep])] == ["report.html", *BESIDE]


def test_old_sweeps_with_little_on_record(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    sweep.folder.write("sweep.json", b"{}")
    sweep.folder.delete("spec.yaml")
    words = page_of(open_sweep(open_folder(tmp_path))).words()
    assert "is the best KID" in words
    assert "1 January 1970" not in words


@pytest.mark.parametrize(
    ("count", "more"), [(FILES, ""), (FILES + 1, "1 more file"), (40_000, "39,900 more files")]
)
def test_of_very_many_unreadable_files_some_are_named(faces: Sweep, count: int, more: str) -> None:
    results = Results.read([faces])
    (facts,) = results.sweeps
    summary = replace(facts.summary, skipped=[f"broken {number}.png" for number in range(count)])
    results = replace(results, sweeps=[replace(facts, summary=summary)])
    section = TrialsSection.of(results, Album.read(results))
    words = Page(templates().get_template("sections/trials.html.j2").render(section=section)).words()
    assert f"{count:,} unreadable files left out of the data" in words
    assert words.count("broken ") == FILES
    assert f"{more} not shown; they are in events/" in words if more else "not shown" not in words
