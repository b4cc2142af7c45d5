"""``cluster.yaml`` is a valid file of Ray's cluster launcher, and what its commands name exists."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from sweep.cli import cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "cluster.yaml").read_text()


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded = yaml.safe_load(TEXT)
    assert isinstance(loaded, dict)
    return loaded


def schema() -> dict[str, Any]:
    import ray

    return json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())


def test_valid_by_rays_own_schema(config: dict[str, Any]) -> None:
    import jsonschema

    jsonschema.validate(config, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config | {"no_such_key": 1}, schema())


def test_valid_for_the_launcher_once_its_defaults_are_filled_in(config: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    filled = prepare_config(dict(config))
    validate_config(filled)
    assert filled["provider"]["type"] == "local"
    assert config["max_workers"] == len(config["provider"]["worker_ips"])


def test_commands_name_what_exists(config: dict[str, Any]) -> None:
    commands = " ".join([*config["setup_commands"], TEXT])
    for spec in set(re.findall(r"searchspaces/[\w/.-]+\.yaml", commands)):
        assert (ROOT / spec).is_file(), spec
    for target in set(re.findall(r"make (\w+)", " ".join(config["setup_commands"]))):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def command_lines() -> list[list[str]]:
    """Every call of ray and of sweep in the file, those in comments and those inside `ray exec` too."""
    lines = re.sub(r"['\"]|\s#", "\n", TEXT.replace("\n#", "\n"))
    return [call.split() for call in re.findall(r"(?<=\.venv/bin/)(?:ray|sweep) [^\n;]+", lines)]


def test_commands_and_options_exist() -> None:
    from ray.scripts.scripts import cli as ray_cli

    calls = command_lines()
    names = {(program, command) for program, command, *_ in calls}
    ray_commands = {"up", "exec", "attach", "down", "start", "stop"}
    assert names == {("ray", name) for name in ray_commands} | {("sweep", "run"), ("sweep", "data")}
    for program, name, *words in calls:
        group: click.Group = cli if program == "sweep" else ray_cli
        command = group.get_command(click.Context(group), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= known, (program, name, used - known)


def test_package_storage_and_pictures_are_set_up(config: dict[str, Any]) -> None:
    setup = "\n".join(config["setup_commands"])
    assert "make setup" in setup
    assert "/mnt/shared" in setup
    assert "sweep data" in setup
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {"Makefile", "pyproject.toml", "requirements.lock", "searchspaces", project["project"]["readme"]}
    needed |= {
        *project["project"]["license-files"],
        *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    }
    assert set(config["file_mounts"].values()) == needed
    for remote, local in config["file_mounts"].items():
        assert remote == f"~/sweep/{local}"
        assert (ROOT / local).exists()
