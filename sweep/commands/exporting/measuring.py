"""Measure a generator that a sweep has kept, here and now: on the sweep's pictures, as results are measured."""

from dataclasses import asdict
from typing import Any

import torch

from ganlib.config import TrialConfig
from ganlib.errors import RequestError
from ganlib.export.generator import LoadedGenerator
from ganlib.metrics import NonFiniteError
from sweep.commands.before import moved
from sweep.records.catalog import Sweep
from sweep.results.choice import Choice
from sweep.spec.specification import parse
from sweep.storage.layout import SPEC
from sweep.worker.result import Measuring
from sweep.worker.shared import evaluator_of, inputs_of, sets_of


def config_of(sweep: Sweep, chosen: Choice) -> TrialConfig:
    """Read the configuration of a generator, with where the sweep's pictures are now: they may have been moved."""
    trial = TrialConfig.model_validate_json(chosen.row["config"])
    spec = parse(sweep.spec_text(), SPEC)
    return trial.model_copy(update={"data": spec.data, "photos": spec.photos})


def check_pictures(sweep: Sweep, trial: TrialConfig) -> None:
    """Check that the pictures of the sweep are there.

    Raises:
        RequestError: if they are not, or have changed.
    """
    where = f"If the pictures were moved: {moved(parse(sweep.spec_text(), SPEC))}"
    try:
        found = sets_of(trial).hash
    except RequestError as error:
        raise RequestError(f"{error}. {where}") from None
    if found != sweep.info.data_hash:
        raise RequestError(f"the pictures are not those of the sweep. {where}")


def result_of(
    sweep: Sweep, chosen: Choice, loaded: LoadedGenerator | None = None
) -> tuple[dict[str, Any] | None, str | None]:
    """Score a generator on the inputs of results, at the full number of pictures; or say why that cannot be done."""
    trial = config_of(sweep, chosen)
    device = torch.device("cpu")
    try:
        check_pictures(sweep, trial)
        evaluator = evaluator_of(trial, device)
        measuring = Measuring(trial, sweep.info.metric, evaluator, inputs_of(trial), device, lambda: None)
        generator = loaded or measuring.load(chosen.folder, chosen.path)
        if generator is None:
            return None, f"{chosen.path} is gone"
        return asdict(measuring.score(generator, "result", "usual")), None
    except (NonFiniteError, RequestError) as error:
        return None, str(error)
