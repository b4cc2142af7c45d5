"""Pictures in a bucket are read as those in a folder are: the same set, the same words, each object fetched once."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.drawn.in_bucket import FILES, config, fetched, picture, url
from helpers.programs.fake_s3 import Bucket
from helpers.sweeps.commands import run, small

from ganlib.config import PhotosConfig
from ganlib.data import prepare
from ganlib.data.buckets import bucket as module
from ganlib.domains.landmarks import PicturePoints, write_landmarks
from ganlib.domains.sets import prepare_sets
from ganlib.errors import RequestError, WorkError
from sweep.commands import inputs
from sweep.commands.before import anchored
from sweep.spec.specification import parse

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "pics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "pics"


@pytest.mark.parametrize("options", [{}, {"labels": "folders"}, {"count": 5, "seed": 3}, {"dedupe": True}])
def test_the_set_is_that_of_a_folder(
    options: dict[str, Any], bucket: Bucket, folder: Path, tmp_path: Path
) -> None:
    here = prepare(config(str(folder), **options), tmp_path / "one")
    there = prepare(config(url(bucket), **options), tmp_path / "two")
    assert there.hash == here.hash
    assert np.array_equal(there.pictures, here.pictures)
    assert len(there.skipped) == len(here.skipped)
    assert [item.reason for item in there.skipped] == [item.reason for item in here.skipped]
    assert all(item.path.startswith("s3://bucket/pics/") for item in there.skipped)
    assert [(item.reason, item.count) for item in there.found.left_out] == [
        (item.reason, item.count) for item in here.found.left_out
    ]
    told = repr((there.skipped, there.found, there.found.left_out))
    assert str(tmp_path) not in told, "people are told of the bucket, not of the mirror"


def test_each_object_is_fetched_once_and_again_where_it_changed(bucket: Bucket, tmp_path: Path) -> None:
    first = prepare(config(url(bucket)), tmp_path)
    pictures = [f"pics/{name}" for name in FILES if not name.endswith(".txt")]
    assert sorted(fetched(bucket)) == sorted(pictures)
    bucket.asked.clear()
    assert prepare(config(url(bucket)), tmp_path).hash == first.hash
    assert prepare(config(url(bucket), resize="nearest"), tmp_path).hash != first.hash
    assert fetched(bucket) == []
    bucket.objects["pics/cats/0.png"] = picture(0)[:-1] + b"x"  # as large
    bucket.days["pics/cats/0.png"] = 2
    bucket.objects["pics/cats/new.png"] = picture(55)
    del bucket.objects["pics/cats/5.png"]
    second = prepare(config(url(bucket)), tmp_path)
    assert sorted(fetched(bucket)) == ["pics/cats/0.png", "pics/cats/new.png"]
    assert second.hash != first.hash
    assert not list((tmp_path / "buckets").rglob("5.png")), "what is gone there goes here"


def test_an_interruption_costs_what_was_under_way(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "THREADS", 1)
    read, count = module.Bucket._fetch, 0

    def cut(self: module.Bucket, place: str, state: Any) -> None:
        nonlocal count
        count += 1
        if count > 4:
            raise KeyboardInterrupt
        read(self, place, state)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module.Bucket, "_fetch", cut)
        prepare(config(url(bucket)), tmp_path)
    had = set(fetched(bucket))
    bucket.asked.clear()
    prepare(config(url(bucket)), tmp_path)
    assert had
    assert not had & set(fetched(bucket))


def test_progress_counts_to_the_end(bucket: Bucket, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    prepare(config(url(bucket)), tmp_path, progress=lambda done, total: told.append((done, total)))
    dones = [done for done, _ in told]
    assert dones == sorted(dones)
    assert told[-1][0] == told[-1][1]


def test_a_bucket_beside_a_folder_and_avatars(bucket: Bucket, folder: Path, tmp_path: Path) -> None:
    images = prepare(config([url(bucket, "elsewhere"), str(folder), "avatars"], count=4), tmp_path)
    assert len(images) == 1 + 12 + 4


def test_what_sweeps_made_is_left_out(bucket: Bucket, tmp_path: Path) -> None:
    run_of = json.dumps({"name": "x", "data_hash": "y", "images": 3}).encode()
    bucket.objects |= {"pics/x/sweep.json": run_of, "pics/x/images/1.png": picture(1)}
    made = picture(2)
    line = json.dumps({"name": "sheet.png", "sha256": hashlib.sha256(made).hexdigest(), "kind": ""})
    bucket.objects |= {"pics/sheet.png": made, "pics/.sweep-files.jsonl": line.encode()}
    images = prepare(config(url(bucket)), tmp_path)
    assert len(images) == 12
    assert {item.example for item in images.found.left_out} >= {
        "s3://bucket/pics/x",
        "s3://bucket/pics/sheet.png",
    }
    with pytest.raises(RequestError, match="lies in the folder of a sweep \\(s3://bucket/pics/x\\)"):
        prepare(config(url(bucket, "pics/x/images")), tmp_path)


def test_the_environment_may_name_the_store(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = url(bucket).partition("endpoint_override=")[2].partition("&")[0]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{place}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert len(prepare(config("s3://bucket/pics"), tmp_path)) == 12


def test_a_dry_run_fetches_no_more_than_it_opens(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(inputs, "PREPARED", 3)
    spec = small(
        data={"source": url(bucket), "count": None, "max_skipped": 0.5}, train={"batch_size": 4, "epochs": 1}
    )
    (tmp_path / "small.yaml").write_text(spec)
    told = run("run", tmp_path / "small.yaml", "--dry-run", "--storage", tmp_path / "runs")
    assert told.exit_code == 0, told.output
    assert "s3://bucket/pics/broken.png: " in told.output
    assert str(tmp_path / "cache") not in told.output


def test_photographs_and_their_landmarks(bucket: Bucket, folder: Path, tmp_path: Path) -> None:
    names = [name for name in FILES if name.startswith("cats/")]
    points = [PicturePoints(name.removeprefix("cats/"), 40, 40, [(0.5, 0.5)]) for name in names]
    write_landmarks(tmp_path / "points.parquet", points)
    photos = PhotosConfig(source=url(bucket, "pics/cats"), landmarks=str(tmp_path / "points.parquet"))
    sets = prepare_sets(config(str(folder)), photos, cache=tmp_path / "cache")
    assert sets.landmarks is not None
    assert sets.landmarks.shape == (6, 1, 2)
    with pytest.raises(RequestError, match=r"photos\.source: there is nothing in"):
        prepare_sets(config(str(folder)), PhotosConfig(source=url(bucket, "none")), cache=tmp_path / "cache")


def test_addresses_stay_as_they_are_in_a_spec() -> None:
    text = small(data={"source": ["s3://bucket/pics?region=us-east-1", "pictures"]}, train={"epochs": 1})
    spec = anchored(parse(text, "x.yaml"))
    assert list(spec.data.source) == ["s3://bucket/pics?region=us-east-1", str(Path("pictures").absolute())]


def test_a_sweep_goes_on_with_the_pictures_of_its_bucket(
    bucket: Bucket, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted sweeps, moved pictures, and commands that describe them."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    text = small(
        data={"source": url(bucket), "count": None, "size": 32, "max_skipped": 0.5},
        train={"batch_size": 4, "epochs": 1},
        evaluate={"n_real": 8, "n_fake": 8, "kid_subsets": 2, "kid_subset_size": 4},
        search={"trials": 1},
    )
    (tmp_path / "small.yaml").write_text(text)
    told = run("data", tmp_path / "small.yaml", "--out", tmp_path / "sheet.png", "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["source"].startswith("s3://bucket/pics")
    storage = ("--storage", tmp_path / "runs")
    begun = run("run", tmp_path / "small.yaml", "--local", *storage)
    assert begun.exit_code == 0, begun.output
    assert "12 pictures of 32 px from s3://bucket/pics" in begun.output
    again = run("extend", "small", "--trials", "+1", "--local", *storage)
    assert again.exit_code == 0, again.output
    bucket.objects["pics/cats/new.png"] = picture(55)
    changed = run("extend", "small", "--trials", "+1", "--local", *storage)
    assert changed.exit_code == 2
    assert "the pictures have changed since the sweep began" in changed.output
    del bucket.objects["pics/cats/new.png"]
    moved = run("extend", "small", "--trials", "+1", "--local", *storage, "--set", f"data.source={folder}")
    assert moved.exit_code == 0, moved.output
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize("change", ["gone", "laid out anew", "another"])
def test_files_of_the_mirror_that_are_lost_once_they_were_fetched_are_told(
    change: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sweep lists the bucket, which has changed, or somebody clears the cache: no picture is left out."""
    fetch = module.Bucket.fetch

    def lose(self: module.Bucket, *arguments: Any) -> None:
        fetch(self, *arguments)
        (path,) = self.mirror.rglob("3.png")
        path.unlink()
        if change == "laid out anew":
            path.touch()
        elif change == "another":
            path.write_bytes(picture(77))

    monkeypatch.setattr(module.Bucket, "fetch", lose)
    with pytest.raises(
        WorkError, match=r"'s3://bucket/pics/cats/3\.png' .* the bucket or the cache has changed"
    ):
        prepare(config(url(bucket)), tmp_path)
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert len(prepare(config(url(bucket)), tmp_path)) == 12
