"""Pictures in a bucket are read as those in a folder are: the same set, the same words, each object fetched once."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.programs.fake_s3 import Bucket, serving
from helpers.sweeps.commands import run, small
from PIL import Image

from ganlib import s3
from ganlib.config import DataConfig, PhotosConfig
from ganlib.data import bucket as module
from ganlib.data import prepare
from ganlib.domains.landmarks import PicturePoints, write_landmarks
from ganlib.domains.sets import prepare_sets
from ganlib.errors import RequestError, WorkError
from sweep.commands import inputs
from sweep.commands.before import anchored
from sweep.spec.specification import parse

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def picture(seed: int, suffix: str = "png") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, suffix)
    return buffer.getvalue()


FILES = {
    **{f"cats/{index}.png": picture(index) for index in range(6)},
    **{f"dogs/deep/{index}.webp": picture(100 + index, "webp") for index in range(5)},
    "dogs/ein Hund & Ö#1.png": picture(7),
    "broken.png": b"no picture",
    "notes.txt": b"not one",
}


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as made:
        made.objects |= {f"pics/{name}": data for name, data in FILES.items()}
        made.objects["elsewhere/9.png"] = picture(9)
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "pics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "pics"


def url(bucket: Bucket, prefix: str = "pics") -> str:
    return bucket.url.replace("/runs", f"/{prefix}")


def fetched(bucket: Bucket) -> list[str]:
    return [line.removeprefix("GET ") for line in bucket.asked if line.startswith("GET pics/")]


def config(source: Any, **options: Any) -> DataConfig:
    return DataConfig(source=source, size=32, **{"max_skipped": 0.5} | options)


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


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("file:///home/me/pictures", "write the path of the folder itself: /home/me/pictures"),
        (
            "gs://bucket/pictures",
            "give a folder of pictures on this machine, or a bucket, s3://bucket/prefix",
        ),
        ("https://example.org/x.zip", "give a folder of pictures on this machine, or a bucket"),
        ("s3://", "names no bucket"),
        ("s3://key:secret@bucket/x", "keys do not belong into a URL"),
    ],
)
def test_addresses_that_cannot_be_read(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error:
        prepare(config(source), tmp_path)
    assert str(error.value).startswith("data.source: ")
    assert words in str(error.value)
    assert "secret" not in str(error.value)


def test_nothing_there_and_nobody_there(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is nothing in 's3://bucket/none'"):
        prepare(config(url(bucket, "none")), tmp_path)
    with pytest.raises(RequestError, match="there is no bucket 'other'"):
        prepare(config(url(bucket).replace("s3://bucket", "s3://other")), tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "access to 's3://bucket/pics' is denied"),
        ("Forbidden", "access to 's3://bucket/pics' is denied"),
        ("SignatureDoesNotMatch", "does not know the keys in use"),
    ],
)
def test_who_may_not_read_is_told_at_once(code: str, words: str, bucket: Bucket, tmp_path: Path) -> None:
    bucket.fails, bucket.failure = lambda number: True, (403, code)
    with pytest.raises(RequestError, match=words):
        prepare(config(url(bucket)), tmp_path)
    assert bucket.requests < 10


def test_one_object_that_may_not_be_read_is_named(bucket: Bucket, tmp_path: Path) -> None:
    bucket.fails, bucket.failure = lambda number: "GET pics/cats/3.png" in bucket.asked, (403, "AccessDenied")
    with pytest.raises(RequestError, match=r"access to 's3://bucket/pics/.*' is denied"):
        prepare(config(url(bucket)), tmp_path)


def test_words_of_errors_may_stand_in_names(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 3)
    name = "CREDENTIALS ACCESS_DENIED 403.png"
    bucket.objects[f"pics/{name}"] = picture(1)
    monkeypatch.setattr(module, "THREADS", 1)
    bucket.fails = lambda number: bool(bucket.asked) and bucket.asked[-1] == f"GET pics/{name}"
    bucket.failure = 500, "InternalError"
    with pytest.raises(WorkError, match=f"'s3://bucket/pics/{name}' cannot be read"):
        prepare(config(url(bucket)), tmp_path)


def test_lost_requests_are_repeated(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 12)
    whole = prepare(config(url(bucket)), tmp_path / "one")
    bucket.fails = lambda number: number % 3 == 0
    assert prepare(config(url(bucket)), tmp_path / "two").hash == whole.hash
    assert bucket.failed > 3


def test_nothing_is_written_outside_of_the_mirror(bucket: Bucket, tmp_path: Path) -> None:
    """Names of objects are whatever somebody has chosen."""
    up = "../" * 8 + str(tmp_path).lstrip("/")
    bucket.objects |= {f"pics/{up}/{name}": b"{}" for name in ("config.json", "sweep.json", "x.png")}
    prepare(config(url(bucket)), tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    with pytest.raises(RequestError, match="cannot be the address of a folder"):
        prepare(config(url(bucket, "pics/../..")), tmp_path / "cache")


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


def test_a_full_disk_is_told_before_anything_is_fetched(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_bavail, f_frsize = 1, 512

    monkeypatch.setattr(module.os, "statvfs", lambda path: Full)
    with pytest.raises(WorkError, match=r"are to be fetched, and .* has room for 0 MiB"):
        prepare(config(url(bucket)), tmp_path)
    assert fetched(bucket) == []


def test_names_that_no_file_can_have_are_told(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects |= {
        f"pics/{'x' * 300}.png": picture(1),
        "pics/a//b.png": picture(2),
        "pics/../../../outside.png": picture(3),
    }
    images = prepare(config(url(bucket)), tmp_path)
    told = [item.path for item in images.skipped if "cannot be that of a file" in item.reason]
    assert len(told) == 3
    assert not list(tmp_path.parent.glob("**/outside.png"))


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
