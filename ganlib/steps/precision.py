"""Choose the number format that networks compute in: bfloat16 where hardware does it.

What needs more than bfloat16, above all terms with a second derivative, stays outside of `autocast`, in float32. The
products of a step may be rounded to TF32 there (`ganlib.flags`) unless ``fp32`` is asked for: it keeps three bits more
than bfloat16, and the rounding changes a small part of what another batch does. What is measured is never rounded.
"""

from contextlib import AbstractContextManager
from typing import Literal

import torch

from ganlib.flags import tf32

Precision = Literal["auto", "fp32", "bf16"]


def has_bf16(device: torch.device) -> bool:
    """Tell whether the device multiplies bfloat16 in hardware; where it does not, bf16 is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(
        torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    )


def uses_bf16(precision: Precision, device: torch.device) -> bool:
    """Tell whether a precision, ``auto`` included, is bfloat16 on a device."""
    return precision == "bf16" or (precision == "auto" and has_bf16(device))


def told(precision: Precision, device: torch.device, name: str) -> str | None:
    """Say what a precision comes to where the hardware does not multiply bfloat16; None where nothing is unexpected.

    Args:
        precision: The one that is asked for.
        device: Where training runs.
        name: Of the device, for people.
    """
    if precision == "fp32" or has_bf16(device):
        return None
    if precision == "bf16":
        return (
            f"{name} does not multiply bfloat16 in hardware, so that train.precision bf16 is slower there than auto, "
            "which is float32"
        )
    if device.type == "cuda":
        return f"{name} does not multiply bfloat16 in hardware: networks train in float32 there (train.precision auto)"
    return None


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """Make a context in which convolutions run in the chosen format; weights and losses stay float32."""
    context: AbstractContextManager[None] = torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=uses_bf16(precision, device)
    )
    return context


def products(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """Make a context for a training step, in which float32 is plain float32 for ``fp32``, and may be TF32 otherwise."""
    return tf32(precision != "fp32", device)
