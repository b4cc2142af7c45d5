"""Training that begins with weights: it starts where they ended, and frozen layers stay as they are."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training.networks import MeanPicture
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from ganlib.config import ModelConfig, TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator
from ganlib.export.start import load_start, read_origin
from ganlib.metrics import Evaluator
from ganlib.models.family import Family
from ganlib.models.latents import fixed_latents
from ganlib.models.start import Start
from ganlib.names import FAMILIES
from ganlib.training.fit import Fit, fit

Make = Callable[..., Any]


def bits(value: Any) -> Any:
    """Nested tensors as bytes, to be compared."""
    if isinstance(value, Tensor):
        return value.detach().contiguous().numpy().tobytes()
    if isinstance(value, Mapping):
        return {key: bits(item) for key, item in value.items()}
    return [bits(item) for item in value] if isinstance(value, list) else value


def start_of(run: Fit) -> Start:
    """What a trial that begins with the weights of another gets."""
    step = run.step
    return Start(deepcopy(step.average.state_dict()), deepcopy(step.discriminator.state_dict()))


def trained(trial_config: Make, pictures: Make, model: dict[str, Any] | None = None, **train: Any) -> Fit:
    run = fit(trial_config(model=model, epochs=1.0, **train), pictures(), MeanPicture(), seed=3)
    list(run)
    return run


def again(
    trial_config: Make, pictures: Make, start: Start, model: dict[str, Any] | None = None, **train: Any
) -> Fit:
    config = trial_config(model={"init": "first", **(model or {})}, epochs=2.0, **train)
    return fit(config, pictures(seed=1), MeanPicture(), seed=5, start=start)


def exported(run: Fit, folder: Path) -> LoadedGenerator:
    config = ExportConfig(model=run.config.model.model_copy(update={"init": None}), size=32)
    folder.mkdir()
    save_generator(folder, config, pack_weights(run.step.average))
    return load_generator(folder)


FAMILY = [
    {"family": "dcgan", "d_norm": "spectral"},
    {"family": "stylegan", "mapping_layers": 2},
    {"family": "stylegan2", "mapping_layers": 2},
    {"family": "r3gan"},
    {"family": "sngan"},
]


@pytest.mark.parametrize("model", FAMILY, ids=lambda model: model["family"])
def test_training_begins_with_the_pictures_of_the_export(
    trial_config: Make, pictures: Make, tmp_path: Path, model: dict[str, Any]
) -> None:
    first = trained(trial_config, pictures, model)
    export = exported(first, tmp_path / "export")
    run = again(trial_config, pictures, load_start(tmp_path / "export"), model)
    latents = fixed_latents(64, 16)
    made = run.step.sample(latents).permute(0, 2, 3, 1).numpy()
    network = export.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert torch.equal(run.step.average(latents), network(latents))
    # An export makes pictures block by block, which may round otherwise.
    assert np.abs(made.astype(int) - export.pictures(latents)).max() <= 1
    for network in (run.step.generator, run.step.average):
        assert bits(network.state_dict()) == bits(first.step.average.state_dict())
    assert run.step.optimizer_g.state_dict()["state"] == {}
    next(run)
    assert not np.array_equal(run.step.sample(latents).permute(0, 2, 3, 1).numpy(), made)


def test_it_scores_like_the_export_before_the_first_step(
    trial_config: Make, pictures: Make, tmp_path: Path
) -> None:
    first = trained(trial_config, pictures)
    export = exported(first, tmp_path / "export")
    run = again(trial_config, pictures, load_start(tmp_path / "export"))
    evaluator = Evaluator(pictures(), "noise", run.config.evaluate)
    latents = fixed_latents(16, 16)
    made = torch.from_numpy(export.pictures(latents)).permute(0, 3, 1, 2)
    ours = evaluator.score(lambda count: run.step.sample(latents[:count]), 16)
    theirs = evaluator.score(lambda count: made[:count], 16)
    assert (ours.kid, ours.fid) == pytest.approx((theirs.kid, theirs.fid), rel=1e-3)


def test_the_discriminator_begins_with_its_weights_where_there_are_some(
    trial_config: Make, pictures: Make
) -> None:
    first = trained(trial_config, pictures)
    both = again(trial_config, pictures, start_of(first))
    assert bits(both.step.discriminator.state_dict()) == bits(first.step.discriminator.state_dict())
    alone = again(trial_config, pictures, Start(start_of(first).generator))
    fresh = fit(trial_config(epochs=2.0), pictures(seed=1), MeanPicture(), seed=5)
    assert bits(alone.step.discriminator.state_dict()) == bits(fresh.step.discriminator.state_dict())


@pytest.mark.parametrize("model", FAMILY, ids=lambda model: model["family"])
def test_frozen_layers_stay_and_the_others_move(
    trial_config: Make, pictures: Make, model: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"r1_gamma": 0.1, "weight_decay": 0.01}
    first = fit(trial_config(model=model, epochs=1.0, **options), pictures(), MeanPicture(), seed=3)
    run = again(trial_config, pictures, start_of(first), {**model, "freeze_d": 2}, **options)
    family: Family = FAMILIES[model["family"]].load()
    frozen = set(map(id, family.first(run.step.discriminator, 2)))
    before = {name: weight.detach().clone() for name, weight in run.step.discriminator.named_parameters()}
    next(run)
    for name, weight in run.step.discriminator.named_parameters():
        assert torch.equal(weight, before[name]) == (id(weight) in frozen), name
    known = {id(weight) for group in run.step.optimizer_d.param_groups for weight in group["params"]}
    assert not known & frozen
    assert known | frozen == set(map(id, run.step.discriminator.parameters()))


def test_clipping_leaves_frozen_layers_alone(trial_config: Make, pictures: Make) -> None:
    start = start_of(trained(trial_config, pictures, loss="wgan", clip=0.1))
    run = again(trial_config, pictures, start, {"freeze_d": 1}, loss="wgan", clip=0.001, critic_steps=1)
    list(run)
    first, *rest = run.step.discriminator.parameters()
    assert torch.equal(first, start.discriminator[next(iter(start.discriminator))])  # type: ignore[index,arg-type]
    assert first.abs().max() > 0.001
    assert all(weight.abs().max() <= 0.0011 for weight in rest)


def test_a_run_that_began_with_weights_goes_on_to_the_last_bit(trial_config: Make, pictures: Make) -> None:
    start = start_of(trained(trial_config, pictures))
    whole = again(trial_config, pictures, start, {"freeze_d": 1})
    list(whole)
    cut = again(trial_config, pictures, start, {"freeze_d": 1})
    next(cut)
    config = trial_config(model={"init": "first", "freeze_d": 1}, epochs=2.0)
    rest = fit(config, pictures(seed=1), MeanPicture(), seed=5, start=start, resume=cut.state())
    list(rest)
    assert bits(rest.state()["step"]) == bits(whole.state()["step"])


def test_a_rollback_without_a_checkpoint_comes_back_to_the_weights(
    trial_config: Make, pictures: Make
) -> None:
    start = start_of(trained(trial_config, pictures))
    run = again(trial_config, pictures, start)
    next(run)
    run.roll_back(None, 0.5)
    assert bits(run.step.average.state_dict()) == bits(dict(start.generator))


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ({"width": 12}, "layers.0.weight is 16 x"),
        ({"latent_dim": 24}, "layers.0.weight is 16 x"),
        ({"variant": "extra"}, "absent there"),
        ({"variant": "buffed"}, "there and"),
        ({"d_norm": "none"}, "the discriminator cannot begin"),
        ({"d_norm": "spectral"}, "parametrizations"),
        ({"family": "sngan"}, "absent"),
    ],
)
def test_weights_of_other_shapes_are_refused(
    trial_config: Make, pictures: Make, model: dict[str, Any], named: str
) -> None:
    start = start_of(trained(trial_config, pictures))
    with pytest.raises(RequestError, match="cannot begin with these weights") as error:
        again(trial_config, pictures, start, model)
    assert named in str(error.value)


def test_the_configuration_and_the_weights_come_together(trial_config: Make, pictures: Make) -> None:
    start = start_of(trained(trial_config, pictures))
    with pytest.raises(RequestError, match="belong together"):
        fit(trial_config(), pictures(), MeanPicture(), start=start)
    with pytest.raises(RequestError, match="belong together"):
        fit(trial_config(model={"init": "first"}), pictures(), MeanPicture())
    with pytest.raises(ValueError, match="freeze_d means nothing without init"):
        ModelConfig(freeze_d=1)
    with pytest.raises(ValueError, match="grow_kimg means nothing with init"):
        TrialConfig.model_validate(
            trial_config(
                model={"init": "first", "family": "stylegan", "mapping_layers": 1}, grow_kimg=1.0
            ).model_dump()
        )


# ---- files ---------------------------------------------------------------------------------------------------


def test_weights_are_read_from_a_folder_a_file_and_a_state_dict(
    trial_config: Make, pictures: Make, tmp_path: Path
) -> None:
    first = trained(trial_config, pictures)
    exported(first, tmp_path / "export")
    torch.save(first.step.average.state_dict(), tmp_path / "weights.pt")
    folder, file = read_origin(tmp_path / "export"), read_origin(tmp_path / "export" / "model.safetensors")
    assert folder.weights == file.weights
    assert folder.config is not None
    assert folder.digest == folder.config.digests["model.safetensors"]
    loose = read_origin(tmp_path / "weights.pt")
    assert loose.config is None
    assert bits(load_tensors(loose.weights)) == bits(load_tensors(folder.weights))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("evil"),)


def test_what_are_no_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="there is no file 'nowhere'"):
        read_origin("nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="is no export"):
        read_origin("empty")
    (tmp_path / "model.pt2").write_bytes(b"PK")
    with pytest.raises(RequestError, match="give the folder of an export"):
        read_origin("model.pt2")
    (tmp_path / "torn.safetensors").write_bytes(b"abc")
    with pytest.raises(WorkError, match="is no whole safetensors file"):
        read_origin("torn.safetensors")
    for name, content in (("list.pt", [1]), ("numbers.pt", {"a": 1}), ("none.pt", {})):
        torch.save(content, tmp_path / name)
        with pytest.raises(RequestError, match="must hold a mapping from names to tensors"):
            read_origin(name)
    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(RequestError, match="no file of tensors that can be read safely"):
        read_origin("evil.pt")
    assert not Path("evil").exists()


def test_an_export_that_was_changed_is_refused(trial_config: Make, pictures: Make, tmp_path: Path) -> None:
    exported(trained(trial_config, pictures), tmp_path / "export")
    other: Tensor | nn.Module = nn.Linear(2, 2)
    (tmp_path / "export" / "model.safetensors").write_bytes(pack_weights(other))
    with pytest.raises(WorkError, match="is not the file that was exported"):
        read_origin(tmp_path / "export")
