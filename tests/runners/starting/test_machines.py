"""A cluster without a machine for trials, which can start some: Ray's autoscaler with pretended ones."""

import json
import os
import secrets
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.runners.starting import machines

ROOT = Path(__file__).parents[3]
NODE = ROOT / "deploy" / "ray_node.py"
HEAD = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"
CONFIG: dict[str, Any] = {
    "cluster_name": "pretended",
    "max_workers": 1,
    "provider": {
        "type": "external",
        "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
        "use_node_id_as_ip": True,
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
        "launch_multiple": True,
        "head_node_id": HEAD,
    },
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "worker": {"resources": {"CPU": 1, "GPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 1},
    },
    "head_node_type": "ray.head.default",
    "upscaling_speed": 1,
    "idle_timeout_minutes": 60,
    "auth": {},
    "docker": {},
    "initialization_commands": [],
    "setup_commands": [],
    "head_setup_commands": [],
    "worker_setup_commands": [],
    "head_start_ray_commands": [],
    "worker_start_ray_commands": [],
    "file_mounts": {},
    "cluster_synced_files": [],
    "file_mounts_sync_continuously": False,
    "rsync_exclude": [],
    "rsync_filter": [],
}

RUN = """
    import json, sys
    import ray
    from sweep.runners import ray_environment
    ray_environment.prepare()
    from sweep.runners.starting import machines
    from sweep.runners.ray import RayRunner
    from sweep.spec.sections import ResourcesConfig

    said = []
    machines.BEGIN_SECONDS = float(sys.argv[3])
    try:
        runner = RayRunner(ResourcesConfig(gpu=1, cpu=float(sys.argv[2])), sys.argv[1], 4, said.append)
        print(json.dumps([runner.gpu, runner.at_once(), said]))
        runner.close()
    except Exception as error:
        print(json.dumps([type(error).__name__, str(error), said]))
"""


@pytest.fixture
def growing() -> Iterator[str]:
    """The address of a head that trains nothing, with an autoscaler."""
    folder = Path(f"/tmp/rg{secrets.token_hex(3)}")
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = subprocess.run(
        [sys.executable, "-c", "import ray; print(ray.util.get_node_ip_address())"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    provider = {**CONFIG["provider"], "gcs_address": f"{here}:{port}"}
    (folder / "config.json").write_text(json.dumps({**CONFIG, "provider": provider}))
    environment = os.environ | {
        "RAY_AUTH_MODE": "disabled",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
        "RAY_NODE_TYPE_NAME": "ray.head.default",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    words = ["--head", f"--port={port}", "--num-cpus=0", "--num-gpus=0", f"--temp-dir={folder}/r"]
    words += [f"--autoscaling-config={folder}/config.json", "--include-dashboard=false"]
    words += ["--object-store-memory=80000000"]
    try:
        subprocess.run(
            [sys.executable, NODE, "start", *words],
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield f"localhost:{port}"
    finally:
        subprocess.run([sys.executable, NODE, "stop", "--force", f"--temp-dir={folder}/r"], check=False)
        subprocess.run(["rm", "-rf", folder], check=False)


def run(address: str, cpu: float, seconds: float) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUN), address, str(cpu), str(seconds)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "RAY_AUTH_MODE": "disabled"},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    loaded: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return loaded


@pytest.mark.slow
@pytest.mark.ray
def test_machines_come_from_zero_and_what_cannot_come_is_refused(growing: str) -> None:
    kind, why, said = run(growing, 64, 8)
    assert (kind, said) == ("RequestError", [])
    assert "no machine can run a trial" in why
    gpu, at_once, said = run(growing, 1, 60)
    assert (gpu, at_once) == (1, 1)
    assert said[0].startswith("waiting for machines: 1 machine on the way")


def test_a_cluster_that_cannot_grow_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_grows", lambda: False)
    monkeypatch.setattr(machines, "ray", None)
    assert not machines.wait_for_machines(0, 1, (), 4, print)
