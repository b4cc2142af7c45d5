"""Make the spec of a folder of pictures, fitted into a time where one is given."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ganlib.errors import RequestError
from sweep import durations
from sweep.commands.folder.asked import Asked
from sweep.commands.folder.chosen import Numbers, name_for, size_for, spec_for
from sweep.commands.folder.put_over import put_over
from sweep.commands.folder.seen import look
from sweep.commands.planning.fitting import fitted
from sweep.mistaken import instead_of_address
from sweep.spec.specification import Spec, parse
from sweep.storage.layout import CHOSEN


def spec_of(asked: Asked, say: Callable[[str], None]) -> tuple[Spec, str]:
    """Choose a spec for a folder of pictures.

    Args:
        asked: The folder, and what is to be put over the spec; without ``seconds`` the spec is a small one.
        say: Told what is done.

    Returns:
        The spec, and its text with a comment at each choice, and with what was asked for. Where there was a time to fit
        into, the GPU of a trial has been measured in the spec, while the text leaves it to the machine.

    Raises:
        RequestError: if the pictures are too few, many of them cannot be opened, or the time is too short.
        WorkError: if a few steps cannot be timed.
    """
    import torch

    if instead := instead_of_address(asked.what):
        raise RequestError(f"{asked.what}: {instead}")
    spec, text = _chosen(asked, torch.cuda.is_available(), say)
    left = parse(text, CHOSEN, asked.named).resources.gpu
    # Left to a machine whose GPU is too old for what is installed.
    if (left, spec.resources.gpu) == ("auto", 0):
        spec, text = _chosen(asked, False, say)
    return spec, put_over(text, asked.named)


def _chosen(asked: Asked, gpu: bool, say: Callable[[str], None]) -> tuple[Spec, str]:
    """Choose a spec for training on a GPU, or on the processor."""
    folder = Path(asked.what)
    name = asked.own_name or name_for(folder)
    said = {key: asked.said(f"data.{key}") for key in ("max_skipped", "labels")}
    given = {key: getattr(spec.data, key) for key, spec in said.items() if spec is not None}
    seen = look(folder, size_for(0, gpu)[0], say, **given)
    numbers = Numbers() if asked.seconds is None else Numbers(time=durations.text(asked.seconds))
    text = spec_for(seen, name, gpu, numbers)
    spec = parse(text, CHOSEN, asked.named)
    if asked.seconds is not None:
        fit = fitted(spec, asked.seconds, asked.local, say, asked.began)
        numbers = numbers.changed(dict(one.split("=", 1) for one in fit.overrides))
        text = spec_for(seen, name, gpu, numbers)
        spec = replace(parse(text, CHOSEN, asked.named), resources=fit.spec.resources)
    return spec, text
