"""Count the processor cores that this process may use."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Count the cores that affinity (``taskset``, Slurm) and control groups (containers, systemd) leave this process.

    A quota of a part of a core counts as one, and of one and a half too: what is counted runs at once.

    Args:
        cgroups: Where control groups are mounted.
        membership: The file that says in which of them this process is.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(int(quota) for quota in _quotas(cgroups, membership))]))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """Yield the quotas, in cores, of all groups that this process is in; a group's quota counts for those below it."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    lines += [
        "0::/",
        "0:cpu:/",
    ]  # in a container the paths may be those of the host, and its own group is the root
    for line in lines:
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds and "cpu" not in kinds.split(","):
            continue
        roots = [cgroups] if not kinds else [cgroups / name for name in dict.fromkeys((kinds, "cpu"))]
        quota_of = _quota_v1 if kinds else _quota_v2
        for root in roots:
            group = root / path.strip("/")
            for above in (group, *group.parents):
                if above.is_relative_to(root) and (quota := quota_of(above)) is not None:
                    yield quota


def _quota_v2(group: Path) -> float | None:
    return _ratio(_words(group / "cpu.max"))


def _quota_v1(group: Path) -> float | None:
    return _ratio(_words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us"))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _ratio(words: list[str]) -> float | None:
    """Divide quota by period; None where there is no limit (``max``, -1) or nothing that can be read."""
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def processor(told: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor, as its maker does where that is known.

    Args:
        told: The file in which Linux describes processors.
    """
    try:
        lines = told.read_text().splitlines()
    except OSError:
        lines = []
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return known.get("model name") or platform.processor() or platform.machine()
