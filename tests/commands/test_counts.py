"""What is asked for explicitly of a measurement is done, or it is said that it is not: numbers of pictures."""

import json
from pathlib import Path

import pytest
from helpers.sweeps.commands import SPACES, TINY, draw, run

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError
from ganlib.metrics.distances.kernel import usual_size
from sweep.commands import counts
from sweep.records.datasets import Store
from sweep.spec.specification import load, parse
from sweep.storage.opening import open_folder

LADDER = "train: {kimg: 40}\nasha: {grace: 4, unit: kimg}\n"


@pytest.mark.parametrize(
    ("evaluate", "images", "words"),
    [
        ("n_real: 50000", 1634, ("evaluate.n_real is 50,000", "only 1,634 pictures", "all are used")),
        ("n_real: 101", 100, ("101", "100")),
        ("kid_subset_size: 200", 5000, ("kid_subset_size is 200", "only 256", "have 128")),
        ("n_first: 3000", 5000, ("evaluate.n_first is 3,000", "2,048")),
    ],
)
def test_what_is_done_instead_is_said(evaluate: str, images: int, words: tuple[str, ...]) -> None:
    spec = parse(LADDER + f"evaluate: {{every: 4, unit: kimg, {evaluate}}}")
    counts.check(spec, images)
    (note,) = counts.notes(spec, images)
    assert all(word in note for word in words), note


def test_a_first_number_without_comparisons_is_never_used() -> None:
    (note,) = counts.notes(parse("train: {kimg: 40}\nevaluate: {n_first: 64}"), 2000)
    assert "evaluate.n_first is 64, but without asha" in note


@pytest.mark.parametrize("images", [2, 3, 100, 2048, 4096, 100_000])
@pytest.mark.parametrize("n_fake", [2, 32, 2048])
def test_what_nobody_asked_for_is_never_refused(images: int, n_fake: int) -> None:
    spec = parse(LADDER + f"evaluate: {{every: 4, unit: kimg, n_fake: {n_fake}}}")
    counts.check(spec, images)
    assert counts.notes(spec, images) == []


@pytest.mark.parametrize(
    ("evaluate", "images", "words"),
    [
        (
            "n_fake: 512, kid_subset_size: 1000",
            5000,
            ("1,000", "512 generated", "evaluate.n_fake", "at most 256"),
        ),
        ("kid_subset_size: 1000", 1634, ("1,000", "1,634 real ones", "at most 817")),
        ("n_real: 300, kid_subset_size: 151", 5000, ("151", "300 real ones", "at most 150")),
        ("n_real: 900, kid_subset_size: 51", 100, ("51", "100 real ones", "at most 50")),
    ],
)
def test_subsets_larger_than_the_sets_allow_are_refused(
    evaluate: str, images: int, words: tuple[str, ...]
) -> None:
    spec = parse(f"train: {{kimg: 40}}\nevaluate: {{{evaluate}}}")
    with pytest.raises(RequestError) as refused:
        counts.check(spec, images)
    assert all(word in str(refused.value) for word in ("evaluate.kid_subset_size", *words)), refused.value


@pytest.mark.parametrize("images", [100, 1634, 5000])
def test_what_is_not_refused_is_done(images: int) -> None:
    for size in (2, 49, 50, 51, 816, 817, 818, 1024, 1025):
        spec = parse(f"train: {{kimg: 40}}\nevaluate: {{n_real: {images}, kid_subset_size: {size}}}")
        try:
            counts.check(spec, images)
        except RequestError:
            continue
        assert usual_size(images, spec.evaluate.n_fake, size) == size


def test_without_a_size_it_is_as_it_was() -> None:
    assert EvaluateConfig().kid_subset_size is None
    assert [usual_size(n, 2048) for n in (2, 100, 2048, 50_000)] == [2, 50, 1000, 1000]


@pytest.mark.parametrize("path", sorted(SPACES.glob("**/*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("images", [64, 300])
def test_shipped_specs_take_few_pictures(path: Path, images: int) -> None:
    counts.check(load(path), images)


def test_few_photographs_are_said_to_be_few() -> None:
    spec = parse(
        "data: {size: 32}\nphotos: {source: avatars}\nmodel: {family: cyclegan}\n"
        "train: {kimg: 4}\nevaluate: {n_fake: 100}"
    )
    assert counts.notes(spec, 1000, 200) == []
    (shared,) = counts.notes(spec, 1000, 199)
    assert "results share photographs" in shared
    fewer, _ = counts.notes(spec, 1000, 40)
    assert "only 40 photographs" in fewer


def test_dry_run_run_and_records_say_it(tmp_path: Path) -> None:
    pictures = draw(tmp_path / "pictures", 24)
    (tmp_path / "s.yaml").write_text(TINY.replace("n_real: 32", "n_real: 32, kid_subsets: 2"))
    where = ("--storage", tmp_path / "runs", "--set", f"data.source={pictures}", "--set", "data.count=null")
    words = "evaluate.n_real is 32, but there are only 24 pictures: all are used"
    dry = run("run", tmp_path / "s.yaml", *where, "--dry-run", "--no-measure", "--json")
    assert dry.exit_code == 0, dry.output
    assert words in json.loads(dry.stdout)["notes"]
    told = run("run", tmp_path / "s.yaml", *where, "--local")
    assert told.exit_code == 0
    assert told.output.count(words) == 1
    events = Store(open_folder(tmp_path / "runs" / "tiny")).rows("events")
    assert [json.loads(row["detail"])["reason"] for row in events if row["kind"] == "note"] == [words]
    for how in ("--dry-run", "--local"):
        size = ("--set", "evaluate.kid_subset_size=13", "--name", "other")
        told = run("run", tmp_path / "s.yaml", *where, *size, how)
        assert told.exit_code == 2
        assert "write at most 12, or leave it out" in told.output
    assert not (tmp_path / "runs" / "other" / "sweep.json").exists()


def test_a_score_against_a_spec_says_it_too(tmp_path: Path) -> None:
    real, made = draw(tmp_path / "real", 20), draw(tmp_path / "made", 12)
    spec = tmp_path / "s.yaml"
    text = TINY.replace("n_real: 32", "n_real: 32, kid_subset_size: 10, kid_subsets: 2")
    spec.write_text(text.replace("{source: avatars, count: 64", f"{{source: {real}"))
    told = run("score", made, "--against", spec, "--json")
    assert told.exit_code == 0, told.output
    notes = json.loads(told.stdout)["notes"]
    assert "evaluate.n_real is 32, but there are only 20 pictures: all are used" in notes
    assert any("kid_subset_size is 10" in note and "only 12" in note and "have 6" in note for note in notes)
