"""``deploy/compose.yaml`` is a valid file of Docker Compose, and what its commands name is in the image."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from ganlib.s3 import OPTIONS
from sweep.cli import cli

ROOT = Path(__file__).parents[2]
PATH = ROOT / "deploy" / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(PATH.read_text())["services"]
    return loaded


def test_valid_by_the_schema_of_compose() -> None:
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, PATH], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_services_wait_for_services_that_are_there_and_well(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for other, until in service.get("depends_on", {}).items():
            assert other in services, name
            assert until["condition"] != "service_healthy" or "healthcheck" in services[other]
    assert services["worker"]["deploy"]["replicas"] == 2


def test_no_port_is_open_and_all_ask_for_the_token(services: dict[str, dict[str, Any]]) -> None:
    assert not any("ports" in service or service.get("network_mode") for service in services.values())
    for name in ("head", "worker"):
        environment = services[name]["environment"]
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_AUTH_TOKEN_PATH"] == "/cluster/token"


def test_commands_can_be_read(services: dict[str, dict[str, Any]]) -> None:
    ast.parse(services["prepare"]["command"][2])
    shell = services["head"]["command"]
    assert shell[:2] == ["bash", "-ec"]
    text = shell[2].replace("$$", "$")
    subprocess.run(["bash", "-n", "-c", text], check=True)
    assert (
        ROOT
        / "searchspaces"
        / f"{services['head']['environment']['SPEC'].strip('${}').partition(':-')[2]}.yaml"
    ).is_file()


def test_options_exist(services: dict[str, dict[str, Any]]) -> None:
    from ray.scripts.scripts import cli as ray_cli

    calls = re.findall(r"\b(ray|sweep) (start|run) ([^\n]*)", PATH.read_text())
    assert {(program, name) for program, name, _ in calls} == {("ray", "start"), ("sweep", "run")}
    for program, name, rest in calls:
        group: click.Group = cli if program == "sweep" else ray_cli
        command = group.get_command(click.Context(group), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known


def test_the_storage_is_a_bucket_that_sweep_can_open(services: dict[str, dict[str, Any]]) -> None:
    url = services["head"]["environment"]["STORAGE"]
    assert url.startswith("s3://sweeps/")
    assert {part.partition("=")[0] for part in url.partition("?")[2].split("&")} <= set(OPTIONS)
    assert "endpoint_override=store:9000" in url


def test_the_image_holds_what_is_called() -> None:
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    for name in re.findall(r"/opt/sweep/\w+\.py", PATH.read_text()):
        assert name in image
