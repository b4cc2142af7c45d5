"""``deploy/kuberay.rayjob.yaml`` is what KubeRay takes: by its published schema, and by the rules of its operator."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from sweep.cli import cli

ROOT = Path(__file__).parents[2]
PATH = ROOT / "deploy" / "kuberay.rayjob.yaml"
SCHEMA = json.loads((Path(__file__).parent / "rayjob.schema.json").read_text())


@pytest.fixture
def job() -> dict[str, Any]:
    loaded = yaml.safe_load(PATH.read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_valid_by_the_published_schema(job: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(job, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.noSuchKey", 1),
        ("spec.rayClusterSpec.authOptions.mode", "tokens"),
        ("spec.rayClusterSpec.headGroupSpec.template.spec.noSuchKey", 1),
        ("spec.rayClusterSpec.enableInTreeAutoscaling", "yes"),
    ],
)
def test_the_schema_refuses_mistakes(job: dict[str, Any], path: str, value: object) -> None:
    *above, last = path.split(".")
    place: Any = job
    for name in above:
        place = place[name]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, SCHEMA)


def test_rules_of_the_operator(job: dict[str, Any]) -> None:
    """What ValidateRayJobSpec and ValidateRayClusterSpec of KubeRay refuse beside the schema."""
    spec = job["spec"]
    cluster = spec["rayClusterSpec"]
    assert spec["submissionMode"] == "SidecarMode"
    assert (
        not {"submitterPodTemplate", "submitterConfig", "clusterSelector", "shutdownAfterJobFinishes"}
        & spec.keys()
    )
    assert "restartPolicy" not in cluster["headGroupSpec"]["template"]["spec"]
    rules = spec["deletionStrategy"]["deletionRules"]
    assert "DeleteWorkers" not in {rule["policy"] for rule in rules}  # not where the cluster scales by itself
    for status in ("SUCCEEDED", "FAILED"):
        seconds = {
            rule["policy"]: rule["condition"]["ttlSeconds"]
            for rule in rules
            if rule["condition"]["jobStatus"] == status
        }
        assert seconds["DeleteCluster"] < seconds["DeleteSelf"]
    assert len(rules) == 4
    assert cluster["authOptions"]["mode"] == "token"
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] == group["replicas"] == 0 < group["maxReplicas"]
        assert "num-cpus" not in group["rayStartParams"]


def test_the_version_of_ray_is_that_of_the_image(job: dict[str, Any]) -> None:
    locked = re.search(r"^ray==(\S+)", (ROOT / "requirements-image.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == locked[1]


def test_the_command_exists(job: dict[str, Any]) -> None:
    entrypoint = job["spec"]["entrypoint"]
    assert re.fullmatch(r"[\w ./:-]+", entrypoint)  # two shells read it
    program, name, spec, *words = shlex.split(entrypoint)
    assert program == "sweep"
    assert (ROOT / spec.removeprefix("/home/sweep/")).is_file()
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert "--or-resume" in words


def test_head_stays_and_workers_may_go(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    head = cluster["headGroupSpec"]["template"]["spec"]
    (terms,) = head["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert {one["operator"] for one in terms["matchExpressions"]} == {"NotIn"}
    (worker,) = (group["template"]["spec"] for group in cluster["workerGroupSpecs"])
    (container,) = worker["containers"]
    hook = container["lifecycle"]["preStop"]["exec"]["command"]
    assert int(hook[hook.index("--seconds") + 1]) < worker["terminationGracePeriodSeconds"]
    assert hook[1] in (ROOT / "deploy" / "Dockerfile").read_text()
    assert container["image"] == head["containers"][0]["image"]
    assert container["env"] == head["containers"][0]["env"]
