"""Memory that a step frees is there for the next one."""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import torch
from ganlib.heap import keep_memory

assert keep_memory()
sizes = [2 ** power for power in range(14, 27)]  # 16 KiB to 64 MiB

def step():
    return [torch.ones(size // 4) for size in sizes]

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="glibc gives memory back, and can be told not to"
)
def test_no_page_is_asked_for_twice() -> None:
    """Each page that is given back costs a fault when it is written again: 330,000 of them here."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50_000


def test_another_system_goes_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganlib import heap

    heap.keep_memory.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert heap.keep_memory() is False
    heap.keep_memory.cache_clear()
