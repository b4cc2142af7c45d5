"""``cluster.yaml`` is a valid file of Ray's cluster launcher, and what its commands name exists."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sweep.cli import cli

ROOT = Path(__file__).parent.parent
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


def test_options_in_the_comments_and_commands_exist() -> None:
    for command, options in (("run", ["--address", "--storage"]), ("data", ["--out"])):
        text = CliRunner().invoke(cli, [command, "--help"]).output
        assert all(option in text and option in TEXT for option in options)


def test_package_storage_and_pictures_are_set_up(config: dict[str, Any]) -> None:
    setup = "\n".join(config["setup_commands"])
    assert "make setup" in setup and "/mnt/shared" in setup and "sweep data" in setup
    assert config["file_mounts"] == {"~/sweep": "."}
