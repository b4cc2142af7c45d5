"""The README of an export: whose licence it names, and what it says of a translator."""

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ganlib.config import DataConfig, ModelConfig, PhotosConfig, TrialConfig
from ganlib.export.files import ExportConfig
from ganlib.metrics.identity import Baseline
from sweep.commands.exporting.model_card import card
from sweep.commands.exporting.origins import source_of
from sweep.records.sweep_info import SweepInfo

FREE = "Avatar style 'a': by A, licensed under CC0 1.0 (https://creativecommons.org/)"
NAMED = "Avatar style 'b': by B, licensed under CC BY 4.0 (https://creativecommons.org/)"
FILES = ("model.safetensors", "model.pt2", "model.onnx", "samples.png", "metrics.json")
NUMBERS = {
    **{
        "kid": 0.1,
        "kid_se": 0.01,
        "fid": 50.0,
        "n_fake": 32,
        "kimg": 3.0,
        "kind": "result",
        "confidence": "one seed",
    },
    **{"from": "trial 0", "measured_again": None, "extractor": "efficientnet_lite0@64", "cycle_l1": 0.25},
}


@pytest.fixture
def written(trial_config: Any) -> Any:
    """``written(family, photos, attribution, files)``: the facts of a card, and its text."""

    def write(
        family: str = "cyclegan",
        photos: str = "avatars",
        attribution: str = f"{FREE}\n{FREE}",
        files: tuple[str, ...] = (*FILES, "back.pt2", "back.onnx"),
    ) -> tuple[dict[str, Any], str]:
        plain = trial_config()
        translates = family != "dcgan"
        trial = TrialConfig(
            data=DataConfig(size=32, count=40),
            photos=PhotosConfig(source=photos, style="open-peeps") if translates else None,
            model=ModelConfig(family=family),
            **{name: getattr(plain, name) for name in ("train", "evaluate", "collapse")},
        )
        baseline = (Baseline(32, 90.0, 0.375, 0.01),) if translates else ()
        info = SweepInfo(
            name="s",
            images=40,
            photos=30 * translates,
            attribution=attribution,
            data_hash="0" * 64,
            baseline=baseline,
        )
        config = ExportConfig(model=trial.model, size=32, digests=dict.fromkeys(files, ""))
        sweep: Any = SimpleNamespace(name="s", info=info)
        text = card(sweep, trial, {"seed": 1}, NUMBERS, config, [], 128)
        return yaml.safe_load(text.split("---\n")[1]), text

    return write


@pytest.mark.parametrize(
    ("photos", "attribution", "licence"),
    [
        ("avatars", f"{FREE}\n{FREE}", "cc0-1.0"),
        ("avatars", f"{FREE}\n{NAMED}", "unknown"),
        ("my/photos", FREE, "unknown"),
        ("avatars", "", "unknown"),
    ],
)
def test_a_licence_is_named_where_it_is_that_of_all_pictures(
    photos: str, attribution: str, licence: str, written: Any
) -> None:
    assert written(photos=photos, attribution=attribution)[0]["license"] == licence


def test_what_a_translator_does(written: Any) -> None:
    facts, text = written(photos="/home/me/photos")
    assert facts["pipeline_tag"] == "image-to-image"
    for words in (
        "translate(drawings, back=True)",
        "`back.onnx` takes `drawings` and gives `photos`",
        "multiples of 4",
        "x / 127.5 - 1",
        "--back",
        "KID 0.375",
        "went there and back, of 1: 0.25",
        "Photographs: 30 pictures of a folder of pictures",
        "- `back.pt2`: drawings to photographs",
        "fixed photographs",
    ):
        assert words in text
    assert "latents" not in text
    assert "/home/me" not in text


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("avatars", "DiceBear avatars, style adventurer"),
        (["avatars"], "DiceBear avatars, style adventurer"),
        (["avatars", "/home/me/x"], "DiceBear avatars, style adventurer and a folder of pictures"),
        ("s3://me/p", "a bucket of pictures"),
        (["/home/me/a", "/home/me/b", "s3://me/p"], "2 folders of pictures and a bucket of pictures"),
    ],
)
def test_where_pictures_came_from(source: Any, told: str) -> None:
    assert source_of(DataConfig(source=source)) == told


def test_one_that_goes_one_way(written: Any) -> None:
    _, text = written("cartoongan", files=FILES)
    assert "`model.onnx` takes `photos` and gives `drawings`, " in text
    assert "back=True" not in text
    assert "back.onnx" not in text
    assert "onnxruntime" not in written("cartoongan", files=("model.pt2",))[1]


def test_it_counts_its_pictures(written: Any) -> None:
    _, text = written("dcgan", files=FILES)
    assert "![128 pictures of the generator](samples.png)" in text
    assert "- `samples.png`: 128 pictures, not chosen" in text


def test_one_of_latents_says_nothing_of_photographs(written: Any) -> None:
    facts, text = written("dcgan", attribution=FREE, files=FILES)
    assert facts["pipeline_tag"] == "unconditional-image-generation"
    assert facts["license"] == "cc0-1.0"
    assert "generator.sample(64, seed=7)" in text
    assert "hotograph" not in text
