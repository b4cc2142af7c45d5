"""What is told before a sweep trains: units that do not meet, budgets, missing pictures and weights, the time."""

from pathlib import Path

import pytest
from helpers.sweeps.commands import SPACES, TINY, draw, run
from PIL import Image

from ganlib.errors import RequestError
from sweep.commands import notes
from sweep.commands.inputs import Pictures
from sweep.commands.planning.dry_run import describe, facts
from sweep.commands.planning.expected import expected_rungs
from sweep.commands.planning.findings import Findings
from sweep.spec.specification import load, parse


@pytest.mark.parametrize("factor", [1, 1000])
@pytest.mark.parametrize(
    ("grace", "unit", "every", "every_unit", "refused"),
    [
        (2, "kimg", 1, "epochs", True),
        (50, "kimg", 1, "epochs", False),
        (49.9, "kimg", 1, "epochs", True),
        (1, "epochs", 60, "kimg", True),
        (1, "epochs", 50, "kimg", False),
        (1, "epochs", 2, "epochs", True),
    ],
)
def test_rungs_before_the_first_evaluation_in_any_units(
    grace: float, unit: str, every: float, every_unit: str, refused: bool, factor: int
) -> None:
    """50,000 pictures, and the same with a thousandth of them (and times in kimg a thousandth)."""
    scale = {"kimg": factor, "epochs": 1}
    spec_text = (
        f"train: {{epochs: 20}}\nasha: {{grace: {grace / scale[unit]}, unit: {unit}}}\n"
        f"evaluate: {{every: {every / scale[every_unit]}, unit: {every_unit}}}"
    )
    if unit == every_unit and refused:
        with pytest.raises(RequestError, match=r"asha.grace"):
            parse(spec_text)
        return
    spec = parse(spec_text)
    if refused:
        with pytest.raises(RequestError, match=r"asha.grace is .*kimg \(.* epochs\).*evaluate.every"):
            notes.check(spec, 50_000 // factor)
    else:
        notes.check(spec, 50_000 // factor)


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("train: {epochs: 10}\nasha: {grace: 600, unit: kimg}\nevaluate: {every: 1}", 50_000),
        ("train: {kimg: 100}\nasha: {grace: 4}\nevaluate: {every: 10, unit: kimg}", 50_000),
        ("train: {kimg: 100}\nasha: {grace: 1}\nevaluate: {every: 90, unit: kimg}", 95_000),
        ("train: {epochs: 10}\nasha: {grace: 8}\nevaluate: {every: 7}", 50_000),
    ],
)
def test_no_savings_are_promised_where_nobody_is_compared(text: str, images: int) -> None:
    spec = parse(text)
    found = Findings(Pictures(images, prepared=True), None, tuple(notes.notes(spec, images)))
    assert any("nobody is compared" in note for note in found.notes)
    told = facts(spec, found)
    assert told["expected_training"] == 1.0
    assert told["rungs"] == []
    assert expected_rungs(spec, 16, images).share == 1.0


def test_two_rungs_that_one_evaluation_meets_stop_once() -> None:
    spec = parse("train: {epochs: 40}\nasha: {grace: 4, reduction: 1.5}\nevaluate: {every: 4}")
    at = spec.schedule(1000)
    assert at.rungs[:4] == (4.0, 6.0, 9.0, 13.5)
    assert at.comparisons[:3] == (4.0, 8.0, 12.0)
    assert len(set(at.comparisons)) == len(at.comparisons)


@pytest.mark.parametrize(
    ("text", "images", "words"),
    [
        ("train: {kimg: 20}", 50_000, ("short", "train.kimg", "50 kimg")),
        ("train: {epochs: 20}", 1634, ("short", "blobs", "train.epochs", "24.5 epochs")),
        ("train: {kimg: 1000}", 500, ("long", "2,000 times", "train.kimg")),
        ("train: {epochs: 50}\nevaluate: {every: 60}", 20_000, ("evaluate.every", "once")),
        ("train: {kimg: 50}\nevaluate: {every: 60, unit: kimg}", 2000, ("evaluate.every", "once")),
        ("train: {kimg: 100, milestones: [30, 40]}", 20_000, ("train.milestones", "600 kimg")),
        ("train: {kimg: 40}\ncollapse: {warmup_steps: 700}", 4000, ("collapse.warmup_steps", "625 steps")),
        (
            "model: {family: stylegan}\ntrain: {kimg: 200, grow_kimg: 30}",
            2000,
            ("train.grow_kimg", "240 kimg"),
        ),
        ("train: {kimg: 100, ada_target: 0.6}", 2000, ("train.ada_kimg", "20%")),
    ],
)
def test_what_is_probably_not_meant(text: str, images: int, words: tuple[str, ...]) -> None:
    found = notes.notes(parse(text), images)
    assert any(all(word in note for word in words) for note in found), found


@pytest.mark.parametrize("path", sorted(SPACES.glob("**/*.yaml")), ids=lambda path: path.stem)
def test_shipped_specs_need_no_notes(path: Path) -> None:
    spec = load(path)
    notes.check(spec, spec.data.count)
    assert notes.notes(spec, spec.data.count) == []


@pytest.mark.parametrize("images", [1634, 3000, 50_000])
def test_the_first_look_takes_as_long_with_any_number_of_pictures(images: int) -> None:
    spec = load(SPACES / "quickstart.yaml")
    assert (spec.schedule(images).budget, spec.schedule(images).interval, spec.schedule(images).rungs) == (
        60.0,
        6.0,
        (6.0, 12.0, 24.0, 48.0),
    )


def test_the_dry_run_looks_at_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    folder = draw(tmp_path / "faces #2", 30)
    (folder / "broken.png").write_bytes(b"no picture")
    (tmp_path / "s.yaml").write_text(TINY)
    told = run(
        "run",
        tmp_path / "s.yaml",
        "--dry-run",
        "--no-measure",
        "--set",
        f"data.source={folder}",
        "--set",
        "data.count=null",
    )
    assert told.exit_code == 0, told.output
    for part in ("30 from", "faces #2", "1 cannot be used", "broken.png", "0.06 kimg (2 epochs)", "short"):
        assert part in told.output
    assert "# Time" not in told.output


def test_all_that_is_missing_is_told_at_once_by_dry_run_and_run(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(
        TINY.replace(
            "source: avatars", f"source: ['{tmp_path}/a', '{tmp_path}/b'], background: nocolour"
        ).replace("{every: 1", f"{{extractor: torchscript, weights: '{tmp_path}/w.pt', every: 1")
    )
    for more in (["--dry-run"], ["--local"], []):
        told = run("run", spec, "--storage", tmp_path / "runs", *more)
        assert told.exit_code == 2
        for part in (f"{tmp_path}/a'", f"{tmp_path}/b'", "nocolour", "evaluate.weights", "w.pt"):
            assert part in told.output, told.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [["run", "--dry-run"], ["run", "--local"], ["plan"]], ids=" ".join)
@pytest.mark.parametrize("drawn", [False, True], ids=["a folder", "avatars"])
def test_one_picture_is_refused_before_anything_begins(
    drawn: bool, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "one/a.png")
    source = "avatars" if drawn else str(tmp_path / "one")
    spec = tmp_path / "s.yaml"
    spec.write_text(f"data: {{source: '{source}', count: 1, size: 32}}\ntrain: {{batch_size: 1, kimg: 1}}\n")
    place = ["--storage", tmp_path / "runs"] if command[0] == "run" else []
    told = run(command[0], spec, *command[1:], *place)
    assert told.exit_code == 2
    assert f"data.source: 1 picture in '{source}', of which data.count is 1" in told.output
    assert not list(tmp_path.rglob("sweep.json"))


TRANSLATOR = """
name: both
data: {count: 64, size: 32}
photos: {source: avatars, style: micah, count: 20}
model: {family: FAMILY, width: 4, blocks: 1}
train: {batch_size: 8, kimg: 4}
evaluate: {every: 1, unit: kimg, n_fake: 16}
search: {trials: 1}
"""


def test_both_domains_are_looked_at(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(TRANSLATOR.replace("FAMILY", "cartoongan"))
    wrong = [
        f"data.source={tmp_path}/a",
        *(
            f"photos.source={tmp_path}/b",
            "photos.background=nocolour",
            f"photos.landmarks={tmp_path}/c.parquet",
        ),
        *(
            "train.content=vgg19",
            f"train.content_weights={tmp_path}/vgg.pth",
            f"evaluate.weights={tmp_path}/w.pt",
        ),
    ]
    options = [part for override in wrong for part in ("--set", override)]
    for more in (["--dry-run"], ["--local"], []):
        told = run("run", spec, "--storage", tmp_path / "runs", *options, *more)
        assert told.exit_code == 2
        for part in ("/a'", "/b'", "photos.background: 'nocolour'", "/c.parquet'", "/vgg.pth'", "/w.pt'"):
            assert part in told.output, told.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("family", ["cyclegan", "cartoongan"])
def test_the_dry_run_of_a_translator(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.commands.planning.costs.SECONDS", 0.01)
    spec = tmp_path / "s.yaml"
    spec.write_text(TRANSLATOR.replace("FAMILY", family))
    told = run("run", spec, "--dry-run", "--local", "--set", "train.batch_size=4")
    assert told.exit_code == 0, told.output
    for part in ("# Photographs", "20 to be drawn: avatars, micah", "# Time", "results share photographs"):
        assert part in told.output, told.output
    too_few = run("run", spec, "--dry-run", "--set", "train.batch_size=32")
    assert too_few.exit_code == 2
    assert "only 20 photographs" in too_few.output


@pytest.mark.parametrize("extractor", ["torchscript", "inception", "efficientnet_lite0"])
def test_weights_that_are_none_are_told_before_pictures_are_prepared(
    extractor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sweep.commands.run.prepare_pictures", lambda *_: pytest.fail("pictures were prepared")
    )
    (tmp_path / "w.pt").write_bytes(b"none")
    spec = tmp_path / "s.yaml"
    spec.write_text(
        TINY.replace("{every: 1", f"{{extractor: {extractor}, weights: '{tmp_path}/w.pt', every: 1")
    )
    for more in (["--dry-run"], ["--local", "--storage", tmp_path / "runs"]):
        told = run("run", spec, *more)
        assert told.exit_code == 2
        assert "evaluate.weights" in told.output
        assert "w.pt" in told.output


@pytest.mark.parametrize("written", [" {} ", '"{}"', "'{}'", "{} "])
def test_a_path_with_something_around_it(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "pics", 20)
    (tmp_path / "s.yaml").write_text(TINY)
    told = run("run", "s.yaml", "--dry-run", "--set", f"data.source={written.format('pics')}")
    assert told.exit_code == 2
    assert "did you mean 'pics'" in told.output


def test_a_real_run_says_what_the_dry_run_says(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(TINY + "asha: {grace: 0.01, unit: kimg}\n")
    for more in (["--dry-run"], ["--local"]):
        told = run("run", spec, "--storage", tmp_path / "runs", *more)
        assert told.exit_code == 2
        assert "asha.grace is 0.01 kimg (0.156 epochs)" in told.output


def test_without_a_look_the_dry_run_is_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    describe(parse(TINY))
    assert "# Pictures" not in capsys.readouterr().out
