"""A translator from the spec to its drawings: every command that a person gives, on a sweep of seconds."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.commands import fine, run, small
from PIL import Image

from ganlib import load_generator
from sweep.records.datasets import Store
from sweep.records.sweep_info import SweepInfo
from sweep.storage.opening import open_folder

SPEC = small(
    "both",
    data={"count": 60, "style": "notionists"},
    photos={"source": "avatars", "style": "open-peeps", "count": 50},
    model={"family": "FAMILY", "width": 4, "blocks": 1, "latent_dim": 100},
    train={"loss": "lsgan", "batch_size": 5, "epochs": 2},
    evaluate={"n_real": 32, "n_fake": 20},
    collapse={"enabled": False},
)


@pytest.fixture(scope="module", params=["cyclegan", "cartoongan"])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "spec.yaml").write_text(SPEC.replace("FAMILY", request.param))
    fine("run", folder / "spec.yaml", "--local", "--storage", folder)
    return folder


def both(storage: Path) -> bool:
    return storage.name.startswith("cyclegan")


def test_what_is_on_record(storage: Path) -> None:
    folder = open_folder(storage) / "both"
    info, store = SweepInfo.read(folder), Store(folder)
    assert (info.images, info.photos) == (60, 50)
    assert info.drawings_hash != info.data_hash
    (baseline,) = info.baseline
    assert baseline.n_fake == 20
    assert baseline.kid > 0.1
    for dataset in ("metrics", "results"):
        for row in store.rows(dataset):
            assert row["data_hash"] == info.data_hash
            assert 0 < row["change"] < 3
            assert (row["cycle_l1"] is not None) == both(storage)
    assert all((row["kid_back"] is not None) == both(storage) for row in store.rows("results"))
    sample = store.rows("samples")[0]
    assert sample["rows"] == len(json.loads(sample["shown"]))
    assert sample["latents"].startswith("pictures:")
    terms = {
        name
        for name, value in store.rows("metrics")[-1].items()
        if name.startswith("loss_") and value is not None
    }
    own = {"loss_cycle", "loss_identity"} if both(storage) else {"loss_content", "loss_style"}
    assert terms == {"loss_g", "loss_d"} | own


def test_it_is_whole_and_shown(storage: Path) -> None:
    assert "is whole" in fine("check", "both", "--storage", storage)
    shown = fine("show", "both", "--storage", storage)
    assert "60 drawings and 50 photographs" in shown
    assert "photographs as they are" in shown
    best = json.loads(fine("best", "both", "--storage", storage, "--json"))
    assert best["ranked"][0]["baseline"] > best["ranked"][0]["floor"]
    assert best["ranked"][0]["change"] > 0
    fine("report", "both", "--storage", storage)
    page = (storage / "both" / "report.html").read_text()
    assert "photograph" in page


def test_it_is_confirmed_exported_and_used(storage: Path, tmp_path: Path) -> None:
    if both(storage):
        fine("confirm", "both", "--top", 1, "--seeds", 2, "--local", "--storage", storage)
    export = tmp_path / "export"
    fine("best", "both", "--storage", storage, "--export", export)
    files = {path.name for path in export.iterdir()}
    assert {"model.safetensors", "model.pt2", "samples.png", "README.md"} <= files
    assert ("back.pt2" in files) == both(storage)
    again = json.loads((export / "metrics.json").read_text())["measured_again"]
    assert again["n_fake"] == 20

    photos = tmp_path / "photos"
    (photos / "deeper").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "a.jpg")
    Image.fromarray(noise[..., 0]).save(photos / "deeper" / "grey.png")
    fine("generate", export, "--input", photos, "--out", tmp_path / "drawn")
    with Image.open(tmp_path / "drawn" / "a.png") as drawn:
        assert drawn.size == (50, 37)
    assert (tmp_path / "drawn" / "deeper" / "grey.png").is_file()
    translator = load_generator(export)
    assert translator.translate(noise[None]).shape == (1, 37, 50, 3)
    without = run("generate", export, "--out", tmp_path / "x.png")
    assert without.exit_code == 2
    assert "--input" in without.output
