"""What has to work before the first trial may start, tried out on every node."""

import json
import socket
from dataclasses import asdict
from importlib import import_module
from typing import Any

import torch

from ganlib.config import TrialConfig
from ganlib.errors import RequestError
from ganlib.metrics import TranslationEvaluator, load_extractor, pairwise_similarity
from ganlib.names import FAMILIES
from ganlib.steps.precision import told
from sweep import __version__
from sweep.storage.lease import read
from sweep.storage.opening import open_folder
from sweep.worker.shared import device_name, device_of, evaluator_of, sets_of


def preflight(
    config: dict[str, Any], data_hash: str, folder: str, owner: str, gpu: float, threads: int
) -> dict[str, Any]:
    """Try out storage, pictures and extractor on this node.

    Returns:
        The device, the version of this software, the extractor's name and digest, the floor at each step of the
        ladder; of translators also what photographs score as they are; and notes on what is unexpected on this node.

    Raises:
        RequestError: what the user can mend, such as weights that are missing.
    """
    host = socket.gethostname()
    lease = read(open_folder(folder))
    if lease is None or lease.owner != owner:
        raise RequestError(
            f"the sweep's folder {folder} is not there on {host}: give a --storage that all nodes share, "
            "a network disk or s3://"
        )
    torch.set_num_threads(max(1, threads))
    trial = TrialConfig.model_validate_json(json.dumps(config))
    device = device_of(gpu)
    if gpu > 0 and device.type == "cpu":
        raise RequestError(
            f"Ray counts a GPU on {host}, but torch finds none there: nothing is trained on a CPU under the name of a "
            "GPU. Install a driver that fits (nvidia-smi shows it) and torch for CUDA, start Ray there without "
            "--num-gpus, or ask for resources.gpu 0"
        )
    evaluator = evaluator_of(trial, device)
    if sets_of(trial).hash != data_hash:
        raise RequestError(
            f"the pictures on {host} are not those that the sweep begins with: every node needs the same files, and "
            "nothing may write into their folders while a sweep runs"
        )
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
