"""What the trials of one process share: its device, the sweep's pictures and the extractor."""

import json
import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from ganlib.config import DataConfig, EvaluateConfig, PhotosConfig, TrialConfig
from ganlib.data import ImageSet, cache_dir
from ganlib.domains import kit
from ganlib.domains.sets import TrainingSets, prepare_sets
from ganlib.errors import WorkError
from ganlib.flags import at_first
from ganlib.heap import keep_memory
from ganlib.metrics import Evaluator, TranslationEvaluator
from ganlib.models.choice import share
from ganlib.models.inputs import Inputs, Pictures
from ganlib.models.inputs import inputs_of as inputs_for
from ganlib.names import FAMILIES
from sweep.storage.folder import Folder
from sweep.worker.ready.offer import placed
from sweep.worker.timings import Timings


def settle(threads: int, folder: Folder) -> None:
    """Have this process compute as trials of a sweep do: by so many threads, and with the ways that the sweep chose.

    Args:
        threads: Of each operation on a CPU.
        folder: The sweep's.
    """
    torch.set_num_threads(max(1, threads))
    keep_memory()
    share(Timings(folder))


def unsettle() -> None:
    """Have this process choose by itself again: the folder of a sweep that has ended may be out of reach."""
    share(None)


def device_of(gpu: float) -> torch.device:
    """Choose the device of a trial; on a GPU it is limited to its share of the memory.

    Float32 is plain float32 there (`ganlib.flags`): what is measured must not depend on the kind of GPU. Training steps
    choose for themselves.
    """
    if gpu <= 0 or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda")
    at_first(device)
    torch.cuda.set_per_process_memory_fraction(min(gpu, 1.0))
    return device


def device_name(device: torch.device) -> str:
    """Name a device: ``cpu``, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def config_of(plain: Mapping[str, Any]) -> TrialConfig:
    """Read a trial's configuration, with the paths of its weights on this machine."""
    return placed(TrialConfig.model_validate_json(json.dumps(plain)))


def sets_of(trial: TrialConfig, data_hash: str = "") -> TrainingSets:
    """Load the pictures of a trial; they are kept for the next trial of this process.

    Args:
        trial: The configuration.
        data_hash: Of the pictures; where the cache has them, their sources are not looked at.
    """
    edges = FAMILIES[trial.model.family].edges
    return _sets(
        trial.data.model_dump_json(), trial.photos and trial.photos.model_dump_json(), edges, data_hash
    )


def begun_with(trial: TrialConfig, data_hash: str) -> TrainingSets:
    """Load the pictures of a trial as `sets_of` does, and see that they are those that the sweep began with.

    Raises:
        WorkError: If this machine's are others.
    """
    sets = sets_of(trial, data_hash)
    if sets.hash != data_hash:
        raise WorkError(
            f"the pictures on {socket.gethostname()} are not those that the sweep began with "
            f"({sets.hash[:12]} instead of {data_hash[:12]}): every node needs the same files, and nothing may write "
            "into their folders while a sweep runs"
        )
    return sets


def inputs_of(trial: TrialConfig, data_hash: str = "") -> Inputs:
    """Give what a trial's generators are measured with: latents, or photographs; ``data_hash`` as in `sets_of`."""
    sets = sets_of(trial, data_hash)
    return inputs_for(trial.model, sets.drawings.pictures, sets.photo_pictures, sets.drawings.classes)


def evaluator_of(
    trial: TrialConfig, device: torch.device, data_hash: str = ""
) -> Evaluator | TranslationEvaluator:
    """Make the evaluator of a sweep, its extractor loaded; it is kept for the next trial of this process.

    ``data_hash`` is as in `sets_of`.
    """
    photos = trial.photos and trial.photos.model_dump_json()
    evaluate = trial.evaluate.model_dump_json()
    return _evaluator(trial.data.model_dump_json(), photos, evaluate, str(device), data_hash)


@lru_cache(maxsize=4)
def _sets(data: str, photos: str | None, edges: bool, data_hash: str) -> TrainingSets:
    if data_hash and (found := kit.known(data_hash, edges)) is not None:
        return found
    taken = None if photos is None else PhotosConfig.model_validate_json(photos)
    return prepare_sets(DataConfig.model_validate_json(data), taken, edges)


@lru_cache(maxsize=4)
def _evaluator(
    data: str, photos: str | None, evaluate: str, device: str, data_hash: str
) -> Evaluator | TranslationEvaluator:
    sets = _sets(data, photos, False, data_hash)
    config, cache = EvaluateConfig.model_validate_json(evaluate), cache_dir()

    def made(images: ImageSet) -> Evaluator:
        return Evaluator(
            images.pictures,
            images.hash,
            config,
            torch.device(device),
            cache,
            groups=images.groups,
            classes=images.classes,
        )

    drawings = made(sets.drawings)
    if sets.photos is None:
        return drawings
    return TranslationEvaluator(drawings, made(sets.photos), Pictures(sets.photos.pictures))
