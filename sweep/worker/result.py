"""A trial's result: its best generator, measured once more when the trial has ended.

What made a generator the best of its trial is too good on average, and was often measured on few pictures. So each
trial ends with one measurement through the file that can be exported: at the full number of pictures, in float32, from
latents that played no part in the choice. Trials are ranked, reported, confirmed and exported by it, and by nothing
else.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.config import TrialConfig
from ganlib.data.alpha import to_uint8
from ganlib.export.files import ExportConfig
from ganlib.export.generator import LoadedGenerator, rebuild
from ganlib.export.parameters import count_parameters
from ganlib.flags import exact, one_at_a_time
from ganlib.metrics import NonFiniteError, Score, TranslationEvaluator
from ganlib.metrics.evaluator import Evaluator
from ganlib.models.inputs import Inputs, Use
from ganlib.models.sheets import Make
from ganlib.models.translator import Translator
from ganlib.names import METRICS, Extent
from ganlib.training.making import at_work, measured
from ganlib.transfers import sent
from sweep.records.snapshots import Seen
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError


@dataclass(frozen=True)
class Measuring:
    """What a measurement needs beside the generator.

    Attributes:
        config: The trial's.
        metric: What the candidates are compared by.
        evaluator: Compares with the real pictures.
        inputs: What generators are given.
        device: Where pictures are made.
        alive: Called before every batch; what it raises ends the measurement.
        extent: How much is measured of results (see `ganlib.metrics.Evaluator.score`).
    """

    config: TrialConfig
    metric: str
    evaluator: Evaluator | TranslationEvaluator
    inputs: Inputs
    device: torch.device
    alive: Callable[[], None]
    extent: Extent = "usual"

    def load(self, folder: Folder, path: str) -> LoadedGenerator | None:
        """Load the generator of a snapshot; None where its file is gone."""
        try:
            weights = folder.read(path)
        except MissingFileError:
            return None
        return rebuild(export_config(self.config, self.inputs.classes), weights, path, self.device)

    def count(self, generator: LoadedGenerator) -> int:
        """Count what a generator has learnt, see `sweep.spec.wishes.measures`."""
        return count_parameters(generator.network)

    def score(self, generator: LoadedGenerator, use: Use, extent: Extent) -> Score:
        """Measure a generator at the full number of pictures.

        Args:
            generator: Of a snapshot or an export.
            use: Which list of inputs.
            extent: How much to measure.

        Raises:
            NonFiniteError: if a picture or a feature is not finite.
        """
        network = generator.network
        back = network.back if isinstance(network, Translator) else None
        finite: list[Tensor] = []
        make, make_back = (one and self._make(one, finite) for one in (network, back))
        assert make is not None
        work = at_work(make, make_back, self.inputs, use, self.alive)
        with one_at_a_time(self.device, self.alive):
            score = measured(self.evaluator, work, self.config.evaluate.n_fake, extent)
            # Only now: the device would have to be waited for at each part.
            whole = bool(torch.stack(finite).all())
        if not whole:
            raise NonFiniteError("the generator makes pictures that are not finite")
        return score

    def _make(self, network: nn.Module, finite: list[Tensor]) -> Make:
        """Let a network make pictures; whether those of each part were finite is added to ``finite``."""

        @torch.inference_mode()
        def make(inputs: Tensor) -> Tensor:
            with exact(self.device):
                raw = network(sent(inputs, self.device))
            finite.append(torch.isfinite(raw).all())
            return to_uint8(raw)

        return make


def export_config(
    trial: TrialConfig, classes: Mapping[str, int], about: Mapping[str, Any] | None = None
) -> ExportConfig:
    """Collect what an export's ``config.json`` holds of a trial's generator, which was told these classes."""
    data, told = trial.data, dict(classes)
    # Where its weights came from is in `about`; the place of a file on this machine means nothing elsewhere.
    model = trial.model.model_copy(update={"init": None, "freeze_d": 0})
    return ExportConfig(
        model=model, size=data.size, channels=data.channels, classes=told, about=dict(about or {})
    )


def measure(
    folder: Folder, place: str, candidates: Sequence[Seen], measuring: Measuring, ids: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure the result of a trial; returns its row of ``results``.

    Where several snapshots were kept (see `sweep.records.snapshots`), each is first measured at the full number of
    pictures, on the latents of evaluations, and the best of them goes on.

    Args:
        folder: The sweep's.
        place: Where the snapshots lie in it.
        candidates: The evaluations whose snapshots were kept.
        measuring: How.
        ids: Further columns: trial, attempt, data_hash.
    """
    started = time.perf_counter()
    loaded = [
        (one, measuring.load(folder, f"{place}/{layout.snapshot_name(one.kimg)}")) for one in candidates
    ]
    there = [(one, generator) for one, generator in loaded if generator is not None]
    row: dict[str, Any] = {**ids, "ema": True, "latents": measuring.inputs.name("result")}
    try:
        if not there:
            missing = ", ".join(layout.snapshot_name(one.kimg) for one in candidates)
            return row | {"problem": f"its snapshot is gone: {missing}"}
        chosen, generator = there[0] if len(there) == 1 else _run_off(there, measuring)
        row |= {"kimg": chosen.kimg, "seen": chosen.value, "seen_n_fake": chosen.n_fake}
        row |= asdict(measuring.score(generator, "result", measuring.extent))
        row["params"] = measuring.count(generator)
    except NonFiniteError as error:
        row |= {"problem": str(error)}
    return row | {"seconds": time.perf_counter() - started}


def _run_off(
    there: Sequence[tuple[Seen, LoadedGenerator]], measuring: Measuring
) -> tuple[Seen, LoadedGenerator]:
    """Choose the best of several snapshots at the full number of pictures."""
    extent = METRICS[measuring.metric].extent

    def value(pair: tuple[Seen, LoadedGenerator]) -> float:
        seen, generator = pair
        if seen.n_fake == measuring.config.evaluate.n_fake:
            return seen.value
        try:
            measured: float = getattr(measuring.score(generator, "evaluation", extent), measuring.metric)
        except NonFiniteError:
            return math.inf
        return measured

    return min(there, key=value)
