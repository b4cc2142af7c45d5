"""Hosts of a cluster on one machine: namespaces of Linux with names, networks and processes of their own, on a bridge.

Each has its own cache, home and Ray; they share what lies on the machine's disk, as hosts that mount one folder do. Its
clock and its disk are its own where `Hosts.add` is told so (``broken/sitecustomize.py`` has both). A host ends with all
of its processes when its first one does, which reads from a pipe of the tests: so nothing outlives them.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from helpers.programs.sweep_process import PATIENCE, descendants, trial_workers

ROOT = Path(__file__).parents[3]
PREFIX, PORT, TRIES = "swh", 6379, 5
SPACES = ("--net", "--uts", "--pid", "--mount")
BOOT = """hostname "$0" && ip link set lo up && echo up && exec 3<&0 && cat <&3 >/dev/null"""


class Host:
    """A machine of the cluster.

    Args:
        name: Its own, as it names itself.
        address: In the bridge's network.
        link: The bridge's end of its cable.
        folder: Its disk: cache, home, Ray's files.
        environ: Of its processes, beside those of the tests.
    """

    def __init__(self, name: str, address: str, link: str, folder: Path, environ: dict[str, str]) -> None:
        self.name, self.address, self.link, self.folder = name, address, link, folder
        (folder / "ray").mkdir(parents=True)
        theirs = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        self.environ = theirs | {"SWEEP_CACHE": str(folder / "cache"), "HOME": str(folder)} | environ
        self.process = subprocess.Popen(
            ["unshare", *SPACES, "--fork", "--kill-child", "--mount-proc", "sh", "-c", BOOT, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if self.process.stdout.readline() != b"up\n":
            self.process.wait()
            raise OSError(self.process.stderr.read().decode())
        (self.first,) = [pid for pid in descendants(self.process.pid) if _parent(pid) == self.process.pid]

    def within(self, folder: Path = ROOT) -> list[str]:
        """The words before a command that is to run here."""
        return ["nsenter", f"--target={self.first}", *SPACES, f"--wd={folder}", "--"]

    def call(self, *words: object) -> str:
        """Run a command here; what it prints."""
        done = subprocess.run(
            [*self.within(), *map(str, words)], env=self.environ, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def node(self, *words: object) -> subprocess.Popen[bytes]:
        """Begin a command of ``deploy/ray_node.py`` for Ray's node here."""
        script = (sys.executable, str(ROOT / "deploy" / "ray_node.py"))
        log = (self.folder / "node.log").open("ab")
        return subprocess.Popen(
            [*self.within(), *script, *map(str, words), f"--temp-dir={self.folder / 'ray'}"],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def join(self, head: "Host | None" = None) -> subprocess.Popen[bytes]:
        """Begin to make it the head of a cluster, or a node of one."""
        where = [f"--address={head.address}:{PORT}"] if head else ["--head", f"--port={PORT}"]
        where += [] if head else ["--include-dashboard=false"]
        # As where the head stays and workers come and go: it has no trials.
        room = (f"--num-cpus={int(head is not None)}", "--num-gpus=0", f"--object-store-memory={100 * 2**20}")
        return self.node("start", *where, f"--node-ip-address={self.address}", *room)

    def leave(self, seconds: int = 60) -> subprocess.Popen[bytes]:
        """Begin to leave: Ray is told that the machine will be taken away."""
        return self.node("leave", f"--seconds={seconds}")

    def said(self) -> str:
        """What Ray's commands have said here."""
        return (self.folder / "node.log").read_text(errors="replace")

    def processes(self) -> list[int]:
        """All that go on here by themselves."""
        return descendants(self.first)

    def workers(self) -> list[int]:
        """The processes of trials."""
        return trial_workers(self.first)

    def raylet(self) -> int:
        """Ray's own process of this node."""
        (pid,) = [pid for pid in self.processes() if _program(pid) == "raylet"]
        return pid

    def cut(self) -> None:
        """Pull the cable."""
        subprocess.run(["ip", "link", "set", "dev", self.link, "down"], check=True)

    def mend(self) -> None:
        """Plug it in again."""
        subprocess.run(["ip", "link", "set", "dev", self.link, "up"], check=True)

    def end(self) -> None:
        """Switch the machine off: all of its processes end at once."""
        with suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Hosts:
    """Hosts on one bridge. Each test process has its own, by its number.

    Attributes:
        address: Of the bridge: what the tests serve there is there for all hosts.
    """

    def __init__(self) -> None:
        # Ray's sockets have paths that may not be long.
        self.folder, self.all = Path(f"/tmp/{PREFIX}{os.getpid()}"), dict[str, Host]()
        self.folder.mkdir()
        self.bridge, self.net = f"{PREFIX}{os.getpid()}", _free_net()
        self.address = f"{self.net}.1"
        token = self.folder / "token"
        token.write_text(secrets.token_hex(32))
        path = [str(Path(__file__).parent / "broken"), str(ROOT)]
        self.environ = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "PYTHONPATH": os.pathsep.join(path),
            "OMP_NUM_THREADS": "1",
        }
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("address", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", "dev", self.bridge, "up")

    def add(self, name: str, **environ: str) -> Host:
        """Switch a host on, with variables of its own."""
        number = len(self.all) + 2
        link, address = f"{self.bridge}h{number}", f"{self.net}.{number}"
        host = self.all[name] = Host(name, address, link, self.folder / name, self.environ | environ)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(host.first))
        _ip("link", "set", "dev", link, "master", self.bridge, "up")
        host.call("ip", "address", "add", f"{address}/24", "dev", "eth0")
        host.call("ip", "link", "set", "dev", "eth0", "up")
        host.call("ip", "route", "add", "default", "via", self.address)
        return host

    def start_ray(self, *hosts: Host) -> None:
        """Make the first host the head of a cluster, and others nodes of it."""
        head = next(iter(self.all.values()))
        for _ in range(TRIES):
            starting = {host: host.join(None if host is head else head) for host in hosts}
            hosts = tuple(host for host, start in starting.items() if start.wait(PATIENCE) != 0)
            for host in hosts:  # Ray's patience with itself ends after half a minute, on a busy machine too
                host.node("stop", "--force").wait(PATIENCE)
        assert not hosts, [host.said() for host in hosts]

    def end(self) -> None:
        """Switch all of them off."""
        for host in self.all.values():
            host.end()


@contextmanager
def hosts() -> Iterator[Hosts]:
    """Give a bridge without hosts; skips where this machine allows none."""
    if why := refused():
        pytest.skip(why)
    for path in (*Path("/sys/class/net").glob(f"{PREFIX}*"), *Path("/tmp").glob(f"{PREFIX}*")):
        number = path.name.removeprefix(PREFIX).partition("h")[0]
        if number.isdecimal() and not Path(f"/proc/{number}").exists():
            _clean(int(number))  # of tests that were killed
    with ExitStack() as stack:
        stack.callback(_clean, os.getpid())
        made = Hosts()
        stack.callback(made.end)
        yield made


def refused() -> str:
    """Say why this machine allows no hosts; empty where it does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "simulated hosts are namespaces of Linux, and only root can make them"
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"simulated hosts need the programs ip, unshare and nsenter: {', '.join(missing)} is not here"
    bridge = f"{PREFIX}{os.getpid()}"
    trial = f"ip link add {bridge} type bridge && ip link add {bridge}h0 type veth peer name {bridge}h1"
    done = subprocess.run(
        ["unshare", *SPACES, "--fork", "--mount-proc", "sh", "-c", trial],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else f"this machine allows no simulated hosts: {done.stderr.strip()}"


def _free_net() -> str:
    """The first three numbers of a network that nothing here is in."""
    taken = subprocess.run(["ip", "-4", "address"], capture_output=True, text=True, check=True).stdout
    nets = (f"10.{213 + number // 250}.{number % 250}" for number in range(os.getpid() % 500, 1000))
    return next(net for net in nets if f"{net}." not in taken)


def _clean(number: int) -> None:
    """Take down what tests with that process number have made."""
    for path in Path("/sys/class/net").glob(f"{PREFIX}{number}*"):
        subprocess.run(["ip", "link", "delete", path.name], capture_output=True, check=False)
    shutil.rmtree(f"/tmp/{PREFIX}{number}", ignore_errors=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
