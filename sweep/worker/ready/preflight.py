"""What has to work before the first trial may start, tried out on every node."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from typing import Any

import torch

from ganlib.config import TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.metrics import TranslationEvaluator, load_extractor, pairwise_similarity
from ganlib.names import FAMILIES
from ganlib.steps.precision import told
from sweep import __version__
from sweep.storage.lease import read
from sweep.storage.opening import open_folder
from sweep.worker.faults import NO_KERNELS, kind_of
from sweep.worker.ready.offer import Progress, Source, take
from sweep.worker.shared import config_of, device_name, device_of, evaluator_of, sets_of


def preflight(
    config: dict[str, Any],
    data_hash: str,
    folder: str,
    owner: str,
    gpu: float,
    threads: int,
    source: Source | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Try out storage, pictures and extractor on this node, and fetch what it lacks.

    Args:
        config: Any configuration of the sweep, as plain values.
        data_hash: Of the sweep's pictures.
        folder: URL of the sweep's folder.
        owner: Of the sweep's lease.
        gpu: Share of a GPU that a trial gets.
        threads: On a CPU.
        source: The driver's machine; None where this is it.
        progress: Called with (done, total), in bytes of packed pictures that come from there.

    Returns:
        The device, the version of this software, the extractor's name and digest, the floor at each step of the
        ladder; of translators also what photographs score as they are; and notes on what is unexpected on this node.

    Raises:
        RequestError: what the user can mend, such as weights that are missing.
        WorkError: the disk has no room for the pictures, or they arrived damaged.
    """
    host = socket.gethostname()
    lease = read(open_folder(folder))
    if lease is None or lease.owner != owner:
        raise RequestError(
            f"the sweep's folder {folder} is not there on {host}: give a --storage that all nodes share, "
            "a network disk or s3://"
        )
    torch.set_num_threads(max(1, threads))
    if source is not None:
        take(source, data_hash, TrialConfig.model_validate_json(json.dumps(config)), progress)
    trial = config_of(config)
    with _explained(gpu, host):
        device = device_of(gpu)
        if gpu > 0 and device.type == "cpu":
            raise RequestError(
                f"Ray counts a GPU on {host}, but torch finds none there: nothing is trained on a CPU under the name "
                "of a GPU. Install a driver that fits (nvidia-smi shows it) and torch for CUDA, start Ray there "
                "without --num-gpus, or ask for resources.gpu 0"
            )
        return _tried(trial, data_hash, device, host)


@contextmanager
def _explained(gpu: float, host: str) -> Iterator[None]:
    """Say of a GPU that cannot be used what can be done."""
    try:
        yield
    except RuntimeError as error:
        if gpu <= 0:
            raise
        what = f"GPU on {host}"
        if kind_of(error) == "memory":
            more = "ask for more of it (resources.gpu), " if gpu < 1 else ""
            raise WorkError(
                f"not even the extractor and one network fit into {'a part' if gpu < 1 else 'the memory'} of the "
                f"{what}: other programs may hold it (nvidia-smi shows them); else {more}take smaller batches or a "
                f"smaller network (evaluate.batch_size, train.batch_size, model.width). {error}"
            ) from error
        if NO_KERNELS in str(error):
            raise RequestError(
                f"the PyTorch that is installed (for {' '.join(torch.cuda.get_arch_list())}) computes nothing on the "
                f"{what}: install one that does (https://pytorch.org), or train on the processor (resources.gpu 0)"
            ) from error
        raise


def _tried(trial: TrialConfig, data_hash: str, device: torch.device, host: str) -> dict[str, Any]:
    """Load and compute what all trials share."""
    if sets_of(trial, data_hash).hash != data_hash:
        raise RequestError(
            f"the pictures on {host} are not those that the sweep begins with: nothing may write into their folders "
            "while a sweep starts"
        )
    evaluator = evaluator_of(trial, device, data_hash)
    extractor = load_extractor(trial.evaluate.extractor, trial.evaluate.weights, device)
    evaluator.extremes()  # computed now, shared by all trials
    _try_out(trial, device)
    counts = [*(count for _, count in trial.ladder), trial.evaluate.n_fake]
    baselines = []
    if isinstance(evaluator, TranslationEvaluator):
        counts = list(dict.fromkeys(map(evaluator.measured, counts)))  # few photographs may make several one
        baselines = [evaluator.baseline(count) for count in counts]
    floors = [evaluator.floor(count) for count in counts]
    slow = told(
        trial.train.precision, device, "this processor" if device.type == "cpu" else device_name(device)
    )
    return {
        "device": device_name(device),
        "notes": [slow] if slow else [],
        "sweep": __version__,
        "extractor": extractor.name,
        "extractor_digest": extractor.digest,
        "floor": [asdict(floor) for floor in floors if floor],
        "baseline": [asdict(baseline) for baseline in baselines],
    }


def _try_out(trial: TrialConfig, device: torch.device) -> None:
    """Build the networks and import what trials import late, so that what is missing is missed now."""
    import_module("sweep.worker.trial_run")
    FAMILIES[trial.model.family].load_step()(trial.data, trial.model, trial.train, 0, device)
    pairwise_similarity(torch.zeros((2, 3, trial.data.size, trial.data.size), dtype=torch.uint8))
