"""Exports: the same pictures come out, and nothing broken or tampered with gets in."""

import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from ganlib import written
from ganlib.config import ModelConfig, TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.export.files import CONFIG, WEIGHTS, ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator, rebuild
from ganlib.models.dcgan import build_generator
from ganlib.models.latents import fixed_latents
from ganlib.steps.adversarial import AdversarialStep

EXPORT = ExportConfig(model=ModelConfig(width=8, latent_dim=16), size=32, about={"fid": 31.5})


def weights_of(config: ExportConfig = EXPORT, seed: int = 0) -> bytes:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return pack_weights(build_generator(config.model, config.size))


WHOLE = weights_of()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    save_generator(tmp_path, EXPORT, WHOLE)
    return tmp_path


def tamper(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


def put_weights(folder: Path, weights: bytes) -> None:
    """Other weights, with the digest that belongs to them."""
    config = ExportConfig.model_validate_json((folder / CONFIG).read_text())
    save_generator(folder, config, weights)


def refused(folder: Path) -> str:
    """The text of the error; one line, naming the file."""
    with pytest.raises(WorkError) as caught:
        load_generator(folder)
    text = str(caught.value)
    assert str(folder) in text
    assert "\n" not in text
    return text


def test_the_trained_average_comes_back_whole(
    trial_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    config = trial_config()
    step = AdversarialStep(config.data, config.model, config.train, 0, torch.device("cpu"))
    batches = iter(torch.randint(0, 256, (3, 8, 3, 32, 32), dtype=torch.uint8))
    for _ in range(3):
        step(batches)
    save_generator(tmp_path, ExportConfig(model=config.model, size=32), pack_weights(step.average))
    loaded = load_generator(tmp_path)
    for name, value in step.average.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value), name
    latents = fixed_latents(8, 16)
    expected = step.sample(latents).permute(0, 2, 3, 1).numpy()
    # Another memory layout may round a pixel the other way.
    assert np.abs(loaded.pictures(latents).astype(int) - expected).max() <= 1
    assert np.ptp(expected) > 0


@pytest.mark.parametrize("variant", ["simple", "extended", "buffed"])
@pytest.mark.parametrize("size", [28, 64])
def test_every_network_can_be_exported(variant: str, size: int, tmp_path: Path) -> None:
    config = ExportConfig(model=ModelConfig(variant=variant, width=4, latent_dim=3), size=size)
    save_generator(tmp_path, config, weights_of(config))
    loaded = load_generator(tmp_path)
    assert loaded.config.model == config.model
    assert loaded.config.size == size
    assert loaded.sample(2).shape == (2, size, size, 3)
    direct = rebuild(config, weights_of(config), "memory")
    assert np.array_equal(loaded.sample(4, seed=3), direct.sample(4, seed=3))


def test_a_loaded_generator_is_only_for_use(export: Path) -> None:
    loaded = load_generator(str(export))
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    assert loaded.config.model == EXPORT.model
    assert loaded.config.about == EXPORT.about


def test_sampling_is_a_function_of_count_and_seed(export: Path) -> None:
    loaded = load_generator(export)
    state = torch.get_rng_state()
    pictures = loaded.sample(5, seed=7)
    assert pictures.shape == (5, 32, 32, 3)
    assert pictures.dtype == np.uint8
    assert np.array_equal(pictures, loaded.sample(5, seed=7))
    assert np.array_equal(pictures, load_generator(export).sample(5, seed=7))
    assert not np.array_equal(pictures, loaded.sample(5, seed=8))
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(loaded.sample(5, seed=7, batch_size=2), pictures)


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_picture_is_no_request(count: int, export: Path) -> None:
    with pytest.raises(RequestError, match=f"at least 1, got {count}"):
        load_generator(export).sample(count)


def test_the_configuration_is_strict_json_for_other_programs(tmp_path: Path) -> None:
    about = {"kid_se": math.nan, "data": "faces ☺", "trials": [1, 2]}
    config = EXPORT.model_copy(update={"about": about})
    save_generator(tmp_path, config, WHOLE)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    plain = json.loads((tmp_path / CONFIG).read_text(encoding="utf-8"), parse_constant=refuse)
    assert plain["about"] == about | {"kid_se": None}
    assert load_generator(tmp_path).config.about["trials"] == [1, 2]


def test_loading_needs_ganlib_alone(export: Path, tmp_path: Path) -> None:
    code = """
import json, sys
from ganlib import load_generator
pictures = load_generator(sys.argv[1]).sample(2, seed=5)
others = {name.partition(".")[0] for name in sys.modules} & {"sweep", "ray", "optuna", "click", "torchvision"}
print(json.dumps([sorted(others), pictures.tolist()]))
"""
    run = [sys.executable, "-c", code, str(export)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path)
    others, pictures = json.loads(done.stdout)
    assert others == []
    assert np.abs(np.array(pictures) - load_generator(export).sample(2, seed=5)).max() <= 1


def test_truncation_is_for_styles(export: Path) -> None:
    with pytest.raises(
        RequestError, match=r"truncation needs a generator with a mapping network .* is a dcgan"
    ):
        load_generator(export).sample(2, truncation=0.5)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_is_none(seed: int, export: Path) -> None:
    with pytest.raises(RequestError, match="seed must be "):
        load_generator(export).sample(2, seed=seed)


# Broken and tampered exports


@pytest.mark.parametrize("missing", [WEIGHTS, CONFIG])
def test_a_folder_that_is_no_export(missing: str, export: Path) -> None:
    (export / missing).unlink()
    with pytest.raises(RequestError, match=f"is no exported generator: {missing} is missing"):
        load_generator(export)
    with pytest.raises(RequestError, match="is no exported generator"):
        load_generator(export / "nowhere")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("weights", "../../elsewhere.safetensors", "weights: Extra inputs"),
        ("model.hook", "os:system", "model.hook: Extra inputs"),
        ("model.family", "os.system", "unknown model family 'os.system'"),
        ("model.family", "../dcgan", "unknown model family"),
        ("model.variant", "huge", "unknown variant 'huge'"),
        ("model.width", "8", "model.width"),
        ("model.width", 1_000_000, "model.width"),
        ("model.width", True, "model.width"),
        ("model.latent_dim", -1, "model.latent_dim"),
        ("model.latent_dim", 16.5, "model.latent_dim"),
        ("size", 48, "size"),
        ("size", "32", "size"),
        ("format", "sweep-generator-2", "format"),
        ("model", None, "model"),
        ("about", [1], "about"),
        ("digests", ["x"], "digests"),
    ],
)
def test_a_configuration_that_was_tampered_with(path: str, value: object, says: str, export: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            config = config[parent]
        config[last] = value

    tamper(export, change)
    assert says in refused(export)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"size": 32}', b"[" * 100_000]
)
def test_a_configuration_that_is_no_configuration(content: bytes, export: Path) -> None:
    (export / CONFIG).write_bytes(content)
    assert "is not the configuration of an export" in refused(export)


@pytest.mark.parametrize(
    "change", [{"width": 16}, {"latent_dim": 17}, {"variant": "extended"}, {"variant": "buffed"}]
)
def test_weights_of_another_network(change: dict[str, Any], export: Path) -> None:
    tamper(export, lambda config: config["model"].update(change))
    text = refused(export)
    assert "size mismatch" in text
    assert len(text) < 600


def test_weights_of_another_size_of_pictures(export: Path) -> None:
    tamper(export, lambda config: config.update(size=64))
    assert "does not hold the weights of the network" in refused(export)


def test_weights_with_a_tensor_too_many_or_too_few(export: Path) -> None:
    state = build_generator(EXPORT.model, 32).state_dict()
    state = {name: value.contiguous() for name, value in state.items()}
    put_weights(export, save(state | {"extra": torch.zeros(1)}))
    assert "extra" in refused(export)
    del state["layers.0.weight"]
    put_weights(export, save(state))
    assert "layers.0.weight" in refused(export)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, len(WHOLE) // 2, len(WHOLE) - 1])
def test_torn_weights(length: int, export: Path) -> None:
    (export / WEIGHTS).write_bytes(WHOLE[:length])
    assert "is not the file that was exported" in refused(export)
    put_weights(export, WHOLE[:length])
    assert "does not hold the weights" in refused(export)


def test_a_flipped_bit_in_the_weights_is_found(export: Path) -> None:
    damaged = bytearray(WHOLE)
    damaged[-5] ^= 1
    (export / WEIGHTS).write_bytes(bytes(damaged))
    assert "its SHA-256 is not the one in config.json" in refused(export)


def test_a_configuration_without_a_digest(export: Path) -> None:
    tamper(export, lambda config: config.pop("digests"))
    assert "is not the file that was exported" in refused(export)


def test_a_pickle_in_place_of_the_weights_is_not_opened(export: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (export / "executed",)

    put_weights(export, pickle.dumps(Malicious()))
    refused(export)
    torch.save({"layers.0.weight": Malicious()}, export / WEIGHTS)
    put_weights(export, (export / WEIGHTS).read_bytes())
    refused(export)
    assert not (export / "executed").exists()


@settings(deadline=None, max_examples=60)
@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_a_changed_head_loads_or_is_refused_but_never_crashes(position: int, value: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[position] = value
    try:
        loaded = rebuild(EXPORT, bytes(damaged), "model")
    except WorkError:
        return
    assert isinstance(loaded, LoadedGenerator)


def test_an_export_is_known_by_its_format() -> None:
    assert ExportConfig.model_fields["format"].default == written.EXPORT_FORMAT
