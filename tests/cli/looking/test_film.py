"""`sweep film`: the pictures of a training, with what was measured, of one trial or of all at the same kimg."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.programs.fake_s3 import serving
from helpers.sweeps.commands import run
from helpers.sweeps.reports import translator_sweep
from helpers.sweeps.synthetic import make_sweep
from helpers.sweeps.synthetic_trials import BUDGET
from PIL import Image

from ganlib.data.sheet import GAP
from ganlib.errors import RequestError
from ganlib.export import moving
from sweep.records.catalog import Sweep
from sweep.report.film import frames as drawing
from sweep.report.film import shots
from sweep.report.film.film import Film, film_of_all, film_of_one
from sweep.report.film.frames import COLOURS, ENDS, box_of, fitted
from sweep.report.film.shots import Size, reels
from sweep.report.results import Results

EVERY = 12.0
MOMENTS = [EVERY * (step + 1) for step in range(10)]
"""Evaluations of a trial that is trained to the end."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    made: Sweep = make_sweep(tmp_path_factory.mktemp("runs"), trials=8, every=EVERY, film=True)
    return made


@pytest.fixture(scope="module")
def results(sweep: Sweep) -> Results:
    return Results.read([sweep])


@pytest.fixture
def place(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The storage folder, while the command stands in an empty one."""
    monkeypatch.chdir(tmp_path)
    yield str(Path(sweep.folder.url).parent)


def spoken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that is written into frames from now on."""
    said: list[str] = []
    real = drawing.ImageDraw.ImageDraw.text

    def text(self: object, at: object, words: str, *rest: object, **more: object) -> None:
        said.append(words)
        real(self, at, words, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(drawing.ImageDraw.ImageDraw, "text", text)
    return said


# ---- what is shown -----------------------------------------------------------------------------------------


def test_the_best_trial_at_every_evaluation(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    said = spoken(monkeypatch)
    film = film_of_one(results)
    winner = results.winner
    assert winner is not None
    assert film.moments == [sample.kimg for sample in winner.samples] == MOMENTS
    assert len(film.frames) == len(MOMENTS)
    assert len({frame.size for frame in film.frames}) == 1
    for kimg, evaluation in zip(film.moments, winner.evaluations, strict=True):
        assert f"{kimg:g} of {BUDGET:g} kimg" in said
        assert any(words.startswith(f"KID {evaluation.values['kid']:.2g}"[:7]) for words in said)
    assert f"faces, trial {winner.entry.trial}" in said
    assert "finished at 120 kimg, its best" in said
    assert "KID (efficientnet_lite0@64), smaller is better; the same latents throughout" in said


def test_the_pictures_are_those_of_the_grid(results: Results, sweep: Sweep) -> None:
    """Small ones are enlarged by a whole factor, pixel by pixel."""
    (reel,), _, broken = reels([results.trials[0]], Size(None, 560), 60)
    assert broken == 0
    for shot, sample in zip(reel.shots, results.trials[0].samples, strict=True):
        whole = Image.open(Path(sweep.folder.url) / sample.path).convert("RGB")
        assert np.array_equal(np.asarray(shot.block), np.asarray(whole))
    frame = film_of_one(results).frames[0]
    block = reel.shots[0].block
    box = box_of([block], 560)
    assert box == (2 * block.width, 2 * block.height)
    twice = np.asarray(block).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(np.asarray(fitted(block, box)), twice)
    left, top = (frame.width - box[0]) // 2, 14 + 20 + 10 + 6 + 12
    assert np.array_equal(np.asarray(frame)[top : top + box[1], left : left + box[0]], twice)


def test_side_by_side_at_the_same_time(results: Results) -> None:
    found, moments, _ = reels(results.trials, Size(None, 200), 60)
    assert moments == MOMENTS
    assert {len(reel.shots) for reel in found} > {1, len(MOMENTS)}
    ends = {reel.trial.entry.trial: reel for reel in found}
    for reel in found:
        last = reel.shots[-1].moment
        for moment in moments:
            shot = reel.at(moment)
            assert shot is not None
            assert shot.moment == min(moment, last)  # it stays at its last pictures
            assert reel.ended(moment) == (moment >= last)
        assert reel.at(EVERY - 1) is None
    assert {reel.end.partition(" ")[0].rstrip(":") for reel in ends.values()} == {
        "finished",
        "stopped",
        "collapsed",
        "failed",
    }
    assert ends[5].end == "collapsed: low_diversity"


def test_how_a_trial_ended_is_marked(results: Results) -> None:
    film = film_of_all(results, most=2)
    first, last = (set(map(tuple, np.asarray(film.frames[i]).reshape(-1, 3))) for i in (0, -1))
    assert {ENDS["finished"], ENDS["stopped"], ENDS["collapsed"]} <= last
    assert ENDS["finished"] not in first
    assert film.trials == len([trial for trial in results.trials if trial.samples])
    some = film_of_all(results, top=2)
    assert (some.trials, some.omitted) == (2, film.trials - 2)


def test_a_running_trial_is_not_said_to_have_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = make_sweep(tmp_path, trials=3, running=True, film=True, every=EVERY)
    said = spoken(monkeypatch)
    film = film_of_all(Results.read([live]))
    assert film.moments[-1] < BUDGET
    assert not any(words.startswith("running") for words in said)
    assert film_of_one(Results.read([live])).frames


def test_many_evaluations_are_thinned_out(results: Results) -> None:
    film = film_of_one(results, most=2)
    assert film.moments == [12, 120]
    assert film_of_one(results, most=1).moments == [120]
    assert shots._spread([float(kimg) for kimg in range(100)], 4) == [0, 33, 66, 99]


@pytest.mark.parametrize(("frames", "pace"), [(1, 0.6), (4, 0.6), (50, 0.2), (1000, 0.1)])
def test_a_film_takes_about_ten_seconds(frames: int, pace: float) -> None:
    assert Film([Image.new("RGB", (1, 1))] * frames, [], 1, 0, 0).pace == pace


def test_grids_of_different_sizes(tmp_path: Path) -> None:
    """As a growing resolution makes them: early ones are enlarged to the size of the late ones."""
    grown = make_sweep(tmp_path, trials=1, every=EVERY, film=True)
    small = Image.new("RGB", (8 * 10 + GAP,) * 2, "red")
    path = Results.read([grown]).trials[0].samples[0].path
    small.save(tmp_path / "faces" / path)
    film = film_of_one(Results.read([grown]))
    assert len({frame.size for frame in film.frames}) == 1
    first = np.asarray(film.frames[0])
    red = (first == (255, 0, 0)).all(2)
    assert red.any(1).sum() > 400  # of 548 rows


@pytest.mark.parametrize("side", [8, 28, 64, 128, 256])
def test_sizes_are_sensible(side: int, results: Results) -> None:
    sample = results.trials[0].samples[0]
    down, across = Size(None, 560).of(sample, side + GAP)
    block = Image.new("RGB", (across * (side + GAP) + GAP, down * (side + GAP) + GAP))
    width, height = box_of([block], 560)
    assert 400 <= width <= 562
    assert (width, down) == (height, across)
    assert across >= 4


@pytest.mark.parametrize(("one_way", "pattern"), [(False, 6), (True, 2)])
def test_of_translators_rows_that_belong_together_are_shown(
    one_way: bool, pattern: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Results.read([translator_sweep(tmp_path, one_way=one_way)])
    said = spoken(monkeypatch)
    for rows in (None, 1, 3, 7):
        sample = made.trials[0].samples[-1]
        down, _ = Size(rows, 560).of(sample, 18)
        assert down % pattern == 0
        assert down >= pattern
    assert film_of_one(made).frames
    assert any(words.startswith("rows from the top: photograph, ") for words in said)


def test_missing_and_damaged_pictures_are_left_out(tmp_path: Path) -> None:
    made = make_sweep(tmp_path, trials=1, every=EVERY, film=True)
    first, second, *_ = Results.read([made]).trials[0].samples
    (tmp_path / "faces" / first.path).unlink()
    (tmp_path / "faces" / second.path).write_bytes(b"\x89PNG")
    film = film_of_one(Results.read([made]))
    assert (film.moments, film.broken) == (MOMENTS[2:], 2)
    for path in (tmp_path / "faces" / "images").rglob("*.png"):
        path.unlink()
    with pytest.raises(RequestError, match=r"trial 0 of 'faces' cannot be read"):
        film_of_one(Results.read([made]))


# ---- the command -------------------------------------------------------------------------------------------


def test_it_writes_what_its_name_says(place: str, tmp_path: Path, sweep: Sweep) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(sweep.folder.url).rglob("*")}
    for arguments, name in (
        ([], "faces.gif"),
        (["--trial", "5"], "faces-5.gif"),
        (["--all", "--top", "3"], "faces-all.gif"),
        (["--out", "new/films/mine.webp"], "new/films/mine.webp"),
    ):
        result = run("film", "faces", *arguments, "--seconds", "0.3", "--frames", "2", "--storage", place)
        assert result.exit_code == 0, result.output
        assert result.stdout.strip() == name
        with Image.open(tmp_path / name) as image:
            image.load()
            assert image.info["loop"] == 0
    assert {path: path.stat().st_mtime_ns for path in Path(sweep.folder.url).rglob("*")} == before
    result = run("film", "--storage", place)
    assert "1 trial, 10 evaluations, 12 to 120 kimg, 8.5 s, " in result.stderr


def test_a_video(place: str, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    assert run("film", "--out", "a.mp4", "--frames", "3", "--storage", place).exit_code == 0
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"


def test_without_ffmpeg_it_says_what_to_install(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "find_spec", lambda name: None)
    monkeypatch.setattr(moving.shutil, "which", lambda name: None)
    result = run("film", "--out", "a.mp4", "--storage", place)
    assert result.exit_code == 2
    assert "pip install 'sweep-gan[video]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "a.png"], "must be the name of a .gif, .webp or .mp4 file"),
        (["--out", "/dev/null/a.gif"], "'/dev/null' is a file, and no folder"),
        (["--all", "--trial", "1"], "give one of them"),
        (["--seconds", "nan"], "nan is not a finite number"),
        (["--hold", "nan"], "nan is not a finite number"),
        (["--top", "3"], "--top belongs to --all"),
        (["--trial", "99"], "has no trial 99; there are: trials 0"),
        (["--trial", "4", "--frames", "0"], "--frames"),
    ],
)
def test_what_is_refused(arguments: list[str], words: str, place: str, tmp_path: Path) -> None:
    result = run("film", "faces", *arguments, "--storage", place)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_are_not_replaced(place: str, tmp_path: Path) -> None:
    (tmp_path / "faces.gif").write_bytes(b"mine")
    result = run("film", "--storage", place)
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr
    assert (tmp_path / "faces.gif").read_bytes() == b"mine"


def test_before_there_are_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_sweep(tmp_path, trials=2, pictures=False)
    make_sweep(tmp_path, trials=0, name="young", pictures=False)
    for name, words in (("faces", "are not there yet"), ("young", "no trial of 'young' is the best yet")):
        result = run("film", name, "--storage", tmp_path)
        assert result.exit_code == 2
        assert words in result.stderr
    assert "are not there yet" in run("film", "young", "--all", "--storage", tmp_path).stderr


@pytest.mark.usefixtures("keys")
def test_in_a_bucket(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(sweep.folder.url)
    with serving() as bucket:
        for path in folder.rglob("*"):
            if path.is_file():
                bucket.objects[f"runs/faces/{path.relative_to(folder)}"] = path.read_bytes()
        result = run("film", "faces", "--frames", "2", "--storage", bucket.url)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "faces.gif").is_file()


def test_all_that_is_no_picture_keeps_its_colours(results: Results) -> None:
    film = film_of_all(results, top=4, most=2)
    last = moving.in_few_colours(film.frames, COLOURS)[-1].convert("RGB")
    drawn = set(map(tuple, np.asarray(film.frames[-1]).reshape(-1, 3)))
    kept = set(map(tuple, np.asarray(last).reshape(-1, 3)))
    assert drawn & set(COLOURS) <= kept
