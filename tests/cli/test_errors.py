"""What a user can get wrong ends in exit code 2, one clear message and no traceback."""

import errno
import os
from pathlib import Path

import click
import pytest
from helpers.sweeps.commands import run

from sweep.cli import COMMANDS, cli

GOOD = """
name: small
data: {source: avatars, count: 64, size: 32}
model: {width: 8, latent_dim: 16}
train:
  lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}
  epochs: 2
  batch_size: 16
evaluate: {every: 1, n_fake: 32, n_real: 32}
search: {trials: 2}
"""


def options_of(command: str) -> set[str]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {name for option in found.params for name in option.opts}


def refused(tmp_path: Path, spec: str | None, *options: str, words: tuple[str, ...]) -> str:
    path = tmp_path / "spec.yaml"
    if spec is not None:
        path.write_text(spec)
    storage = ["--storage", str(tmp_path / "runs")]
    result = run("run", str(path), "--local", *storage, *options)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.output, result.output
    return result.output


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path, None, words=("spec.yaml", "no such file"))


def test_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    spec = GOOD.replace("source: avatars, count: 64", f"source: {tmp_path}/empty")
    refused(tmp_path, spec, words=("empty", "no pictures"))


def test_missing_folder(tmp_path: Path) -> None:
    spec = GOOD.replace("source: avatars, count: 64", f"source: {tmp_path}/nowhere")
    refused(tmp_path, spec, words=("nowhere",))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epochs: 2", "epoks: 2", ("spec.yaml:", "epoks", "epochs")),
        ("epochs: 2", "epochs: many", ("spec.yaml:", "train.epochs", "many")),
        ("low: 1e-4", "low: 1e-2", ("spec.yaml:", "train.lr_g", "low", "high")),
        ("{width: 8", "{family: dcgn, width: 8", ("dcgn", "dcgan")),
        ("{trials: 2", "{sampler: tpee, trials: 2", ("tpee", "tpe")),
        ("{trials: 2", "{metric: kidd, trials: 2", ("kidd", "kid")),
        ("{every: 1", "{extractor: resnet, every: 1", ("resnet", "efficientnet_lite0", "inception")),
        ("epochs: 2", "epochs: !!python/object/apply:os.system [ls]", ("tag",)),
        ("name: small", "name: ../outside", ("name", "../outside")),
        ("batch_size: 16", "batch_size: 128", ("train.batch_size", "128", "64")),
    ],
)
def test_wrong_spec(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in GOOD
    refused(tmp_path, GOOD.replace(old, new), words=words)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    spec = (
        GOOD.replace("epochs: 2", "epoks: 2").replace("width: 8", "width: 3").replace("count: 64", "count: 0")
    )
    output = refused(tmp_path, spec, words=("epoks", "model.width", "data.count"))
    assert output.count("spec.yaml:") >= 3


def test_a_name_on_the_command_line_is_checked_too(tmp_path: Path) -> None:
    refused(tmp_path, GOOD, "--name", "../x", words=("../x",))
    assert not (tmp_path / "x").exists()


RUNNING = [name for name in COMMANDS if "--address" in options_of(name)]


@pytest.mark.parametrize("reverse", [False, True], ids=["local first", "address first"])
@pytest.mark.parametrize("command", RUNNING)
def test_local_and_address_contradict(command: str, reverse: bool, tmp_path: Path) -> None:
    """Before anything else is looked at: there is no such sweep."""
    where = [["--local"], ["--address", "auto"]]
    both = [word for words in (where[::-1] if reverse else where) for word in words]
    storage = ["--storage", str(tmp_path)] if "--storage" in options_of(command) else []
    result = run(command, "small", *storage, *both)
    assert result.exit_code == 2, result.output
    assert "--local runs without Ray, so that --address has no meaning" in result.stderr


def test_every_command_that_trains_or_measures_is_asked() -> None:
    assert set(RUNNING) == {"run", "resume", "extend", "confirm", "continue", "plan"}


def test_existing_sweep(tmp_path: Path) -> None:
    (tmp_path / "runs" / "small").mkdir(parents=True)
    (tmp_path / "runs" / "small" / "sweep.json").write_text("{}")
    refused(tmp_path, GOOD, words=("small", "resume", "--name"))


def test_missing_inception_weights(tmp_path: Path) -> None:
    spec = GOOD.replace("{every: 1", f"{{extractor: inception, weights: {tmp_path}/none.pth, every: 1")
    refused(tmp_path, spec, words=("none.pth",))


def test_unknown_command_and_option() -> None:
    result = run("runn")
    assert result.exit_code == 2
    assert "did you mean 'run'" in result.output
    assert run("run", "x.yaml", "--nonsense").exit_code == 2


def test_resume_without_sweeps(tmp_path: Path) -> None:
    result = run("resume", "--storage", str(tmp_path))
    assert result.exit_code == 2
    assert "no sweeps" in result.output


@pytest.mark.ray
@pytest.mark.slow
def test_as_many_run_on_a_gpu_as_ray_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with one GPU (which Ray is told it has)."""
    ray = pytest.importorskip("ray")
    from ganlib.errors import RequestError
    from sweep.runners.ray import RayRunner
    from sweep.spec.sections import ResourcesConfig

    monkeypatch.setattr("sweep.runners.ray.connect", lambda address: None)
    refused(tmp_path, GOOD + "resources: {gpu: 2.5}\n", words=("resources.gpu", "2.5"))
    ray.init(address="local", num_cpus=1, num_gpus=1, include_dashboard=False, log_to_driver=False)
    try:
        assert RayRunner(ResourcesConfig(gpu=0.5, cpu=0.5), None).at_once() == 2
        assert RayRunner(ResourcesConfig(gpu=0.6, cpu=0.2), None).at_once() == 1
        assert RayRunner(ResourcesConfig(gpu=0.2, cpu=0.2), None).at_once() == 5
        runner = RayRunner(ResourcesConfig(gpu=0.2, cpu=0.5, max_concurrent=8), None)
        assert runner.at_once() == 2  # never more than run at once
        assert runner.fits({(0, 0): 1.0}, 1.0)
        assert not runner.fits({(0, 0): 1.0, (1, 0): 1.0}, 1.0)
        ready = [ray.util.placement_group([{"CPU": 0.2, "GPU": 0.2}]).ready() for _ in range(6)]
        assert len(ray.wait(ready, num_returns=6, timeout=2)[0]) == 5  # so does Ray count
        with pytest.raises(RequestError, match=r"resources.cpu 3000"):
            RayRunner(ResourcesConfig(gpu=1, cpu=3000), None)
        assert not ray.is_initialized(), "whoever goes on in this process is not left attached"
    finally:
        ray.shutdown()


LONG = "a" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", LONG),
        ("init", LONG),
        ("plan", f"{LONG}.yaml"),
        ("data", LONG),
        ("data", "spec.yaml", "--out", f"{LONG}.png"),
        ("score", LONG, "--against", LONG),
        ("generate", LONG),
        ("play", LONG),
        ("ls", "--storage", LONG),
        ("best", "small", "--export", LONG),
        ("show", "small", "--storage", f"here/{LONG}"),
        ("film", "small", "--storage", LONG),
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)
def test_a_path_that_can_be_nothing(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own look at it fails with an error that names neither what was asked nor what helps."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(GOOD)
    result = run(*arguments)
    assert result.exit_code == (0 if arguments[0] == "ls" else 2), result.output
    assert "Traceback" not in result.output
    assert not list(tmp_path.glob("a*"))


def test_a_path_that_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below another user's folder; no program of the superuser's ever meets one."""

    def shut(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", shut)
    result = run("score", tmp_path, "--against", tmp_path / "theirs")
    assert result.exit_code == 2, result.output
    assert f"cannot use '{tmp_path}" in result.output
    assert "permission denied; check the rights" in result.output
