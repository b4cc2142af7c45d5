"""What the trials of one process share: its device, the sweep's pictures and the extractor."""

from functools import lru_cache

import torch

from ganlib.config import DataConfig, EvaluateConfig
from ganlib.data import ImageSet, cache_dir, prepare
from ganlib.metrics import Evaluator


def device_of(gpu: float) -> torch.device:
    """Choose the device of a trial; on a GPU it is limited to its share of the memory."""
    if gpu <= 0 or not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    torch.cuda.set_per_process_memory_fraction(min(gpu, 1.0))
    return torch.device("cuda")


def device_name(device: torch.device) -> str:
    """Name a device: ``cpu``, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def images_of(config: DataConfig) -> ImageSet:
    """Load the pictures of a sweep; they are kept for the next trial of this process."""
    return _images(config.model_dump_json())


def evaluator_of(data: DataConfig, evaluate: EvaluateConfig, device: torch.device) -> Evaluator:
    """Make the evaluator of a sweep, its extractor loaded; it is kept for the next trial of this process."""
    return _evaluator(data.model_dump_json(), evaluate.model_dump_json(), str(device))


@lru_cache(maxsize=4)
def _images(config: str) -> ImageSet:
    return prepare(DataConfig.model_validate_json(config))


@lru_cache(maxsize=4)
def _evaluator(data: str, evaluate: str, device: str) -> Evaluator:
    images = _images(data)
    config = EvaluateConfig.model_validate_json(evaluate)
    return Evaluator(images.pictures, images.hash, config, device=torch.device(device), cache=cache_dir())
