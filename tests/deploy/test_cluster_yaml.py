"""``cluster.yaml`` and its kin are valid files of Ray's cluster launcher, and what their commands name exists."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from sweep.cli import cli

ROOT = Path(__file__).parents[2]
PATHS = [ROOT / "cluster.yaml", ROOT / "deploy" / "cluster-aws.yaml", ROOT / "deploy" / "cluster-gcp.yaml"]
SPOT = {
    "aws": ("InstanceMarketOptions", {"MarketType": "spot"}),
    "gcp": ("scheduling", {"provisioningModel": "SPOT"}),
}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found = request.param
    assert isinstance(found, Path)
    return found


@pytest.fixture
def config(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text())
    assert isinstance(loaded, dict)
    return loaded


def commands(config: dict[str, Any]) -> list[str]:
    """What is run on machines, in the order of Ray."""
    return [command for key, listed in config.items() if key.endswith("_commands") for command in listed]


def test_valid_by_rays_own_schema(config: dict[str, Any]) -> None:
    import ray

    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(config, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config | {"no_such_key": 1}, schema)


def test_valid_for_the_launcher_once_its_defaults_are_filled_in(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    filled = prepare_config(dict(config))
    validate_config(filled)
    assert filled["provider"]["type"] == config["provider"]["type"]
    # What is not said would be installed and started by the defaults of Ray, without a token.
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert filled[key] == config[key]
    assert not any("pip install" in command for command in commands(filled))
    if config["provider"]["type"] == "local":
        assert filled["max_workers"] == len(config["provider"]["worker_ips"])


def test_rented_workers_are_spot_and_come_from_zero(config: dict[str, Any]) -> None:
    kind = config["provider"]["type"]
    if kind == "local":
        return
    key, value = SPOT[kind]
    worker = config["available_node_types"]["gpu"]
    assert worker["min_workers"] == 0 < worker["max_workers"] == config["max_workers"]
    assert value.items() <= worker["node_config"][key].items()
    head = config["available_node_types"]["head"]
    assert key not in head["node_config"]
    assert head["resources"] == {"CPU": 0}
    assert "--num-cpus=0 --num-gpus=0" in config["head_start_ray_commands"][-1]


def test_commands_name_what_exists(config: dict[str, Any], path: Path) -> None:
    for spec in set(re.findall(r"searchspaces/[\w/.-]+\.yaml", path.read_text())):
        assert (ROOT / spec).is_file(), spec
    targets = set(
        re.findall(r"^(?:\.PHONY: )(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    )
    assert set(re.findall(r"make (setup[\w-]*)", path.read_text())) <= targets
    for script in set(re.findall(r"deploy/[\w.-]+\.(?:py|yaml)", path.read_text())):
        assert (ROOT / script).is_file(), script


def test_commands_and_options_exist(path: Path) -> None:
    """Every call of ray and of sweep in the file, those in comments and those inside `ray exec` too."""
    from ray.scripts.scripts import cli as ray_cli

    text = re.sub(r"['\"]|\s#", "\n", path.read_text().replace("\n#", "\n").replace("$(id -un)", "ME"))
    calls = [call.split() for call in re.findall(r"(?<=\.venv/bin/)(?:ray|sweep) [^\n;]+", text)]
    calls += [["ray", *call.split()] for call in re.findall(r"ray_node\.py (start [^\n;]+)", text)]
    names = {(program, command) for program, command, *_ in calls}
    assert names >= {("ray", name) for name in ("up", "exec", "attach", "down", "start")} | {("sweep", "run")}
    for program, name, *words in calls:
        group: click.Group = cli if program == "sweep" else ray_cli
        command = group.get_command(click.Context(group), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= known, (program, name, used - known)


def test_the_cluster_has_a_token_a_port_and_a_folder_of_its_own(config: dict[str, Any], path: Path) -> None:
    assert "deploy/ray_node.py token ~/sweep/token" in config["head_setup_commands"][-1]
    assert config["cluster_synced_files"] == ["~/sweep/token"]
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        stop, start = config[key]
        assert stop.endswith("ray_node.py stop --temp-dir=/tmp/sweep-$(id -un)")
        assert "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=~/sweep/token" in start
        assert "--temp-dir=/tmp/sweep-$(id -un)" in start
        assert ":26380" in start or "--port=26380" in start
    assert not re.search(r"\bray stop\b|6379", path.read_text())
    assert "RAY_AUTH_TOKEN_PATH=~/sweep/token .venv/bin/sweep run" in path.read_text()
    assert "--address localhost:26380" in path.read_text()


def test_package_and_environment_are_set_up(config: dict[str, Any]) -> None:
    assert any("make setup" in command for command in config["setup_commands"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {"Makefile", "pyproject.toml", "requirements.lock", "searchspaces", "deploy"}
    needed |= {
        project["project"]["readme"],
        *project["project"]["license-files"],
        *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    }
    assert set(config["file_mounts"].values()) == needed
    for remote, local in config["file_mounts"].items():
        assert remote == f"~/sweep/{local}"
        assert (ROOT / local).exists()


def test_own_machines_are_looked_at_before_trials_start() -> None:
    setup = "\n".join(yaml.safe_load(PATHS[0].read_text())["setup_commands"])
    assert "/mnt/shared" in setup
    assert "make setup" in setup
