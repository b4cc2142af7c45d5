"""Exports of small networks with random weights."""

from pathlib import Path
from typing import Any

import torch

from ganlib.config import ModelConfig
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.names import FAMILIES


def tiny_export(
    folder: Path,
    family: str = "dcgan",
    classes: dict[str, int] | None = None,
    channels: int = 3,
    **about: Any,
) -> Path:
    """Write an export into a folder, which is made; networks that are told classes give them something to do."""
    classes = classes or {}
    translates, styles = FAMILIES[family].translates, family.startswith("stylegan")
    shape: dict[str, Any] = {"width": 4, "blocks": 1} if translates else {"width": 4, "latent_dim": 8}
    model = ModelConfig.model_validate({"family": family, **shape})
    size = 64 if translates else 32
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = FAMILIES[family].load().generator(model, size, channels, len(classes))
        if styles:
            network.w_avg.normal_()
        for parameter in network.parameters():
            if classes and parameter.shape[:1] == (len(classes),):
                torch.nn.init.normal_(parameter)
    folder.mkdir(parents=True, exist_ok=True)
    config = ExportConfig(model=model, size=size, channels=channels, classes=classes, about=about)
    save_generator(folder, config, pack_weights(network))
    return folder
