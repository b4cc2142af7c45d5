"""What machine this is."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.gpu.parts import Figures, Settings, Skipped

ROOT = Path(__file__).resolve().parents[2]


def describe(settings: Settings, figures: Figures) -> None:
    """Note the card, its driver and the versions of what runs on it.

    Raises:
        Skipped: There is no card although one is to be measured.
    """
    figures.note(
        card=platform.processor() or platform.machine() if settings.device == "cpu" else "none",
        torch=torch.__version__,
        cuda=torch.version.cuda,
        python=platform.python_version(),
        cores=os.cpu_count(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=said("git", "-C", str(ROOT), "rev-parse", "HEAD"),
    )
    if settings.device == "cpu":
        return
    if not torch.cuda.is_available():
        raise Skipped("torch finds no CUDA device")
    properties = torch.cuda.get_device_properties(0)
    torch.ones(8, device="cuda").sum().item()  # the context can be made
    figures.note(
        card=properties.name,
        memory_mib=properties.total_memory >> 20,
        multiprocessors=properties.multi_processor_count,
        cudnn=torch.backends.cudnn.version(),
        driver=said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
    )


def said(*command: str) -> str | None:
    """Run a command for its output; None where it is not to be had."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
