"""Seconds and memory that the parts of a driver take."""

import os
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ganlib import cores
from sweep.records.parts.sealed import seal
from sweep.records.rows import to_table
from sweep.records.schemas import SCHEMAS
from sweep.search.study import Study
from sweep.search.trial_source import Asked, PastTrial


@dataclass
class Meter:
    """Seconds of the processor and of the wall, and how often, by what they were spent on."""

    processor: Counter[str] = field(default_factory=Counter)
    wall: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count the time of a block."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.processor[what] += time.process_time() - processor
        self.wall[what] += time.perf_counter() - wall
        self.calls[what] += 1


def resident_mib() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def most_mib() -> int:
    """Look up the most resident memory that this process has had, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@dataclass
class Metered:
    """A study whose questions and answers are timed."""

    study: Study
    meter: Meter

    @property
    def spent(self) -> str:
        """Why the study has no more."""
        return self.study.spent

    def ask(self) -> Asked | None:
        """Ask the study."""
        with self.meter.on("ask"):
            return self.study.ask()

    def reopen(self, number: int) -> None:
        """Pass it on."""
        self.study.reopen(number)

    def follow(self, standing: PastTrial) -> None:
        """Show the study how a trial stands."""
        with self.meter.on("follow"):
            self.study.follow(standing)

    def flush(self) -> None:
        """Pass it on."""
        self.study.flush()

    def tell(self, ended: PastTrial) -> None:
        """Tell the study."""
        with self.meter.on("tell"):
            self.study.tell(ended)


def yardstick() -> float:
    """Measure a fixed piece of work in ms of the processor: a part of ten rows, made 200 times with nothing between."""
    schema = SCHEMAS["metrics"]
    row = {field.name: 0.5 if pa.types.is_floating(field.type) else None for field in schema}
    started = time.process_time()
    for _ in range(200):
        seal(to_table([row] * 10, schema))
    return round(1000 * (time.process_time() - started) / 200, 2)


def ms(seconds: float, count: int) -> float:
    """Give milliseconds for each of so many."""
    return round(1000 * seconds / max(count, 1), 2)


def unit() -> str | None:
    """Name what multiplies bfloat16 in this processor's hardware: ``AMX``, ``AVX-512``, or None."""
    import torch

    units = {"AMX": torch.cpu._is_amx_tile_supported(), "AVX-512": torch.cpu._is_avx512_bf16_supported()}
    return next((name for name, there in units.items() if there), None)


def processor() -> str:
    """Name the processor, its cores that may be used, and how it multiplies bfloat16."""
    way = f"by {unit()}" if unit() else "not in hardware"
    return f"{cores.processor()}, {cores.available()} cores, bfloat16 {way}"
